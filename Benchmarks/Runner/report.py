"""Writes the tables and targets into Docs/Performance.md."""

import datetime
import operator
import os
import pathlib
import platform
import re
import subprocess

from cells import AHC, C, TARGETS, UNHEARD_EVENTS_LIMIT, US

TABLES, SUMMARY = "tables", "summary"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value, digits=0):
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def ratio(value):
    return "–" if value is None else f"{value:.2f}"


def speed(measurements, cell, column, client):
    value = measurements.median(cell.name, column, client, "speed")
    return number(value and value / (1e6 if cell.unit == "bytes" else 1))


def cpu(measurements, cell, column, client):
    value = measurements.median(cell.name, column, client, "cpu_per_unit")
    # Microseconds per request, milliseconds per megabyte.
    return number(value and value * 1e6 * (1e3 if cell.unit == "bytes" else 1), 2 if cell.unit == "bytes" else 1)


def speed_table(measurements, cells, unit):
    work, cpu_unit = ("requests/s", "µs CPU a request") if unit == "requests" else ("MB/s", "ms CPU a MB")
    head = ["cell", "client", f"{work}, pinned", "× C", "× AHC", cpu_unit, "peak MiB", f"{work}, unpinned", cpu_unit]
    rows = []
    for cell in cells:
        for client in cell.clients:
            to = [measurements.ratio((cell.name, cell.columns[0], client), (cell.name, cell.columns[0], other), "speed")
                  for other in [C, AHC]]
            is_pinned = "pinned" in cell.columns
            peak = measurements.median(cell.name, cell.columns[0], client, "peak_bytes")
            rows.append([
                cell.title if client == cell.clients[0] else "",
                client,
                speed(measurements, cell, "pinned", client) if is_pinned else "",
                *map(ratio, to),
                cpu(measurements, cell, "pinned", client) if is_pinned else "",
                number(peak and peak / (1 << 20), 1),
                speed(measurements, cell, "unpinned", client),
                cpu(measurements, cell, "unpinned", client),
            ])
    return table(head, rows)


def other_table(measurements, cells, figures):
    """`figures`: cell -> [(heading, figure, factor or a client to compare with, digits)]."""
    sections = []
    for cell in cells:
        if cell.name not in figures:
            continue
        columns = figures[cell.name]
        rows = [
            [cell.title if client == cell.clients[0] else "", client] + [
                other_figure(measurements, cell, client, *column) for _, *column in columns
            ]
            for client in cell.clients
        ]
        sections.append(table(["cell", "client"] + [heading for heading, *_ in columns], rows))
    return "\n\n".join(sections)


def other_figure(measurements, cell, client, figure, factor, digits=2):
    column = cell.columns[0]
    if isinstance(factor, str):
        return ratio(measurements.ratio((cell.name, column, client), (cell.name, column, factor), figure))
    value = measurements.median(cell.name, column, client, figure)
    return number(value and value * factor, digits)


LATENCY = [
    ("requests/s", "rate", 1, 0),
    *[(f"{title}, µs", figure, 1e6, 0)
      for title, figure in [("p50", "p50_seconds"), ("p99", "p99_seconds"), ("p99.9", "p999_seconds")]],
    ("p99 × C", "p99_seconds", C),
    ("p99 × AHC", "p99_seconds", AHC),
]
OTHER = {
    "latency-half": LATENCY,
    "cold-start": [("wall, ms", "wall_seconds", 1e3, 2), ("CPU, ms", "cpu_seconds", 1e3, 2),
                   ("wall × C", "wall_seconds", C), ("wall × AHC", "wall_seconds", AHC)],
    "start": [("fastest, ms", "first_seconds", 1e3, 2), ("p50, ms", "p50_seconds", 1e3, 2)],
    "cancel": [("p50, µs", "p50_seconds", 1e6, 0), ("p99, µs", "p99_seconds", 1e6, 0)],
    "memory": [("KiB", "bytes_per_request", 1 / 1024, 1)],
    "allocations": [("allocations a request", "allocations", 1, 1), ("bytes a request", "allocated", 1, 0)],
}


