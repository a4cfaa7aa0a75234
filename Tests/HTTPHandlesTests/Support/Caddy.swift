import Foundation

/// A real Caddy on loopback with HTTP/3, started once for all tests and ended with the test process.
final class Caddy: Sendable {
    /// The instance that all tests share.
    static let shared = Result { try Caddy() }

    /// Whether it is installed, which `Scripts/setup test` does.
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/caddy")

    let authorityFile: String
    private let port: Int
    private let guardian: Guardian

    private init() throws {
        let servers = try TLSServers.shared.get()
        authorityFile = servers.authorityFile
        port = try freePorts(1)[0]
        let folder = try Scratch.makeFolder("caddy")
        try """
        {
          admin off
          auto_https off
          https_port \(port)
        }
        https://localhost:\(port) {
          bind 127.0.0.1
          tls \(servers.path("good.pem")) \(servers.path("good.key"))
          handle /protocol {
            respond "{http.request.proto} {http.request.method}"
          }
          handle /big {
            root * \(folder)
            file_server
          }
        }
        """.write(toFile: folder + "/Caddyfile", atomically: true, encoding: .utf8)
        try Data(pattern(1 << 20)).write(to: URL(fileURLWithPath: folder + "/big"))
        guardian = try Guardian(
            """
            export HOME="$1" XDG_DATA_HOME="$1" XDG_CONFIG_HOME="$1"
            caddy run --config "$1/Caddyfile" --adapter caddyfile --pidfile "$1/pid" >"$1/log" 2>&1 & server=$!
            cat >/dev/null; kill $server; wait $server; rm -rf "$1"
            """,
            [folder]
        )
        try guardian.wait(forFile: folder + "/pid", else: "caddy does not start", folder + "/log")
    }

    func url(_ path: String) -> String { "https://localhost:\(port)\(path)" }
}
