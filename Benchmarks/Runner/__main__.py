"""Measures this library and other clients. Started by Scripts/bench, which builds the programs."""

import argparse
import datetime
import pathlib
import re
import sys
import tempfile
import time

import instructions
import measure
import plot
import report
import summary
from cells import US, big_bytes, cells, growth_cells, gets
from servers import Servers

ROOT = pathlib.Path(__file__).parents[2]
# All figures of all rounds of the last run that wrote the page.
FIGURES = ROOT / ".build-logs" / "bench.json"


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, help="how often each client runs each cell (5; 1 if quick)")
    parser.add_argument("--quick", action="store_true", help="short windows, one round: shows that everything works")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--only", default="", metavar="PATTERN", help="only cells whose name matches; writes no page")
    part.add_argument("--again", metavar="PATTERN",
                      help="only cells whose name matches; the page keeps the last figures of the others")
    parser.add_argument("--list", action="store_true", help="print the names of the cells")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    # A curve shows its noise, so fewer rounds are sufficient.
    plan = [(cell, rounds) for cell in cells(arguments.quick)]
    plan += [(cell, min(rounds, 3)) for cell in growth_cells(arguments.quick)]
    every_cell = [cell for cell, _ in plan]
    plan = [(cell, times) for cell, times in plan if re.search(arguments.again or arguments.only, cell.name)]
    measured = [cell for cell, _ in plan]
    if arguments.list:
        print("\n".join(cell.name for cell, _ in plan))
        return
    if not plan:
        raise SystemExit("bench: no cell has such a name")

    begin = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Servers(folder, arguments.programs, big_bytes(arguments.quick)) as servers,
    ):
        measurements = measure.Measurements(servers, arguments.programs, arguments.quick)
        if arguments.again:
            measurements.load(FIGURES, without=[cell.name for cell in measured])
        elif re.search(arguments.only, "callgrind"):
            print("callgrind", file=sys.stderr)
            measurements.unheard_event_share = instructions.unheard_event_share(
                measurements, gets("callgrind", "", 64), US)
        for round in range(rounds):
            for cell, times in plan:
                if round < times:
                    print(f"round {round + 1} of {rounds}: {cell.name}", file=sys.stderr)
                    measurements.run_round(cell)
            # After each round, so that a run which is stopped leaves something.
            text = publish(measurements, every_cell if arguments.again else measured, round + 1, arguments)
    print(text)
    print(f"\n{time.monotonic() - begin:.0f} seconds", file=sys.stderr)


def publish(measurements, shown, rounds, arguments):
    """Writes what was measured so far, and returns the tables."""
    command = " ".join(["Scripts/bench"] + sys.argv[3:])
    text = report.render(measurements, shown, command, rounds, arguments.quick, bool(arguments.only))
    if not arguments.only:
        page = ROOT / "Docs" / "Performance.md"
        report.write(page, report.TABLES, text)
        report.write(page, report.SUMMARY, summary.table(measurements))
        day = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {command}"
        (ROOT / "Docs" / "growth.svg").write_text(plot.draw(measurements, day) or "")
        measurements.save(FIGURES)
    return text


main()
