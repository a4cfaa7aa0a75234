import Foundation
import HTTPHandles
import HTTPHandlesTesting

/// Real servers of WebSockets on loopback, and real proxies in front of one of them; started once for all tests and ended
/// with the test process. Each server sends messages back.
final class WebSocketServers: Sendable {
    static let shared = Result { try WebSocketServers() }

    /// Servers, and what is in front of them.
    enum Way: String, CaseIterable, Sendable {
        case websockets, aiohttp
        /// In front of websockets.
        case nginx, nginxTLS, apache, haproxy
    }

    let authorityFile: String
    private let ports: [Way: Int]
    private let guardian: Guardian

    private init() throws {
        let certificates = try Nginx.shared.get()
        let folder = try Scratch.makeFolder("web-sockets")
        let chosen = Dictionary(uniqueKeysWithValues: zip(Way.allCases, try freePorts(Way.allCases.count)))
        func port(_ way: Way) -> Int { chosen[way] ?? 0 }
        authorityFile = certificates.authorityFile
        ports = chosen
        let keys = URL(fileURLWithPath: certificates.authorityFile).deletingLastPathComponent().path
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
        }
        try write(Self.program, "servers.py")
        try write(
            """
            \(getuid() == 0 ? "user root;" : "") worker_processes 1; pid \(folder)/nginx.pid; error_log \(folder)/nginx.log;
            events { worker_connections 512; }
            http {
                \(NginxProcess.places(in: folder)) access_log off;
                server {
                    listen 127.0.0.1:\(port(.nginx));
                    listen 127.0.0.1:\(port(.nginxTLS)) ssl http2;
                    ssl_certificate \(keys)/server.pem; ssl_certificate_key \(keys)/server.key;
                    proxy_http_version 1.1; proxy_read_timeout 600s;
                    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                    location / { proxy_pass http://127.0.0.1:\(port(.websockets)); }
                    location /basic {
                        proxy_pass http://127.0.0.1:\(port(.websockets));
                        auth_basic cave; auth_basic_user_file \(folder)/passwords;
                    }
                }
            }
            """,
            "nginx.conf"
        )
        try write(
            """
            ServerName localhost
            Listen 127.0.0.1:\(port(.apache))
            PidFile \(folder)/apache.pid
            ErrorLog \(folder)/apache.log
            Timeout 600
            LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
            LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
            LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
            LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
            LoadModule proxy_wstunnel_module /usr/lib/apache2/modules/mod_proxy_wstunnel.so
            ProxyPass / ws://127.0.0.1:\(port(.websockets))/
            \(["authn_core", "authn_file", "authz_user", "auth_basic", "auth_digest"].map {
                "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so"
            }.joined(separator: "\n"))
            \(getuid() == 0 ? "User www-data\nGroup www-data" : "")
            <Location /basic>
                AuthType Basic
                AuthName cave
                AuthUserFile \(folder)/passwords
                Require valid-user
            </Location>
            <Location /digest>
                AuthType Digest
                AuthName cave
                AuthDigestProvider file
                AuthUserFile \(folder)/digest
                Require valid-user
            </Location>

            """,
            "apache.conf"
        )
        try write(
            """
            defaults
                mode http
                timeout connect 60s
                timeout client 600s
                timeout server 600s
                timeout tunnel 600s
            frontend front
                bind 127.0.0.1:\(port(.haproxy))
                default_backend back
            backend back
                server one 127.0.0.1:\(port(.websockets))

            """,
            "haproxy.cfg"
        )
        guardian = try Guardian(
            """
            PATH=/usr/bin:$PATH:/usr/sbin; cd "$1"; exec 2>errors >&2
            printf 'ann:%s\\n' "$(openssl passwd -apr1 secret)" >passwords
            printf 'ann:cave:%s\\n' "$(printf ann:cave:secret | md5sum | cut -d' ' -f1)" >digest
            # Apache drops its privileges.
            chmod 755 .
            /usr/bin/python3 servers.py "$2" "$3" & pids=$!
            nginx -p "$1" -c "$1/nginx.conf" -g 'daemon off;' & pids="$pids $!"
            apache2 -f "$1/apache.conf" -DFOREGROUND & pids="$pids $!"
            haproxy -db -f haproxy.cfg & pids="$pids $!"
            cat >/dev/null; kill $pids; wait; rm -rf "$1"
            """,
            [folder, "\(port(.websockets))", "\(port(.aiohttp))"]
        )
        for way in Way.allCases {
            let problem = "\(way) does not start (Scripts/setup test installs it)"
            try guardian.wait(until: isListening(port(way)), else: problem, folder + "/errors")
        }
    }

    func url(_ way: Way, _ path: String = "/") -> String {
        let port = ports[way] ?? 0
        return way == .nginxTLS ? "wss://localhost:\(port)\(path)" : "ws://127.0.0.1:\(port)\(path)"
    }

    private static let program = """
        import asyncio, sys
        import websockets
        from aiohttp import web, WSMsgType

        async def echo(socket, *path):
            async for message in socket:
                await socket.send(message)

        async def other_echo(request):
            socket = web.WebSocketResponse(protocols=("v2.feed",), max_msg_size=0)
            await socket.prepare(request)
            async for message in socket:
                if message.type == WSMsgType.TEXT: await socket.send_str(message.data)
                elif message.type == WSMsgType.BINARY: await socket.send_bytes(message.data)
            return socket

        async def main():
            # No time limits: on a slow machine the clients may be late.
            await websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), subprotocols=["v2.feed"], max_size=None,
                                   ping_interval=None, close_timeout=600)
            application = web.Application()
            application.router.add_get("/", other_echo)
            runner = web.AppRunner(application)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", int(sys.argv[2])).start()
            await asyncio.Future()

        asyncio.run(main())
        """
}
