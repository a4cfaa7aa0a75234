"""The clients, the cells and the targets."""

import dataclasses

from servers import HOSTS


def big_bytes(quick):
    return 1 << 28 if quick else 1 << 30


# Name -> (program, arguments).
CLIENTS = {
    "libcurl in C": ("benchmark-libcurl", []),
    "HTTPHandles": ("benchmark-http-handles", []),
    "HTTPHandles, session.executor": ("benchmark-http-handles", ["--executor", "session"]),
    "AsyncHTTPClient": ("benchmark-async-http-client", []),
    "FoundationNetworking": ("benchmark-foundation", []),
}
C, US, US_EXECUTOR, AHC, FOUNDATION = CLIENTS
ALL_CLIENTS = list(CLIENTS)
# FoundationNetworking has no HTTP/2 on Linux, no custom certificate authority, no sequences as bodies, and needs minutes to
# start thousands of requests.
WITHOUT_FOUNDATION = ALL_CLIENTS[:-1]

# Only for this library: listeners and several sessions.
for executor, arguments in [("", []), (", session.executor", ["--executor", "session"])]:
    for title, more in {
        "by hand": ["--listener", "by-hand"],
        "by hand, a listener each": ["--listener", "request"],
        "one tree listener": ["--listener", "tree"],
        "2 sessions": ["--sessions", "2"],
        "4 sessions": ["--sessions", "4"],
    }.items():
        CLIENTS[f"HTTPHandles{executor}, {title}"] = ("benchmark-http-handles", arguments + more)


@dataclasses.dataclass
class Cell:
    name: str
    title: str
    workload: str
    # Server and path; further arguments of the client.
    server: str = "http"
    path: str = "/hello"
    # The server that is the proxy: nginx answers a request for another host like one for itself.
    proxy: str = ""
    arguments: dict = dataclasses.field(default_factory=dict)
    clients: list = dataclasses.field(default_factory=lambda: ALL_CLIENTS)
    # Pinned to the servers' core, and not.
    columns: tuple = ("pinned", "unpinned")
    # The unit of work: "requests" or "bytes".
    unit: str = "requests"
    # The heading of its table.
    group: str = ""
    # For an open loop: half of the rate that this client reaches with one request at a time.
    half_of: str = ""


def in_group(group, *cells):
    return [dataclasses.replace(cell, group=group) for cell in cells]


def gets(name, title, in_flight, **more):
    arguments = {"in-flight": in_flight} | more.pop("arguments", {})
    if max(in_flight, arguments.get("silent", 0)) >= 1000:
        # libcurl has a timer of 200 ms for each new connection, which must not expire in the window.
        arguments["warm-up"] = 0.8
    return Cell(name, title, "requests", arguments=arguments, **more)


def latencies(name, title, half_of, quick):
    window = {"warm-up": 0.1, "seconds": 0.4} if quick else {"warm-up": 0.5, "seconds": 2}
    return Cell(name, title, "rate", half_of=half_of, clients=WITHOUT_FOUNDATION, columns=("pinned",),
                arguments=window | {"connections": 64})


LISTENERS = [US, US_EXECUTOR] + [
    f"HTTPHandles{executor}, {title}"
    for executor in ["", ", session.executor"]
    for title in ["by hand", "by hand, a listener each", "one tree listener"]
]
SESSIONS = [f"{client}{title}" for client in [US, US_EXECUTOR] for title in ["", ", 2 sessions", ", 4 sessions"]]
HTTP2 = {"server": "https2", "arguments": {"version": "2"}, "clients": WITHOUT_FOUNDATION}
PATHS = {"arguments": {"kind": "paths"}}


