import HTTPHandles
import HTTPHandlesTesting
import Testing

/// What can be asked and not set. (TLS: `TLSOptionTests`.)
@Suite("Facts", .timeLimit(.minutes(5)))
struct FactTests {
    @Test func `nothing is known of a request before it is sent`() async throws {
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
                // Says how long the request's head was.
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
            #expect(times.secured == nil)
            #expect(times.total >= (times.firstByte ?? .zero))
            #expect((times.firstByte ?? .zero) >= (times.sending ?? .zero))
        }
    }

    @Test func `the facts of HTTP/2`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.httpVersions, to: .http2PriorKnowledge)])
        let response = try await session.get(nginx.clearHTTP2("/hello"))
        #expect(try await response.request.option(.httpVersion) == .http2)
        #expect(try await response.request.option(.status) == 200)
    }

    @Test func `what is known when no connection could be made`() async throws {
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
        let reason = "a session has no parentHandle"
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
        // What this suite uses of it.
        #expect(library.features.isSuperset(of: [.http2, .asynchronousResolver, .threadSafeInitialisation]))
    }
}
