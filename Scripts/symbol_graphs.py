"""The public symbols of modules that were built, for Scripts/docs and Scripts/check-api."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def extraction(module, build, folder, *options):
    """A process that writes the symbol graphs of a module to a folder.

    BUILD is the folder of the build, for example .build/debug. What the compiler adds to types is left out.
    """
    target = subprocess.run(["swift", "-print-target-info"], capture_output=True, text=True, check=True).stdout
    command = ["swift", "symbolgraph-extract", "-target", json.loads(target)["target"]["triple"]]
    command += ["-module-name", module, "-I", build / "Modules", "-output-dir", folder]
    command += ["-minimum-access-level", "public", "-skip-synthesized-members", *options]
    # Modules of C: this package's, those whose maps SwiftPM has written, and those of packages that have maps.
    packages = build.resolve().parent.parent / "checkouts"
    maps = [*ROOT.glob("Sources/*/module.modulemap"), *build.glob("*.build/module.modulemap")]
    for map_file in [*maps, *packages.glob("*/Sources/*/include/module.modulemap")]:
        command += ["-Xcc", f"-fmodule-map-file={map_file}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
