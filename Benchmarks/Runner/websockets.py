"""Measures WebSockets of this library and of other clients. Started by Scripts/bench-websockets."""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

from servers import free_ports

C, US, US_EXECUTOR, NIO = "libcurl in C", "HTTPHandles", "HTTPHandles, session.executor", "SwiftNIO"
# Name -> (program, arguments).
CLIENTS = {
    C: ("benchmark-libcurl", []),
    US: ("benchmark-http-handles", []),
    US_EXECUTOR: ("benchmark-http-handles", ["--executor", "session"]),
    NIO: ("benchmark-websocket-nio", []),
}
KIB, GIB = 1 << 10, 1 << 30


def window(name, title, workload, path, clients=tuple(CLIENTS), **arguments):
    return name, title, workload, path, clients, {"seconds": 0.5, "warm-up": 0.2} | arguments


def cells():
    # SwiftNIO has no compression.
    without_nio = (C, US, US_EXECUTOR)
    big = {"size": 64 * KIB, "messages": GIB // (64 * KIB)}
    less = {"size": 64 * KIB, "messages": GIB // 8 // (64 * KIB), "deflate": 1}
    return [
        window("echo-1", "round trips of 64 bytes, 1 socket", "ws-echo", "/echo", sockets=1),
        window("echo-64", "round trips of 64 bytes, 64 sockets", "ws-echo", "/echo", sockets=64),
        window("flood-in", "1 KiB messages in", "ws-flood-in", "/flood/1024", size=KIB),
        window("flood-out", "1 KiB messages out", "ws-flood-out", "/sink", size=KIB),
        # The program in C always writes what there is room for.
        window("flood-out-16", "1 KiB messages out, 16 in each call", "ws-flood-out", "/sink", size=KIB, batch=16),
        ("down", "1 GiB in 64 KiB messages, in", "ws-down", f"/flood/65536/{big['messages']}", tuple(CLIENTS), big),
        ("up", "1 GiB in 64 KiB messages, out", "ws-up", "/sink", tuple(CLIENTS), big),
        ("idle", "5,000 idle sockets, a ping each in every second", "ws-idle", "/echo", (C, US, NIO),
         {"sockets": 5000, "interval": 1, "seconds": 3}),
        window("deflate-echo-64", "round trips of 1 KiB, 64 sockets, deflate", "ws-echo", "/deflate/echo",
               without_nio, sockets=64, size=KIB, deflate=1),
        window("deflate-flood-in", "1 KiB messages in, deflate", "ws-flood-in", "/deflate/flood/1024", without_nio,
               size=KIB, deflate=1),
        window("deflate-flood-out", "1 KiB messages out, deflate", "ws-flood-out", "/deflate/sink", without_nio,
               size=KIB, deflate=1),
        ("deflate-down", "128 MiB in 64 KiB messages, in, deflate", "ws-down",
         f"/deflate/flood/65536/{less['messages']}", without_nio, less),
        ("deflate-up", "128 MiB in 64 KiB messages, out, deflate", "ws-up", "/deflate/sink", without_nio, less),
        ("deflate-idle", "1,000 idle sockets, deflate agreed", "ws-idle", "/deflate/echo", (C, US),
         {"sockets": 1000, "interval": 1, "seconds": 1, "deflate": 1}),
    ]


# (cell, figure, client, reference, limit); less is better for the figures that are not a speed.
TARGETS = [
    ("echo-1", "speed", US, NIO, 1.5), ("echo-64", "speed", US, NIO, 1.5),
    ("flood-in", "speed", US, NIO, 1.0), ("flood-out", "speed", US, NIO, 1.0),
    ("flood-out-16", "speed", US, NIO, 1.0),
    ("down", "speed", US, NIO, 1.0), ("up", "speed", US, NIO, 1.0),
    ("idle", "bytes_per_socket", US, C, 1.3),
]


def run(programs, port, core, cell, client):
    _, _, workload, path, _, arguments = cell
    program, more = CLIENTS[client]
    scheme = "http" if client == C else "ws"
    options = arguments | {"url": f"{scheme}://127.0.0.1:{port}{path}"}
    pairs = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = ["taskset", "-c", str(core), str(programs / program), workload, *pairs, *more]
    process = subprocess.run(command, capture_output=True, text=True, timeout=180)
    if process.returncode:
        print(f"{client}: {(process.stdout + process.stderr)[-300:].strip()}", file=sys.stderr)
        return {}
    values = {line.split()[0]: float(line.split()[1]) for line in process.stdout.splitlines()}
    if "work" in values and values["work"]:
        values["speed"] = values["work"] / values["seconds"]
        values["cpu_per_work"] = values["cpu"] / values["work"]
    return values


def render(cell, results):
    name, title, workload, _, clients, _ = cell
    print(f"\n{title} ({name})\n")
    idle = workload == "ws-idle"
    columns = ["bytes_per_socket", "cpu_per_work"] if idle else ["speed", "cpu_per_work", "peak_bytes"]
    for client in clients:
        figures = []
        for column in columns:
            values = [each[column] for each in results[name, client] if column in each]
            if not values:
                continue
            middle, spread = statistics.median(values), f"{min(values):.4g} to {max(values):.4g}"
            figures.append(f"{column} {middle:.4g} ({spread})")
        print(f"    {client:32}{', '.join(figures) or 'failed'}")


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench-websockets", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", metavar="PATTERN", help="only cells whose name matches")
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    port = free_ports(1)[0]
    command = ["taskset", "-c", str(arguments.core), str(arguments.programs / "benchmark-websocket-server"), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if server.stdout.readline() != "listening\n":
        raise SystemExit("benchmark-websocket-server does not start")
    plan = [cell for cell in cells() if re.search(arguments.only, cell[0])]
    results = {}
    for round in range(arguments.rounds):
        for cell in plan:
            print(f"round {round + 1} of {arguments.rounds}: {cell[0]}", file=sys.stderr)
            for client in cell[4]:
                values = run(arguments.programs, port, arguments.core, cell, client)
                results.setdefault((cell[0], client), []).append(values)
    server.terminate()
    for cell in plan:
        render(cell, results)
    print("\ntargets\n")
    for name, figure, client, reference, limit in TARGETS:
        ours, theirs = ([each[figure] for each in results.get((name, one), []) if figure in each]
                        for one in (client, reference))
        if ours and theirs:
            ratio = statistics.median(ours) / statistics.median(theirs)
            is_met = ratio >= limit if figure == "speed" else ratio <= limit
            print(f"    {name:12}{figure:18}{ratio:6.2f} x {reference}, target {limit}: {'met' if is_met else 'missed'}")


main()