def target_rows(measurements):
    for target in TARGETS:
        own = (target.cell, target.column, target.client)
        reference = (target.against_cell or target.cell, target.column, target.against or target.client)
        operation = operator.sub if target.is_difference else operator.truediv
        value = measurements.ratio(own, reference, target.figure, operation)
        against = target.against or f"itself in {target.against_cell}"
        sign = ("≤" if target.less_is_better else "≥") + (" it +" if target.is_difference else "")
        if value is None:
            verdict = "not measured"
        else:
            is_reached = value <= target.limit if target.less_is_better else value >= target.limit
            verdict = "reached" if is_reached else "**missed**"
        name = target.cell + (", p99" if target.figure == "p99_seconds" else "")
        here = ratio(value) if not target.is_difference or value is None else f"it {value:+.1f}"
        yield [name, target.client, against, f"{sign} {target.limit}", here, verdict]
    verdict = "not measured"
    unheard_share = measurements.unheard_event_share
    if unheard_share is not None:
        verdict = "reached" if unheard_share <= UNHEARD_EVENTS_LIMIT else "**missed**"
    figure = "–" if unheard_share is None else f"{unheard_share:.2%}"
    limit = f"≤ {UNHEARD_EVENTS_LIMIT:.0%}"
    yield ["get-64", US, "events without a listener, share of all instructions", limit, figure, verdict]


def machine():
    def first(command, pattern):
        try:
            result = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            return "?"
        match = re.search(pattern, result.stdout + result.stderr)
        return match[1] if match else "?"

    processor = first(["lscpu"], r"Model name:\s*(.+)")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")
    nginx = subprocess.run(["nginx", "-v"], env=environment, capture_output=True, text=True).stderr
    return (
        f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB, Linux {platform.release()}, "
        f"libcurl {first(['curl-config', '--version'], r'libcurl (.+)')}, nginx {nginx.split('/')[-1].strip()}, "
        f"Swift {first(['swift', '--version'], r'Swift version ([0-9.]+)')}"
    )


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (" with changes" if git("status", "--porcelain", "Sources") else "")


def render(measurements, cells, command, rounds, quick, is_partial):
    cells = [cell for cell in cells if not cell.name.startswith("growth")]
    groups = {}
    for cell in cells:
        if cell.group:
            groups.setdefault(cell.group, []).append(cell)
    targets = list(target_rows(measurements))
    if is_partial:
        targets = [row for row in targets if row[-1] != "not measured"]
    run = (f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, `{command}`, "
           f"{rounds} {'rounds' if rounds > 1 else 'round'}")
    measurements.runs = measurements.earlier_runs + [run]
    parts = ["; ".join(measurements.runs) + f". {machine()}."]
    if quick:
        parts.append(
            "**From a quick run on a busy machine: it shows that everything works, not how fast anything is.**"
        )
    if targets:
        parts += ["### Targets", table(["cell", "client", "against", "target", "here", "verdict"], targets)]
    for group, members in groups.items():
        parts += [f"### {group}", speed_table(measurements, members, members[0].unit)]
    rest = other_table(measurements, cells, OTHER)
    if rest:
        parts += ["### Latency, memory, allocations", rest]
    failures = [f"* {cell}, {client}, {column}: {text}"
                for (cell, column, client), texts in measurements.failures.items() for text in texts]
    if failures:
        parts += ["### What failed", "\n".join(failures)]
    return "\n\n".join(parts)


def write(path, part, text):
    """Replaces the text between the markers of a part."""
    begin, end = f"<!-- Scripts/bench: {part} begin -->", f"<!-- Scripts/bench: {part} end -->"
    path = pathlib.Path(path)
    page = path.read_text()
    before, rest = page.split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
