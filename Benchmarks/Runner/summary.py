"""The table at the top of Docs/Performance.md: what a reader can expect."""

from cells import AHC, C, US, US_EXECUTOR

CLIENTS = [US, US_EXECUTOR, AHC, C]
# (what, cell, column, figure, factor, digits)
ROWS = [
    ("small GETs a second, 1 at a time", "get-1", "pinned", "speed", 1, 0),
    ("small GETs a second, 64 at a time", "get-64", "pinned", "speed", 1, 0),
    ("another path and five fields, 64 at a time", "paths-64", "pinned", "speed", 1, 0),
    ("POST of JSON, 1 KiB both ways, 64 at a time", "json-64", "pinned", "speed", 1, 0),
    ("HTTP/2 with TLS, 64 streams", "http2-64", "pinned", "speed", 1, 0),
    ("GETs of 256 KiB a second, 64 at a time", "body-256k", "pinned", "speed", 1, 0),
    ("1 GiB down, MB/s, two cores", "down", "unpinned", "speed", 1e-6, 0),
    ("1 GiB up, MB/s, two cores", "up", "unpinned", "speed", 1e-6, 0),
    ("99 % of GETs are faster than, µs, at a moderate rate", "latency-half", "pinned", "p99_seconds", 1e6, 0),
    ("a process with one GET over https, ms", "cold-start", "pinned", "wall_seconds", 1e3, 0),
    ("memory of a request in flight, KiB", "memory", "unpinned", "bytes_per_request", 1 / 1024, 1),
]


def table(measurements):
    lines = ["| | " + " | ".join(CLIENTS) + " |", "|---|" + "--:|" * len(CLIENTS)]
    for what, cell, column, figure, factor, digits in ROWS:
        values = [measurements.median(cell, column, client, figure) for client in CLIENTS]
        shown = ["–" if value is None else f"{value * factor:,.{digits}f}" for value in values]
        lines.append(f"| {what} | " + " | ".join(shown) + " |")
    return "\n".join(lines)
