import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Read-only options. (TLS: `TLSOptionTests`.)
@Suite("Facts", .timeLimit(.minutes(5)))
struct FactTests {
    @Test func `no fact is known before a request is sent`() async throws {
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: 1)
        let request = try await connection.openRequest(.get, "/")
        func refusal<Value>(_ option: HandleOption<Value>) async -> HandleErrorCode? {
            await #expect(throws: HandleError.self) { try await request.option(option) }?.code
        }
        #expect(await refusal(.url) == .incorrectHandleState)
        #expect(await refusal(.status) == .incorrectHandleState)
        #expect(await refusal(.httpVersion) == .incorrectHandleState)
        #expect(await refusal(.requestTimes) == .incorrectHandleState)
        #expect(await refusal(.requestStatistics) == .incorrectHandleState)
        #expect(await refusal(.connectionInfo) == .incorrectHandleState)
        #expect(await refusal(.securityInfo) == .incorrectHandleState)
    }

    @Test func `the facts of an exchange, on a new connection and on a pooled one`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                // Answers with the length of the request's head.
                try connection.send("HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n\(request.head.bytes.count)")
            }
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        var local: SocketAddress?
        for isReused in [false, true] {
            let request = try await connection.openRequest(.post, "/path?q=1")
            try await request.send(.string("body"))
            _ = try await request.receiveResponse()
            let text = String(decoding: try await request.body.collect(upTo: 3), as: UTF8.self)

            #expect(try await request.option(.url) == server.url("/path?q=1"))
            #expect(try await request.option(.status) == 201)
            #expect(try await request.option(.httpVersion) == .http1_1)

            let information = try await request.option(.connectionInfo)
            #expect(information.peer.description == "127.0.0.1:\(server.port)")
            #expect(information.local.host == "127.0.0.1")
            #expect(information.isReused == isReused)
            // The same connection, so the same port.
            #expect(local == nil || local == information.local)
            local = information.local

            let statistics = try await request.option(.requestStatistics)
            #expect(statistics.requestHeadBytes == Int64(text))
            #expect(statistics.requestBodyBytes == 4)
            #expect(statistics.responseHeadBytes == 43)
            #expect(statistics.responseBodyBytes == 3)
            #expect(statistics.connectionsMade == (isReused ? 0 : 1))

            let times = try await request.option(.requestTimes)
            #expect(times.nameResolved == nil && (times.connected == nil) == isReused)
            #expect(times.secured == nil)
            #expect(times.total >= (times.firstByte ?? .zero))
            #expect((times.firstByte ?? .zero) >= (times.sending ?? .zero))
        }
    }

    enum Way: CaseIterable { case fresh, pooled, redirected, redirectedElsewhere }

    /// The expected fields of the facts for each kind of exchange.
    @Test(arguments: Way.allCases)
    func `each fact has its documented value`(way: Way) async throws {
        let other = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 203 Here\r\nContent-Length: 5\r\n\r\nthere")
            }
        }
        let server = try ScriptedServer { [port = other.port] connection in
            while let request = try connection.readRequest() {
                switch request.head.target {
                case "/here": try connection.send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
                case "/there":
                    let location = "Location: http://localhost:\(port)/"
                    try connection.send("HTTP/1.1 302 Found\r\n\(location)\r\nContent-Length: 0\r\n\r\n")
                default: try connection.send("HTTP/1.1 203 Here\r\nContent-Length: 4\r\n\r\nhere")
                }
            }
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "localhost", port: server.port)
        if way == .pooled { _ = try await session.get("http://localhost:\(server.port)/").body.collect(upTo: 4) }
        let path =
            switch way {
            case .fresh, .pooled: "/"
            case .redirected: "/here"
            case .redirectedElsewhere: "/there"
            }
        let request = try await connection.openRequest(.get, path)
        try await request.send()
        _ = try await request.receiveResponse()
        let body = try await request.body.collect(upTo: 5)

        let isElsewhere = way == .redirectedElsewhere
        let port = isElsewhere ? other.port : server.port
        let connects = way == .fresh || isElsewhere
        #expect(try await request.option(.url) == "http://localhost:\(port)/")
        #expect(try await request.option(.status) == 203)
        #expect(try await request.option(.httpVersion) == .http1_1)
        let times = try await request.option(.requestTimes)
        #expect((times.nameResolved != nil) == connects)
        #expect((times.connected != nil) == connects)
        #expect(times.secured == nil)
        #expect(times.sending != nil && times.firstByte != nil)
        let moments = [times.nameResolved, times.connected, times.sending, times.firstByte, times.total]
        #expect(moments.compactMap(\.self) == moments.compactMap(\.self).sorted())
        let statistics = try await request.option(.requestStatistics)
        #expect(statistics.requestHeadBytes > 0)
        #expect(statistics.requestBodyBytes == 0)
        #expect(statistics.responseHeadBytes == Int64("HTTP/1.1 203 Here\r\nContent-Length: 4\r\n\r\n".utf8.count))
        #expect(statistics.responseBodyBytes == Int64(body.count))
        #expect(statistics.connectionsMade == (connects ? 1 : 0))
        let information = try await request.option(.connectionInfo)
        #expect(information.isReused == !connects)
        #expect(information.peer.port == port && ["127.0.0.1", "::1"].contains(information.peer.host))
        #expect(information.local.port != port && information.local.port > 0)
        await #expect(throws: HandleError.self) { try await request.option(.securityInfo) }
    }

    @Test func `the time of the TLS handshake is known only on a new connection`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
            }
        }
        let (session, url) = try await overTLS(server, .http1_1)
        for isReused in [false, true] {
            let response = try await session.get(url)
            #expect(try await response.request.option(.connectionInfo).isReused == isReused)
            let times = try await response.request.option(.requestTimes)
            #expect((times.secured == nil) == isReused && (times.connected == nil) == isReused)
            #expect((times.secured ?? .zero) >= (times.connected ?? .zero))
            #expect((times.secured ?? .zero) <= (times.sending ?? .zero))
            // The next request needs the connection.
            #expect(try await response.body.collectString(upTo: 4) == "body")
        }
    }

    @Test func `the facts of HTTP/2`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.httpVersions, to: .http2PriorKnowledge)])
        let response = try await session.get(nginx.clearHTTP2("/hello"))
        #expect(try await response.request.option(.httpVersion) == .http2)
        #expect(try await response.request.option(.status) == 200)
    }

    @Test func `the facts after a failed connection`() async throws {
        let port = try ScriptedServer { _ in }.port
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: port)
        let request = try await connection.openRequest(.get, "/")
        await #expect(throws: HandleError.self) { try await request.send() }
        #expect(try await request.option(.url) == "http://127.0.0.1:\(port)/")
        #expect(try await request.option(.requestTimes).connected == nil)
        let refusal = await #expect(throws: HandleError.self) { try await request.option(.connectionInfo) }
        #expect(refusal?.code == .incorrectHandleState)
        let noStatus = await #expect(throws: HandleError.self) { try await request.option(.status) }
        #expect(noStatus?.code == .incorrectHandleState)
    }

    @Test func `parents`() async throws {
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: 1)
        let request = try await connection.openRequest(.get, "/")
        #expect(try await connection.option(.parentHandle) == session.id)
        #expect(try await request.option(.parentHandle) == connection.id)
        let reason = "a session handle has no option parentHandle"
        await #expect(throws: HandleError(.incorrectHandleType, .queryOption, reason: reason)) {
            try await session.option(.parentHandle)
        }
    }

    @Test func `the linked library`() async throws {
        let session = try SessionHandle()
        let library = try await session.option(.linkedLibrary)
        let connection = try await session.connect(to: "127.0.0.1", port: 1)
        #expect(try await connection.option(.linkedLibrary) == library)
        #expect(library.version.split(separator: ".").count == 3)
        #expect(library.protocols.isSuperset(of: ["http", "https"]))
        #expect(library.has(.tls))
        #expect(library.tlsLibrary?.isEmpty == false)
        // The features that these tests need.
        #expect(library.features.isSuperset(of: [.http2, .asynchronousResolver, .threadSafeInitialization]))
    }
}
