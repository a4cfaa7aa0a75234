"""Counts instructions with callgrind: the cost of events without a listener."""

import json
import re
import subprocess

# The functions that run for an event without a listener, as mangled names.
UNHEARD = re.compile(r"HandleObjectC(4emit|10skipEvents)|HandleTreeC12hasListeners")


def unheard_event_share(measurements, cell, client):
    """The share of all instructions, also where the functions are inlined. None if it cannot be measured here."""
    folder = measurements.servers.folder
    cell.arguments |= {"seconds": 60, "warm-up": 0, "requests": 10000}
    program, *arguments = measurements.command(cell, client)
    # Valgrind cannot read the debug information of Swift programs: it collects addresses, another tool finds their names.
    stripped, output = folder / "stripped", folder / "callgrind.out"
    try:
        subprocess.run(["llvm-objcopy", "--strip-debug", program, stripped], check=True)
        # The copy is in another folder than its libraries.
        libraries = re.search(r"RUNPATH.*\[(.*?):", run("readelf", "-d", program))
        environment = {"LD_LIBRARY_PATH": libraries[1] if libraries else ""}
        valgrind = ["valgrind", "-q", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={output}"]
        subprocess.run(
            ["env", *map("=".join, environment.items()), *valgrind, stripped, *arguments],
            check=True, capture_output=True, timeout=120,
        )
        total, own = read(output.read_text(), str(stripped))
        names = json.loads(
            run("llvm-symbolizer", f"--obj={program}", "--inlines", "--no-demangle", "--output-style=JSON",
                input="\n".join(map(hex, own)))
            .replace("\n", ",").rstrip(",").join("[]")
        )
    except (OSError, subprocess.SubprocessError) as error:
        print(f"callgrind: {error}")
        return None
    share = sum(
        cost for (address, cost), entry in zip(own.items(), names)
        if any(UNHEARD.search(frame["FunctionName"]) for frame in entry["Symbol"])
    )
    return share / total


def run(*command, input=None):
    return subprocess.run(command, check=True, capture_output=True, text=True, input=input).stdout


def read(text, program):
    """All instructions, and those of the program itself by address."""
    total, own = 0, {}
    names, is_own, follows_call, address = {}, False, False, 0
    for line in text.splitlines():
        if match := re.match(r"(c?ob)=\((\d+)\)(?: (.*))?", line):
            kind, number, name = match.groups()
            if name:
                names[number] = name
            if kind == "ob":
                is_own = names[number] == program
        elif line.startswith("calls="):
            # The next line is the callee's cost, which is counted there.
            follows_call = True
        elif match := re.match(r"(\*|[+-]\d+|0x[0-9a-f]+) \S+ (\d+)$", line):
            position, cost = match.groups()
            # An address is absolute, relative to the previous one, or "*" for the same.
            if position[0] in "+-":
                address += int(position)
            elif position != "*":
                address = int(position, 16)
            if not follows_call:
                total += int(cost)
                if is_own:
                    own[address] = own.get(address, 0) + int(cost)
            follows_call = False
    return total, own
