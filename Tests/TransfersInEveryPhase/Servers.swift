public import HTTPHandlesTesting

/// Where the servers are; a program is told on its command line.
public struct Servers: Sendable {
    /// Answer: `/hello`, `/big`, and uploads anywhere.
    public let httpPort: Int
    /// The same, over TLS and without HTTP/2.
    public let httpsPort: Int
    /// Who signed the certificate of the https server.
    public let authorityFile: String
    /// A server made with `servingStalls`.
    public let stallingPort: Int
    /// Nobody gets through here.
    public let unreachablePort: Int

    /// Of servers that run.
    public init(httpPort: Int, httpsPort: Int, authorityFile: String, stallingPort: Int, unreachablePort: Int) {
        self.httpPort = httpPort
        self.httpsPort = httpsPort
        self.authorityFile = authorityFile
        self.stallingPort = stallingPort
        self.unreachablePort = unreachablePort
    }

    /// What `arguments` was on the other side.
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

    /// What a program is told.
    public var arguments: [String] {
        [httpPort, httpsPort, stallingPort, unreachablePort].map(String.init) + [authorityFile]
    }

    /// A server that stops in the middle: a TLS handshake, a head, a body, taking an upload, which it takes no more of
    /// until `end` is open.
    public static func servingStalls(until end: Gate) throws -> ScriptedServer {
        try ScriptedServer { connection in
            connection.limitReceiveBuffer(4096)
            // A TLS handshake has no head, and is waited for in here.
            switch try connection.readHead()?.target {
            case "/half-head": try connection.send("HTTP/1.1 200 OK\r\nContent-Le")
            case "/half-body": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf-")
            case "/upload": end.wait()
            default: break
            }
            connection.waitForClose()
        }
    }
}
