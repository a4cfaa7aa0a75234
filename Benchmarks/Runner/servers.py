"""The servers: nginx, and benchmark-server for silent requests and uploads."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

# The bodies of GETs: file -> bytes.
BODIES = {"1k": 1 << 10, "medium": 16 << 10, "256k": 256 << 10}
# The number of hosts in the cell "hosts-64": 127.0.0.1 and the following addresses.
HOSTS = 20

NGINX = """
{user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit; worker_rlimit_nofile {descriptors};
daemon off;
events {{ worker_connections {connections}; }}
http {{
    access_log off; root {folder}/html; default_type application/octet-stream; sendfile on; tcp_nopush on;
    open_file_cache max=16; keepalive_requests 1000000000; keepalive_timeout 300s; http2_max_requests 1000000000;
    http2_max_concurrent_streams 1024; {temporary}
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_session_cache shared:bench:8m;
    server {{
        listen 127.0.0.1:{http} backlog=8192 default_server;
        {other_hosts}
        listen 127.0.0.1:{http_after} backlog=8192;
        listen 127.0.0.1:{https2} ssl http2 backlog=8192;
        listen 127.0.0.1:{https1} ssl backlog=8192;
        location /hello {{ return 200 "hello"; }}
        location /p/ {{ return 200 "hello"; }}
        location /json {{ default_type application/json; return 200 '{json}'; }}
    }}
    server {{
        listen 127.0.0.1:{http_close} backlog=8192;
        listen 127.0.0.1:{https_close} ssl backlog=8192;
        keepalive_timeout 0;
        location /hello {{ return 200 "hello"; }}
    }}
}}
"""

CERTIFICATES = """
cd "$1" && exec >/dev/null 2>&1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout authority.key \
    -out authority.pem -subj "/CN=benchmark authority" &&
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
    -subj "/CN=localhost" &&
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >names &&
openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 -extfile names \
    -out server.pem
"""


class Servers:
    """Started on entry, stopped on exit, with a folder for their files."""

    def __init__(self, folder, programs, big_bytes):
        self.folder = pathlib.Path(folder)
        self.programs = programs
        self.big_bytes = big_bytes
        self.authority = str(self.folder / "authority.pem")

    def __enter__(self):
        (self.folder / "html").mkdir()
        # A sparse file: all zeros, in the page cache once it was read.
        with open(self.folder / "html" / "big", "wb") as file:
            file.truncate(self.big_bytes)
        for name, size in BODIES.items():
            (self.folder / "html" / name).write_bytes(bytes(size))
        subprocess.run(["sh", "-c", CERTIFICATES, "certificates", self.folder], check=True)
        self.ports = dict(zip(["https2", "https1", "http_close", "https_close"], free_ports(4)))
        self.choose_searched_ports()
        descriptors = open_descriptor_limit()
        places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        text = NGINX.format(
            folder=self.folder,
            user="user root;" if os.getuid() == 0 else "",
            descriptors=descriptors,
            connections=min(20000, descriptors - 100),
            json=json_text(),
            other_hosts=" ".join(f"listen 127.0.0.{host + 1}:{self.ports['http']};" for host in range(1, HOSTS)),
            temporary=" ".join(f"{place}_temp_path {self.folder}/{place};" for place in places),
            **self.ports,
        )
        (self.folder / "nginx.conf").write_text(text)
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")
        command = ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf"]
        self.nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
        command = [self.programs / "benchmark-server", str(self.ports["silent"])]
        self.silent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if self.silent.stdout.readline() != "listening\n":
            raise SystemExit("benchmark-server does not start")
        self.wait()
        return self

    def choose_searched_ports(self):
        """libcurl 7.88.1 searches the connection of a completed transfer among all connections, in the order of a
        hash of the server's name. So it matters, by a factor of ten, whether silent ones come before. Not by chance:
        "http" comes before the silent server, "http_after" after it."""
        ports = sorted(free_ports(60), key=libcurl_order)
        self.ports |= {"http": ports[0], "silent": ports[30], "http_after": ports[-1]}

    def wait(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports["http"])) == 0:
                    return
            if self.nginx.poll() is not None:
                break
            time.sleep(0.01)
        raise SystemExit(f"nginx does not start: {(self.folder / 'error.log').read_text()}")

    def __exit__(self, *_):
        for server in [self.nginx, self.silent]:
            server.send_signal(signal.SIGTERM)
        for server in [self.nginx, self.silent]:
            server.wait()

    def run_on(self, cores):
        """Moves all servers to these cores."""
        workers = pathlib.Path(f"/proc/{self.nginx.pid}/task/{self.nginx.pid}/children").read_text().split()
        for process in [self.nginx.pid, self.silent.pid, *map(int, workers)]:
            os.sched_setaffinity(process, cores)

    def url(self, server, path):
        # With TLS by name, as in the certificate; without TLS by address, to avoid the resolver.
        scheme, host = ("https", "localhost") if server.startswith("https") else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.ports[server]}{path}"


def json_text():
    """About 1 KiB, like the answer of an API. No "$", which nginx would replace."""
    items = [{"id": 1000 + each, "name": f"item {each}", "price": 9.5 + each, "isAvailable": each % 3 > 0,
              "tags": ["red", "large"]} for each in range(11)]
    return json.dumps({"items": items, "next": None})


def libcurl_order(port):
    """The position of a server in libcurl's table of connections (lib/hash.c, lib/conncache.c)."""
    value = 5381
    for byte in f"0/{port}/127.0.0.1".encode():
        value = (value * 33 & (1 << 64) - 1) ^ byte
    return value % 97


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def open_descriptor_limit():
    """As many as the silent cells need, if the system permits it."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in [65536, hard]:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            return wanted
        except (ValueError, OSError):
            continue
    return hard
