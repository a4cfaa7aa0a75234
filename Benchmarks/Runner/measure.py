"""Runs the clients: one process for each figure, the clients of a cell in turn, round after round."""

import json
import operator
import os
import statistics
import subprocess
import sys

import coldstart
from cells import CLIENTS, gets

ALL_CORES = os.sched_getaffinity(0)
PINNED_CORE = {min(ALL_CORES)}
SECONDS_TO_LIVE = 40


class Measurements:
    """Every figure of every round, by cell, column and client."""

    def __init__(self, servers, programs, quick):
        self.servers = servers
        self.programs = programs
        self.window = {"warm-up": 0.1, "seconds": 0.25} if quick else {"warm-up": 0.15, "seconds": 0.5}
        self.rounds = {}
        self.failures = {}
        self.one_at_a_time = {}
        self.unheard_event_share = None
        # What was run, as texts: the runs whose figures are kept, and all of them.
        self.earlier_runs = []
        self.runs = []

    def save(self, path):
        path.parent.mkdir(exist_ok=True)
        rounds = [{"key": key, "rounds": rounds} for key, rounds in self.rounds.items()]
        failures = [{"key": key, "texts": texts} for key, texts in self.failures.items()]
        figures = {"rounds": rounds, "failures": failures,
                   "unheard_event_share": self.unheard_event_share, "runs": self.runs}
        path.write_text(json.dumps(figures, indent=1))

    def load(self, path, without):
        """Reads what `save` wrote, except for some cells."""
        if not path.exists():
            raise SystemExit("bench: --again needs the figures of a whole run before")
        figures = json.loads(path.read_text())
        self.rounds = {tuple(row["key"]): row["rounds"] for row in figures["rounds"] if row["key"][0] not in without}
        self.failures = {tuple(row["key"]): row["texts"] for row in figures["failures"] if row["key"][0] not in without}
        self.unheard_event_share = figures["unheard_event_share"]
        self.earlier_runs = figures["runs"]

    def run_round(self, cell):
        for column in cell.columns:
            self.servers.run_on(ALL_CORES if column == "unpinned" else PINNED_CORE)
            for client in cell.clients:
                # Empty if it failed, so that the rounds of all clients stay aligned.
                self.rounds.setdefault((cell.name, column, client), []).append(self.run(cell, client, column))

    def command(self, cell, client):
        program, arguments = CLIENTS[client]
        options = dict(self.window) | cell.arguments | {
            "url": self.servers.url(cell.server, cell.path),
            # Opens the connection for the measured transfer.
            "warm-up-url": self.servers.url(cell.server, "/hello"),
            "silent-url": self.servers.url("silent", "/silent"),
            "silent-port": self.servers.ports["silent"],
            "proxy-port": self.servers.ports[cell.proxy] if cell.proxy else 0,
            "authority": self.servers.authority if cell.server.startswith("https") else "",
        }
        if cell.half_of:
            options["rate"] = self.speed_one_at_a_time(cell.half_of) / 2
        pairs = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        return [str(self.programs / program), cell.workload, *pairs, *arguments]

    def speed_one_at_a_time(self, client):
        """Requests a second, pinned, measured before its first use: the same rate in all rounds."""
        if client not in self.one_at_a_time:
            windows = [self.run(gets("one at a time", "", 1), client, "pinned") for _ in range(3)]
            self.one_at_a_time[client] = statistics.median(each.get("speed", 0) for each in windows) or 1000
        return self.one_at_a_time[client]

    def run(self, cell, client, column):
        command = self.command(cell, client)
        environment = dict(os.environ)
        if column == "counted":
            environment["LD_PRELOAD"] = str(self.programs / "libAllocationCounter.so")
        if column != "unpinned" and cell.workload != "once":
            command = ["taskset", "-c", ",".join(map(str, PINNED_CORE)), *command]
        # Not tried again after two failures.
        failures = self.failures.setdefault((cell.name, column, client), [])
        if len(failures) > 1:
            return {}
        try:
            if cell.workload == "once":
                return coldstart.run(command, PINNED_CORE)
            process = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=SECONDS_TO_LIVE
            )
            output = (process.stdout + process.stderr)[-200:].strip()
            problem = "" if process.returncode == 0 else f"exit {process.returncode}: {output}"
        except subprocess.TimeoutExpired:
            problem = f"not over after {SECONDS_TO_LIVE} seconds"
        except OSError as error:
            problem = str(error)
        if problem:
            print(f"  {cell.name}, {client}, {column}: {problem}", file=sys.stderr)
            failures.append(problem)
            return {}
        figures = {name: float(value) for name, value in (line.split() for line in process.stdout.splitlines())}
        return derive(figures)

    # The results.

    def median(self, cell, column, client, figure):
        values = [each[figure] for each in self.rounds.get((cell, column, client), []) if figure in each]
        return statistics.median(values) if values else None

    def ratio(self, one, other, figure, operation=operator.truediv):
        """The median of the rounds' ratios (or differences): changes between rounds affect both."""
        pairs = zip(self.rounds.get(one, []), self.rounds.get(other, []))
        ratios = [operation(a[figure], b[figure]) for a, b in pairs if a.get(figure) and b.get(figure)]
        return statistics.median(ratios) if ratios else None


def derive(figures):
    work = figures.get("work")
    if work:
        figures["speed"] = work / figures["seconds"]
        figures["cpu_per_unit"] = figures["cpu"] / work
        for name in ["allocations", "allocated"]:
            if name in figures:
                figures[name] /= work
    return figures
