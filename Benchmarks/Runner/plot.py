"""Draws Docs/growth.svg: CPU time of a request against the load of the client. Both axes logarithmic."""

import math

from cells import AHC, C, FOUNDATION, GROWTH, US, US_EXECUTOR

COLOURS = {C: "#57606a", US: "#0969da", US_EXECUTOR: "#1a7f37", AHC: "#bc4c00", FOUNDATION: "#8250df"}
WIDTH, HEIGHT, LEFT, TOP, GAP = 400, 300, 60, 60, 80
LEGEND = 130


def text(x, y, content, anchor="middle", size=12, more=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" {more}>{content}</text>'


def panel(measurements, kind, title, left, low, high):
    counts = GROWTH[kind]

    def x(count):
        # Zero is left of the logarithmic positions.
        origin = 16 if 0 in counts else 1
        return left + WIDTH * math.log2(max(count, origin) / origin) / math.log2(counts[-1] / origin)

    def y(microseconds):
        return TOP + HEIGHT * (1 - math.log(microseconds / low) / math.log(high / low))

    parts = [text(left + WIDTH / 2, TOP - 15, title, size=14)]
    for count in counts:
        parts.append(f'<line x1="{x(count):.0f}" y1="{TOP}" x2="{x(count):.0f}" y2="{TOP + HEIGHT}" stroke="#eee"/>')
        parts.append(text(x(count), TOP + HEIGHT + 18, f"{count:,}", size=11))
    for tick in [each * ten for ten in (1, 10, 100, 1000, 10000) for each in (1, 2, 5) if low <= each * ten <= high]:
        parts.append(f'<line x1="{left}" y1="{y(tick):.0f}" x2="{left + WIDTH}" y2="{y(tick):.0f}" stroke="#ddd"/>')
        parts.append(text(left - 8, y(tick) + 4, f"{tick:,} µs", "end", 11))
    for client, colour in COLOURS.items():
        found = [(count, measurements.median(f"growth-{kind}-{count}", "pinned", client, "cpu_per_unit"))
                 for count in counts]
        points = [(x(count), y(value * 1e6)) for count, value in found if value]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
    return parts


def draw(measurements, note):
    values = [each["cpu_per_unit"] * 1e6 for (cell, *_), rounds in measurements.rounds.items()
              if cell.startswith("growth-") for each in rounds if each]
    if not values:
        return None
    low, high = min(values) / 1.3, max(values) * 1.3
    width, height = LEFT + 2 * WIDTH + GAP + 20, TOP + HEIGHT + LEGEND
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    parts.append(text(LEFT, 22, "CPU time of the client for one small GET, pinned", "start", 16))
    parts += panel(measurements, "in-flight", "against requests in flight", LEFT, low, high)
    parts += panel(measurements, "silent", "4 in flight, against silent requests", LEFT + WIDTH + GAP, low, high)
    for index, (client, colour) in enumerate(COLOURS.items()):
        x, y = LEFT + (index % 3) * 290, TOP + HEIGHT + 50 + (index // 3) * 22
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 24}" y2="{y}" stroke="{colour}" stroke-width="3"/>')
        parts.append(text(x + 32, y + 4, client, "start"))
    parts.append(text(LEFT, TOP + HEIGHT + 110, note, "start", 11))
    return "\n".join(parts + ["</svg>", ""])
