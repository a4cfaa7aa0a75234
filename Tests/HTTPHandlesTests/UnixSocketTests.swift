import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Connections to Unix sockets.
@Suite("Unix sockets", .timeLimit(.minutes(5)))
struct UnixSocketTests {
    private static func hello(_ name: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)"
    }

    /// Answers each request with `name`, and records the heads.
    private static func server(
        _ socket: UnixSocket,
        _ name: String,
        _ heads: Record<ReceivedHead> = Record()
    ) throws -> ScriptedServer {
        try ScriptedServer(unixSocket: "\(socket)") { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                try connection.send(hello(name))
            }
        }
    }

    private static func uniqueName() -> UnixSocket { .abstract("http-handles-\(UUID().uuidString)") }

    /// Whether connections are used again: decision 0024.
    static let canReuse = CurlVersion.linked >= CurlVersion(8, 20)

    private static func text(_ request: RequestHandle) async throws -> String {
        try await request.send()
        _ = try await request.receiveResponse()
        return try await request.body.collectString(upTo: 100)
    }

    private static func text(_ connection: ConnectionHandle, _ path: String = "/") async throws -> String {
        try await text(connection.openRequest(.get, path))
    }

    @Test(arguments: [true, false])
    func `events, Host and facts`(isAbstract: Bool) async throws {
        let scratch = try Scratch()
        let socket = isAbstract ? Self.uniqueName() : .path(scratch.path("socket"))
        let heads = Record<ReceivedHead>()
        let server = try Self.server(socket, "hello", heads)
        let session = try SessionHandle()
        let connection = try await session.connect(toUnixSocket: socket)
        let address = SocketAddress(host: "\(socket)", port: 0)
        for isReused in Self.canReuse ? [false, true] : [false] {
            let request = try await connection.openRequest(.get, "/version")
            let recorder = EventRecorder(of: request)
            #expect(try await Self.text(request) == "hello")
            let info = try await request.option(.connectionInfo)
            #expect(info.local == SocketAddress(host: "", port: 0))
            #expect(info.peer == address)
            #expect(info.isReused == isReused)
            try request.close()
            let head = try #require(heads.all.last)
            let begin: [StatusEvent.Kind] =
                isReused
                ? [.connectionReused(address: address)]
                : [.connectingToServer(address: address), .connectedToServer(address: address)]
            #expect(
                try await recorder.finish().map(\.kind).filter {
                    // One that cannot be used again is closed.
                    $0 != .readComplete(bytes: 5) && $0 != .closingConnection && $0 != .connectionClosed
                } == begin + [
                    .sendingRequest, .requestSent(bytes: head.bytes.count), .sendRequestComplete, .receivingResponse,
                    .responseReceived(bytes: 38), .headersAvailable, .readComplete(bytes: 0), .handleClosing,
                ]
            )
        }
        #expect(heads.all.allSatisfy { $0.requestLine == "GET /version HTTP/1.1" && $0["host"] == "localhost" })
        #expect(server.connectionsAccepted == 1)
        #expect("\(address)" == "\(socket)")
    }

    @Test func `connections to different sockets and to a host are never mixed`() async throws {
        let scratch = try Scratch()
        let relative = UUID().uuidString
        let sockets: [UnixSocket] = [
            .path(scratch.path("a")), .path(scratch.path("b")), .abstract(relative), .abstract(scratch.path("a")),
        ]
        let servers = try sockets.enumerated().map { try Self.server($1, "\($0)") }
        let tcp = try ScriptedServer { connection in
            while try connection.readRequest() != nil { try connection.send(Self.hello("tcp")) }
        }
        let session = try SessionHandle()
        let url = "http://127.0.0.1:\(tcp.port)/"
        for _ in 0..<3 {
            for (number, socket) in sockets.enumerated() {
                // The same origin for all.
                try await session.setOption(.unixSocket, to: socket)
                #expect(try await session.get(url).body.collectString(upTo: 10) == "\(number)")
            }
            try await session.setOption(.unixSocket, to: nil)
            #expect(try await session.get(url).body.collectString(upTo: 10) == "tcp")
        }
        #expect(servers.map(\.connectionsAccepted) == Array(repeating: Self.canReuse ? 1 : 3, count: 4))
        #expect(tcp.connectionsAccepted == 1)
    }

    @Test(.enabled(if: canReuse))
    func `requests at the same time have a connection each, and use the right ones again`() async throws {
        let scratch = try Scratch()
        let socket = UnixSocket.path(scratch.path("socket"))
        let gates = [Gate(), Gate()]
        let closes = Gate()
        let server = try ScriptedServer(unixSocket: "\(socket)") { connection in
            while let request = try connection.readRequest() {
                if let number = Int(request.head.target.dropFirst()) { gates[number].wait() }
                try connection.send(Self.hello("\(connection.number)"))
                guard connection.number == 0, request.head.target == "/0" else { continue }
                closes.wait()
                return
            }
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session)
        let connection = try await session.connect(toUnixSocket: socket)
        let requests = try await [connection.openRequest(.get, "/0"), connection.openRequest(.get, "/1")]
        for request in requests { try await request.send() }
        for gate in gates { gate.open() }
        for (number, request) in requests.enumerated() {
            _ = try await request.receiveResponse()
            #expect(try await request.body.collectString(upTo: 10) == "\(number)")
        }
        // The server closes the first one, which is found by its descriptor: its ends are those of the other.
        closes.open()
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
        // Newer versions of libcurl may take the dead one first, and then make a new one.
        let next = try await Self.text(connection, "/x")
        #expect(next == "\(server.connectionsAccepted - 1)" && server.connectionsAccepted <= 3)
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", "x"])
    func `unsolicited bytes are never a response`(forgery: String) async throws {
        let scratch = try Scratch()
        let socket = UnixSocket.path(scratch.path("socket"))
        let (maySend, hasSent) = (Gate(), Gate())
        let server = try ScriptedServer(unixSocket: "\(socket)") { connection in
            while try connection.readRequest() != nil {
                try connection.send(Self.hello("\(connection.number)"))
                guard connection.number == 0 else { continue }
                maySend.wait()
                try? connection.send(forgery)
                hasSent.open()
            }
        }
        let session = try SessionHandle(options: [.set(.unixSocket, to: socket)])
        #expect(try await session.get(server.url()).body.collectString(upTo: 10) == "0")
        // The driver's thread waits until the bytes are there, and begins the request before it looks at its sockets.
        let second = Task(executorPreference: session.executor) {
            maySend.open()
            hasSent.wait()
            return try await session.get(server.url()).body.collectString(upTo: 10)
        }
        #expect(try await second.value == "1")
        #expect(server.connectionsAccepted == 2)
    }

    @Test(.enabled(if: canReuse), arguments: 0..<4)
    func `unsolicited bytes are found on each of several connections`(forged: Int) async throws {
        let scratch = try Scratch()
        let socket = UnixSocket.path(scratch.path("socket"))
        let arrived = Record<Int>()
        let (all, maySend, hasSent) = (Gate(), Gate(), Gate())
        let server = try ScriptedServer(unixSocket: "\(socket)") { connection in
            var isFirst = true
            while try connection.readRequest() != nil {
                if isFirst {
                    arrived.note(connection.number)
                    if arrived.all.count == 4 { all.open() }
                    all.wait()
                }
                try connection.send(Self.hello("hello"))
                if isFirst, connection.number == forged {
                    maySend.wait()
                    try connection.send(Self.hello("forged"))
                    hasSent.open()
                }
                isFirst = false
            }
        }
        let session = try SessionHandle(options: [.set(.unixSocket, to: socket)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { _ = try await session.get(server.url()).body.collect(upTo: 10) } }
            try await group.waitForAll()
        }
        all.open()
        let next = Task(executorPreference: session.executor) {
            maySend.open()
            hasSent.wait()
            var texts: [String] = []
            for _ in 0..<4 { texts.append(try await session.get(server.url()).body.collectString(upTo: 10)) }
            return texts
        }
        #expect(try await next.value == Array(repeating: "hello", count: 4))
    }

    @Test(.enabled(if: canReuse))
    func `an idle connection is closed after its time`() async throws {
        let scratch = try Scratch()
        let socket = UnixSocket.path(scratch.path("socket"))
        let server = try Self.server(socket, "ok")
        let session = try SessionHandle(options: [
            .set(.unixSocket, to: socket), .set(.poolLimits, to: PoolLimits(idleTime: nil)),
        ])
        #expect(try await session.get(server.url()).body.collectString(upTo: 10) == "ok")
        let recorder = EventRecorder(of: session)
        try await session.setOption(.poolLimits, to: PoolLimits(idleTime: .milliseconds(20)))
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
    }

    @Test func `a redirect stays on the socket, and takes no secrets to another origin`() async throws {
        let scratch = try Scratch()
        let socket = UnixSocket.path(scratch.path("socket"))
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer(unixSocket: "\(socket)") { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                let isFirst = request.head.target == "/first"
                let redirect = "HTTP/1.1 307 R\r\nLocation: http://other.invalid/end\r\nContent-Length: 0\r\n\r\n"
                try connection.send(isFirst ? redirect : Self.hello("end"))
            }
        }
        let session = try SessionHandle()
        let connection = try await session.connect(toUnixSocket: socket, host: "api.invalid", port: 8080)
        let request = try await connection.openRequest(.get, "/first", headerFields: [.authorization: "Bearer s3cret"])
        let recorder = EventRecorder(of: request, .resolveName)
        #expect(try await Self.text(request) == "end")
        try request.close()
        #expect(heads.all.map { $0["host"] } == ["api.invalid:8080", "other.invalid"])
        #expect(heads.all.map { $0["authorization"] } == ["Bearer s3cret", nil])
        // No name is resolved.
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
        _ = server
    }

    @Test func `TLS and HTTP/2 with a real server`() async throws {
        let nginx = try NginxProcess("unix")
        let folder = nginx.folder
        let shared = try Nginx.shared.get()
        let certificates = URL(fileURLWithPath: shared.authorityFile).deletingLastPathComponent().path
        try nginx.start(
            """
            http {
                access_log off; \(NginxProcess.places(in: folder))
                ssl_certificate \(certificates)/server.pem; ssl_certificate_key \(certificates)/server.key;
                server {
                    listen unix:\(folder)/plain; listen unix:\(folder)/tls ssl http2; listen unix:\(folder)/h2c http2;
                    location / { default_type text/plain; return 200 "$scheme $server_protocol $http_host"; }
                }
            }
            """
        )
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: shared.authorityFile))])
        let cases: [(String, Bool, HTTPVersionPolicy, String)] = [
            ("plain", false, .automatic, "http HTTP/1.1 localhost"),
            ("tls", true, .automatic, "https HTTP/2.0 localhost"),
            ("tls", true, .http1_1, "https HTTP/1.1 localhost"),
            ("h2c", false, .http2PriorKnowledge, "http HTTP/2.0 localhost"),
        ]
        for (name, isSecure, versions, answer) in cases {
            let connection = try await session.connect(
                toUnixSocket: .path("\(folder)/\(name)"),
                port: isSecure ? 443 : 80
            )
            try await connection.setOption(.httpVersions, to: versions)
            for _ in 0..<2 {
                let request = try await connection.openRequest(.get, "/", secure: isSecure)
                #expect(try await Self.text(request) == answer)
            }
            let texts = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await Self.text(connection.openRequest(.get, "/", secure: isSecure))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(texts == Array(repeating: answer, count: 8))
        }
    }

    /// The requests of a client of Docker: a list, an object that is created, a log that goes on meanwhile.
    @Test func `a long stream beside short requests, as with Docker`() async throws {
        let scratch = try Scratch()
        let socket = UnixSocket.path(scratch.path("docker.sock"))
        let created = Gate()
        let server = try ScriptedServer(unixSocket: "\(socket)") { connection in
            while let request = try connection.readRequest() {
                switch (request.head.method, request.head.target) {
                case ("GET", "/v1.43/events"):
                    try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    try connection.sendChunk("{\"status\":\"start\"}\n")
                    created.wait()
                    try connection.sendChunk("{\"status\":\"create\"}\n")
                    try connection.sendChunk("")
                case ("POST", "/v1.43/containers/create?name=one"):
                    created.open()
                    try connection.send("HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{\"Id\":\"1\"}")
                default: try connection.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }
        let session = try SessionHandle()
        let docker = try await session.connect(toUnixSocket: socket)
        let events = try await docker.openRequest(.get, "/v1.43/events")
        try await events.send()
        _ = try await events.receiveResponse()
        let create = try await docker.openRequest(.post, "/v1.43/containers/create?name=one")
        try await create.send(.string("{\"Image\":\"alpine\"}"))
        #expect(try await create.receiveResponse().status == 201)
        #expect(try await create.body.collectString(upTo: 100) == "{\"Id\":\"1\"}")
        let missing = try await docker.openRequest(.get, "/missing")
        try await missing.send()
        #expect(try await missing.receiveResponse().status == 404)
        #expect(try await events.body.collectString(upTo: 100) == "{\"status\":\"start\"}\n{\"status\":\"create\"}\n")
        #expect(server.connectionsAccepted == (Self.canReuse ? 2 : 3))
    }

    // MARK: Bad input

    @Test func `a socket that cannot be reached`() async throws {
        let scratch = try Scratch()
        let session = try SessionHandle()
        let missing = try await session.connect(toUnixSocket: .path(scratch.path("missing")))
        let error = await #expect(throws: HandleError.self) { try await Self.text(missing) }
        #expect(error?.code == .cannotConnect)
        #expect(error?.systemError == SystemErrorNumber(rawValue: ENOENT))
        let file = try scratch.file("file", [])
        let none = try await session.connect(toUnixSocket: .path(file))
        let refused = await #expect(throws: HandleError.self) { try await Self.text(none) }
        #expect(refused?.code == .cannotConnect)
        #expect(refused?.systemError == SystemErrorNumber(rawValue: ECONNREFUSED))
        let abstract = try await session.connect(toUnixSocket: Self.uniqueName())
        let unbound = await #expect(throws: HandleError.self) { try await Self.text(abstract) }
        #expect(unbound?.code == .cannotConnect)
    }

    @Test func `a path that is too long is refused when it is set`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let long = UnixSocket.path("/" + String(repeating: "s", count: 107))
        let reason = "the path of a Unix socket must have from 1 to 107 bytes, but has 108"
        await #expect(throws: HandleError.invalidParameter(.connect, reason)) {
            try await session.connect(toUnixSocket: long)
        }
        await #expect(throws: HandleError.invalidParameter(.setOption, "unixSocket: \(reason)")) {
            try await session.setOption(.unixSocket, to: long)
        }
        await #expect(throws: HandleError.self) { try await session.connect(toUnixSocket: .path("/s"), port: 0) }
        try session.close()
        // No handle was made.
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
    }
}
