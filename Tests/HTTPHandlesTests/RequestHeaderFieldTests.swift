import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Header fields of a request handle that change between two sends.
@Suite("Header fields of a request handle", .timeLimit(.minutes(5)))
struct RequestHeaderFieldTests {
    @Test func `they are read and changed between sends`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try OneLineCallTests.answering(heads)
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url(), headerFields: [.from: "a", .via: "1"])
        func sent() async throws -> [String] {
            try await request.send()
            _ = try await request.receiveResponse()
            _ = try await request.body.collect(upTo: 5)
            let own = ["From: ", "Via: ", "Cookie: ", "X-"]
            return heads.all.last?.lines.filter { line in own.contains { line.hasPrefix($0) } }.sorted() ?? []
        }
        #expect(try await sent() == ["From: a", "Via: 1"])
        try await request.addHeaderFields([.from: "b"])
        #expect(try await sent() == ["From: a", "From: b", "Via: 1"])
        try await request.addHeaderFields([.from: "c"], rule: .replace)
        try await request.addHeaderFields([.via: "2"], rule: .joinWithComma)
        #expect(try await sent() == ["From: c", "Via: 1, 2"])
        try await request.removeHeaderFields(named: .via)
        try await request.removeHeaderFields(named: .via)
        #expect(try await request.headerFields == [.from: "c"])
        try await request.setHeaderFields([:])
        #expect(try await sent() == [])
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `an exchange keeps those that it was sent with, over redirects`() async throws {
        let mayRedirect = Gate()
        let targets = Record<String>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                targets.note("\(request.head.target) \(request.head["X-A"] ?? "-")")
                guard request.head.target == "/" else { return try connection.send(OneLineCallTests.hello) }
                mayRedirect.wait()
                try connection.send("HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let session = try SessionHandle()
        let name = try #require(HTTPField.Name("X-A"))
        let request = try await session.openRequest(.get, server.url(), headerFields: [name: "old"])
        try await request.send()
        try await request.setHeaderFields([name: "new"])
        mayRedirect.open()
        #expect(try await request.receiveResponse().status == .ok)
        #expect(targets.all == ["/ old", "/end old"])
    }

    @Test func `fields that a request must not have are refused, and nothing changes`() async throws {
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, "http://127.0.0.1:1/", headerFields: [.from: "a"])
        let upgrade = try #require(HTTPField.Name("Upgrade"))
        let reason = "the field \"Upgrade: x\" is not allowed: the library controls the connection"
        let error = HandleError.invalidParameter(.accessHeaderFields, reason)
        await #expect(throws: error) { try await request.addHeaderFields([upgrade: "x"]) }
        await #expect(throws: error) { try await request.setHeaderFields([upgrade: "x"]) }
        #expect(try await request.headerFields == [.from: "a"])
        try request.close()
        let closed = HandleError.closed(.accessHeaderFields)
        await #expect(throws: closed) { try await request.headerFields }
        await #expect(throws: closed) { try await request.setHeaderFields([:]) }
        await #expect(throws: closed) { try await request.addHeaderFields([:]) }
        await #expect(throws: closed) { try await request.removeHeaderFields(named: .from) }
    }
}