def cells(quick):
    big, size = {"bytes": big_bytes(quick)}, "256 MiB" if quick else "1 GiB"
    samples = 50 if quick else 300
    return [
        *in_group(
            "The same small GET again and again",
            gets("get-1", "GET, 1 at a time", 1),
            gets("get-4", "GET, 4 at a time", 4),
            gets("get-64", "GET, 64 at a time", 64),
            gets("get-1000", "GET, 1,000 at a time", 1000),
            gets("http2-1", "HTTP/2 with TLS, 1 at a time", 1, **HTTP2),
            gets("http2-64", "HTTP/2 with TLS, 64 at a time", 64, **HTTP2),
            gets("https-64", "HTTP/1.1 with TLS, 64 at a time", 64, server="https1", clients=WITHOUT_FOUNDATION),
            # AsyncHTTPClient makes a tunnel for http too, which nginx does not offer.
            gets("proxied-64", "GET through a proxy that forwards, 64 at a time", 64, proxy="http",
                 clients=[C, US, US_EXECUTOR]),
        ),
        *in_group(
            "Requests as in use",
            gets("paths-1", "another path and five fields, 1 at a time", 1, **PATHS),
            gets("paths-64", "another path and five fields, 64 at a time", 64, **PATHS),
            gets("json-64", "POST of 1 KiB of JSON, answered by 1 KiB, 64 at a time", 64, path="/json",
                 arguments={"kind": "json"}),
            gets("hosts-64", f"GET from {HOSTS} hosts in turn, 64 at a time", 64,
                 arguments={"kind": "hosts", "hosts": HOSTS}),
            gets("body-1k", "GET of 1 KiB, 64 at a time", 64, path="/1k"),
            gets("bodies", "GET of 16 KiB, 20,000 a round, 64 at a time", 64, path="/medium",
                 arguments={"requests": 2000 if quick else 20000, "seconds": 4}),
            gets("body-256k", "GET of 256 KiB, 64 at a time", 64, path="/256k"),
        ),
        *in_group(
            "New connections, and thousands of them",
            gets("new-http", "a connection for each GET, http, 4 at a time", 4, server="http_close"),
            gets("new-https", "a connection for each GET, https, 4 at a time", 4, server="https_close",
                 clients=WITHOUT_FOUNDATION),
            gets("silent-0", "GET, 4 at a time, beside no silent requests", 4),
            gets("silent-1000", "the same beside 1,000 silent requests", 4, arguments={"silent": 1000},
                 clients=WITHOUT_FOUNDATION),
            gets("silent-8000", "the same beside 8,000 silent requests", 4, arguments={"silent": 8000},
                 clients=WITHOUT_FOUNDATION),
            # The silent connections come first in libcurl's search: see servers.py.
            gets("silent-8000-before", "the same, the silent ones first in libcurl's table", 4, server="http_after",
                 arguments={"silent": 8000}, clients=WITHOUT_FOUNDATION),
        ),
        *in_group(
            "Large bodies",
            Cell("down", f"{size} down", "download", path="/big", arguments=big, unit="bytes"),
            Cell("up", f"{size} up", "upload", server="silent", path="/sink", arguments=big,
                 clients=WITHOUT_FOUNDATION, unit="bytes"),
        ),
        *in_group(
            "Listeners",
            gets("listeners", "GET, 64 at a time", 64, clients=LISTENERS),
        ),
        *in_group(
            "Several sessions in one process",
            gets("sessions-http", "GET, 64 at a time", 64, clients=SESSIONS, columns=("unpinned",)),
            gets("sessions-http2", "HTTP/2 with TLS, 64 at a time", 64, **HTTP2 | {"clients": SESSIONS},
                 columns=("unpinned",)),
        ),
        latencies("latency-half", "GETs at half of AsyncHTTPClient's rate one at a time", AHC, quick),
        Cell("cold-start", "a process with one GET over https, median of 20 each round", "once", server="https1",
             clients=WITHOUT_FOUNDATION, columns=("pinned",)),
        Cell("start", "a client from its making to its end, with one GET", "start",
             arguments={"samples": samples // 10}, columns=("unpinned",)),
        Cell("cancel", "cancel a request in flight", "cancel", arguments={"samples": samples}, columns=("unpinned",)),
        Cell("memory", "memory for a silent request (4,000 of them)", "silent", arguments={"silent": 4000},
             clients=WITHOUT_FOUNDATION, columns=("unpinned",)),
        gets("allocations", "allocations, GET, 64 at a time", 64, columns=("counted",), clients=WITHOUT_FOUNDATION),
    ]


# Requests in flight, and silent connections in addition to 4 active requests.
GROWTH = {
    "in-flight": [1, 4, 16, 64, 256, 1000, 4000, 8000],
    "silent": [0, 64, 256, 1000, 4000, 8000],
}


def growth_cells(quick):
    def chosen(kind):
        for count in GROWTH[kind][::-3 if quick else -1]:
            yield count, {"columns": ("pinned",), "clients": ALL_CLIENTS if count <= 1000 else WITHOUT_FOUNDATION}

    in_flight = [gets(f"growth-in-flight-{count}", "", count, **more) for count, more in chosen("in-flight")]
    silent = [
        gets(f"growth-silent-{count}", "", 4, arguments={"silent": count}, **more)
        for count, more in chosen("silent")
    ]
    return in_flight + silent


@dataclasses.dataclass
class Target:
    """A target for `client` in `cell`, as a ratio to a reference: another client, or another cell of the same client."""

    cell: str
    client: str
    limit: float
    against: str = ""
    against_cell: str = ""
    column: str = "pinned"
    # "speed" or a value's name; if less is better, the limit is an upper one.
    figure: str = "speed"
    # The difference to the reference instead of the ratio.
    is_difference: bool = False

    @property
    def less_is_better(self):
        return self.figure != "speed"


def _targets():
    for cell, client, against_c, against_ahc, column in [
        ("get-1", US_EXECUTOR, 0.9, 4, "pinned"),
        ("get-1", US, None, 2.3, "pinned"),
        ("get-64", US_EXECUTOR, 0.9, 1.9, "pinned"),
        ("get-64", US, 0.85, 1.8, "pinned"),
        ("get-1000", US, 0.85, 1.5, "pinned"),
        ("paths-64", US_EXECUTOR, 0.95, 1.8, "pinned"),
        ("paths-64", US, 0.95, 1.8, "pinned"),
        ("http2-1", US_EXECUTOR, 0.9, 3, "pinned"),
        ("http2-64", US_EXECUTOR, 0.9, 2.4, "pinned"),
        ("http2-64", US, 0.9, 2.4, "pinned"),
        ("down", US, 1.0, 1.1, "unpinned"),
        ("up", US, 1.0, 1.1, "unpinned"),
    ]:
        if against_c:
            yield Target(cell, client, against_c, C, column=column)
        yield Target(cell, client, against_ahc, AHC, column=column)
    for client in [US_EXECUTOR, US]:
        yield Target("silent-8000", client, 0.9, against_cell="silent-0")
        yield Target("silent-8000", client, 2, AHC)
        yield Target("silent-8000-before", client, 0.7, against_cell="silent-0")
        yield Target("silent-8000-before", client, 1, AHC)
    for client in [US_EXECUTOR, US]:
        yield Target("listeners", f"{client}, by hand, a listener each", 0.8, f"{client}, by hand")
        yield Target("listeners", f"{client}, one tree listener", 0.8, client)
    for client in [US_EXECUTOR, US]:
        yield Target("latency-half", client, 1.3, C, figure="p99_seconds")
        yield Target("latency-half", client, 0.6, AHC, figure="p99_seconds")
    yield Target("memory", US, 1.25, C, column="unpinned", figure="bytes_per_request")
    yield Target("memory", US, 0.8, AHC, column="unpinned", figure="bytes_per_request")
    yield Target("allocations", US_EXECUTOR, 5, C, column="counted", figure="allocations", is_difference=True)
    yield Target("allocations", US_EXECUTOR, 1, AHC, column="counted", figure="allocations")


TARGETS = list(_targets())
# The maximum cost of events without a listener, as a share of all instructions.
UNHEARD_EVENTS_LIMIT = 0.01
