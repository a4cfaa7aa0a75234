import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Idle connections on which the server may send bytes without HTTP data: TLS and HTTP/2.
@Suite("Idle connections over TLS", .timeLimit(.minutes(5)))
struct IdleSecureConnectionTests {
    private static func text(_ session: SessionHandle, _ url: String) async throws -> String {
        try await session.get(url).body.collectString(upTo: 100)
    }

    /// Waits until bytes have arrived on the idle connection to a URL on 127.0.0.1. The client does not read them.
    private static func waitForBytes(on url: String) async throws {
        let port = try #require(url.split(separator: "/")[1].split(separator: ":").last.flatMap { Int($0) })
        let socket = try #require(ClientSocket(to: port))
        while socket.waitingBytes <= 0 { try await Task.sleep(for: .milliseconds(1)) }
    }

    // MARK: HTTP/1.1

    static let forgeries = [
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", "\r\n", "x",
    ]

    enum Method: CaseIterable { case get, post }

    @Test(arguments: forgeries, Method.allCases)
    func `unsolicited bytes are not the response to the next request`(forgery: String, method: Method) async throws {
        let mayForge = Gate()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let target = request.head.target
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(target.utf8.count)\r\n\r\n\(target)")
                guard connection.number == 0 else { continue }
                mayForge.wait()
                try connection.send(forgery)
            }
        }
        let (session, url) = try await overTLS(server, .http1_1)
        #expect(try await Self.text(session, url + "first") == "/first")
        mayForge.open()
        try await Self.waitForBytes(on: url)
        let body: RequestBody = method == .post ? .string("body") : .none
        let request = try await session.openRequest(method == .post ? .post : .get, url + "second")
        let recorder = EventRecorder(of: request)
        try await request.send(body)
        _ = try await request.receiveResponse()
        #expect(try await request.body.collectString(upTo: 100) == "/second")
        try request.close()
        #expect(server.connectionsAccepted == 2)
        #expect(try await !recorder.finish().map(\.kind.name).contains("connectionReused"))
    }

    /// libcurl reads both in one call, so the connection is never idle with bytes on it.
    @Test(arguments: [true, false], [true, false])
    func `a second answer that comes with the first is dropped`(isChunked: Bool, isSecure: Bool) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let target = request.head.target
                let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(target.utf8.count)"
                let body = isChunked ? "\(target.utf8.count)\r\n\(target)\r\n0\r\n\r\n" : target
                let isFirst = connection.number == 0 && target == "/1"
                try connection.send("HTTP/1.1 200 OK\r\n\(length)\r\n\r\n\(body)" + (isFirst ? Self.forgeries[1] : ""))
            }
        }
        let (session, url) = isSecure ? try await overTLS(server, .http1_1) : (try SessionHandle(), server.url())
        for number in 1...3 { #expect(try await Self.text(session, url + "\(number)") == "/\(number)") }
    }

    /// OpenSSL's servers send two session tickets after the handshake, in records with the type of data.
    @Test func `connections are reused after session tickets of TLS 1.3`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let target = request.head.target
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(target.utf8.count)\r\n\r\n\(target)")
            }
        }
        let (session, url) = try await overTLS(server, .http1_1)
        for number in 0..<5 { #expect(try await Self.text(session, url + "\(number)") == "/\(number)") }
        #expect(server.connectionsAccepted == 1)
    }

    @Test(arguments: [TLSServers.Kind.good, .tls1_2])
    func `a connection to nginx is reused, in both versions of TLS`(kind: TLSServers.Kind) async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: servers.authorityFile)), .set(.httpVersions, to: .http1_1),
        ])
        let recorder = EventRecorder(of: session, scope: .tree)
        let version = kind == .good ? "TLSv1.3" : "TLSv1.2"
        for _ in 0..<5 { #expect(try await Self.text(session, servers.url(kind)).hasPrefix(version)) }
        try session.closeAll()
        await session.closed()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(names.count { $0 == "connectedToServer" } == 1)
        #expect(names.count { $0 == "connectionReused" } == 4)
    }

    /// close_notify arrives before the end of the connection, as bytes that are not read.
    @Test(arguments: [TLSFront.Protocols.http1_1, .http2], [true, false])
    func `one that the server closes is closed without a request`(
        protocols: TLSFront.Protocols,
        sendsCloseNotify: Bool
    ) async throws {
        let mayClose = Gate()
        let server = try ScriptedServer { connection in
            if protocols == .http2 {
                let http2 = try HTTP2Connection(connection)
                try Self.answer(http2)
            } else {
                _ = try connection.readRequest()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
            mayClose.wait()
        }
        let front = try TLSFront.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: front.authorityFile))])
        let url = try front.url(server, protocols, sendsCloseNotify: sendsCloseNotify)
        #expect(try await Self.text(session, url) == "ok")
        let recorder = EventRecorder(of: session)
        mayClose.open()
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
    }

    // MARK: HTTP/2

    private static func answer(_ http2: HTTP2Connection) throws {
        let (stream, _) = try http2.readRequest()
        try http2.send(HTTP2Connection.head(200, on: stream), HTTP2Connection.data("ok", on: stream, isEnd: true))
    }

    enum Control: CaseIterable {
        case ping, settings, goAway

        var frame: HTTP2Frame {
            switch self {
            case .ping: HTTP2Frame(.ping, Array("12345678".utf8))
            case .settings: HTTP2Frame(.settings)
            case .goAway: HTTP2Connection.goAway(last: 1)
            }
        }
    }

    /// After the first response the server sends a frame that belongs to no request.
    @Test(arguments: Control.allCases, Method.allCases)
    func `a frame that is not a response`(control: Control, method: Method) async throws {
        let mayControl = Gate()
        let server = try ScriptedServer { connection in
            let http2 = try HTTP2Connection(connection)
            try Self.answer(http2)
            if connection.number == 0 {
                mayControl.wait()
                try http2.send(control.frame)
            }
            while true { try Self.answer(http2) }
        }
        let (session, url) = try await overTLS(server)
        #expect(try await Self.text(session, url) == "ok")
        mayControl.open()
        try await Self.waitForBytes(on: url)
        let body: RequestBody = method == .post ? .string("body") : .none
        let response = try await session.fetch(method == .post ? .post : .get, url, body: body)
        #expect(try await response.body.collectString(upTo: 100) == "ok")
        #expect(server.connectionsAccepted == (control == .goAway ? 2 : 1))
    }
}
