public import HTTPHandlesTesting

/// The addresses of the servers, which are passed on the command line.
public struct Servers: Sendable {
    /// The http server: `/hello`, `/big`, and uploads to any path.
    public let httpPort: Int
    /// The same over TLS, without HTTP/2.
    public let httpsPort: Int
    /// The authority of the https server.
    public let authorityFile: String
    /// A server made with `servingStalls`.
    public let stallingPort: Int
    /// A port where connections are not completed.
    public let unreachablePort: Int

    /// From running servers.
    public init(httpPort: Int, httpsPort: Int, authorityFile: String, stallingPort: Int, unreachablePort: Int) {
        self.httpPort = httpPort
        self.httpsPort = httpsPort
        self.authorityFile = authorityFile
        self.stallingPort = stallingPort
        self.unreachablePort = unreachablePort
    }

    /// From `arguments` of the other process.
    public init?(_ arguments: some Collection<String>) {
        let arguments = Array(arguments)
        let ports = arguments.compactMap { Int($0) }
        guard arguments.count == 5, ports.count == 4 else { return nil }
        self.init(
            httpPort: ports[0],
            httpsPort: ports[1],
            authorityFile: arguments[4],
            stallingPort: ports[2],
            unreachablePort: ports[3]
        )
    }

    /// The command-line arguments.
    public var arguments: [String] {
        [httpPort, httpsPort, stallingPort, unreachablePort].map(String.init) + [authorityFile]
    }

    private static let upgrade = "HTTP/1.1 101 Upgraded\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

    /// A server that stalls in a TLS handshake, a head, a body, or while it reads an upload, until `end` is open.
    public static func servingStalls(until end: Gate) throws -> ScriptedServer {
        try ScriptedServer { connection in
            connection.limitReceiveBuffer(to: 4096)
            // A TLS handshake has no head, so this call waits.
            guard let head = try connection.readHead() else { return }
            switch head.target {
            case "/socket":
                _ = try connection.acceptWebSocket(
                    head,
                    followedBy: ServerWebSocket.frameHead(opcode: 2, length: 10) + [1]
                )
            case "/full-socket":
                _ = try connection.acceptWebSocket(head)
                end.wait()
            case "/echo":
                let socket = try connection.acceptWebSocket(head)
                while let message = try socket.receive() { try socket.send(message) }
            case "/upgraded": try connection.send(Self.upgrade + "hello")
            case "/full-upgraded":
                try connection.send(Self.upgrade)
                end.wait()
            case "/half-head": try connection.send("HTTP/1.1 200 OK\r\nContent-Le")
            case "/half-body": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf-")
            case "/upload": end.wait()
            default: break
            }
            connection.waitForClose()
        }
    }
}
