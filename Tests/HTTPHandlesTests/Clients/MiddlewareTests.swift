import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The same with a session and with a scripted client.
@Suite("Middleware", .timeLimit(.minutes(5)))
struct MiddlewareTests {
    /// Answers with the requests' header field `X-Path`, and body.
    private static func echo() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let text = "\(request.head["X-Path"] ?? "") \(String(decoding: request.body, as: UTF8.self))"
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
    }

    private static func scriptedEcho() -> ScriptedClient {
        ScriptedClient { request async throws(HandleError) in
            .response(body: "\(request.headerFields[.path] ?? "") \(request.bodyText)")
        }
    }

    /// Adds its name to a field and to the body, and to the body of the response.
    private struct Named: ExchangeMiddleware {
        let name: String

        func send(_ request: ClientRequest, to next: any ExchangeClient) async throws(HandleError) -> ClientResponse {
            var request = request
            request.headerFields[.path] = (request.headerFields[.path] ?? "") + name
            request.body = .string(String(decoding: try await request.body.collect(upTo: 100), as: UTF8.self) + name)
            var response = try await next.send(request)
            let body = response.body
            let isEnd = Lock(false)
            response.body = .pieces(from: body) { () async throws(HandleError) in
                if isEnd.withLock({ $0 }) { return nil }
                let piece = try await body.read(upTo: 100)
                guard piece.isEmpty else { return piece }
                isEnd.withLock { $0 = true }
                return Array(name.utf8)
            }
            return response
        }
    }

    @Test(arguments: [true, false])
    func `the first sees a request first and its response last`(isScripted: Bool) async throws {
        let server = try Self.echo()
        let client: any ExchangeClient = isScripted ? Self.scriptedEcho() : try SessionHandle()
        let response = try await client.behind([Named(name: "a"), Named(name: "b")]).behind([Named(name: "0")])
            .fetch(.post, server.url(), body: .string("-"))
        #expect(try await response.body.collectString(upTo: 100) == "0ab -0abba0")
    }

    @Test func `it may answer by itself, and throw`() async throws {
        let client = ScriptedClient([])
        let cached = MiddlewareClosure { request, next async throws(HandleError) in
            guard request.message.path == "/cached" else {
                throw HandleError(.notSupported, .sendRequest, reason: "no")
            }
            return ClientResponse(
                head: ResponseHead(status: .ok),
                body: .bytes(Array("cached".utf8), trailers: [.date: "1"])
            )
        }
        let response = try await client.behind([cached]).get("http://a.example/cached")
        #expect(try await response.body.collectString(upTo: 10) == "cached")
        #expect(response.trailers == [.date: "1"])
        #expect(response.request == nil)
        let error = await #expect(throws: HandleError.self) {
            try await client.behind([cached]).get("http://a.example/")
        }
        #expect(error == HandleError(.notSupported, .sendRequest, reason: "no"))
        #expect(client.requests.isEmpty)
    }

    @Test func `the end of the handles is that of a session`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let client = session.behind([Named(name: "a")])
        let request = try ClientRequest(.get, server.url())
        let handle = try await client.perform(request) { response in
            let start = try await response.body.read(upTo: 3)
            #expect(start == Array("hel".utf8))
            return try #require(response.request)
        }
        // Gone when `perform` has returned.
        let gone = await #expect(throws: HandleError.self) { try await handle.option(.requestTimes) }
        #expect(gone?.code == .invalidHandle)
        let begun = Gate()
        let reading = Task {
            let response = try await client.send(request)
            _ = try await response.body.read(exactly: 5)
            begun.open()
            _ = try await response.body.read(exactly: 5)
        }
        await begun.passed()
        reading.cancel()
        let error = await #expect(throws: HandleError.self) { try await reading.value }
        #expect(error?.isCancellation == true)
        try session.closeAll()
        await session.closed()
        let closed = await #expect(throws: HandleError.self) { try await client.send(request) }
        #expect(closed?.code == .invalidHandle)
    }

    @Test func `one call for a session and for everything else`() async throws {
        let server = try Self.echo()
        let session = try SessionHandle(options: [.set(.baseURL, to: try HTTPURL(server.url("/v1/")))])
        func text(_ client: some ExchangeClient) async throws -> String {
            try await client.fetch(.put, "users?a=1", query: ["b": "2"], body: .form([("c", "3")])).requireSuccess()
                .body.collectString(upTo: 100)
        }
        #expect(try await text(session) == " c=3")
        let scripted = ScriptedClient(
            baseURL: try HTTPURL("http://a.example/v1/"),
            [.response(body: "x"), .response(.notFound)]
        )
        #expect(try await text(scripted) == "x")
        let error = await #expect(throws: HandleError.self) { try await text(scripted) }
        #expect(error?.response?.status == .notFound)
        #expect(
            scripted.requests.map(\.description) == Array(repeating: "PUT http://a.example/v1/users?a=1&b=2", count: 2)
        )
    }

    // MARK: The examples of the document

    @Test(arguments: [
        ("## Logging", "LoggingMiddleware"), ("## A bearer token that is renewed", "BearerTokenMiddleware"),
        ("## Signed requests", "SigningMiddleware"),
    ])
    func `the document shows the code that is tested here`(section: String, file: String) throws {
        let shown = try Document("Docs/Clients.md").section(section).drop { $0 != "```swift" }.dropFirst()
            .prefix { $0 != "```" }
        let tested = try Document("Tests/HTTPHandlesTests/Clients/\(file).swift").lines.drop { !$0.hasPrefix("///") }
            .dropLast()
        #expect(Array(shown) == Array(tested))
    }

    @Test func `lines of a log have no secrets`() async throws {
        let lines = Lock<[String]>([])
        let client = ScriptedClient([
            .response(.notFound), .failure(HandleError(.connectionError, .receiveResponse, reason: "lost")),
        ]).behind([Logging { line in lines.withLock { $0.append(line) } }])
        _ = try await client.get("http://a.example/x?key=secret")
        _ = try? await client.get("http://a.example/")
        let begins = lines.withLock { $0 }.map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
        #expect(begins == ["GET http://a.example/x?key=(redacted) 404", "GET http://a.example/ connectionError"])
    }

    @Test func `a refused token is renewed once for all requests`() async throws {
        let renewed = Lock(0)
        let client = ScriptedClient { request async throws(HandleError) in
            if request.url.path == "/token" {
                let number = renewed.withLock { renewed in
                    renewed += 1
                    return renewed
                }
                return .response(body: "t\(number)")
            }
            guard request.headerFields[.authorization] == "Bearer t2" else { return .response(.unauthorized) }
            return .response(body: request.bodyText)
        }
        let store = TokenStore(url: "http://a.example/token")
        let authorized = client.behind([BearerToken(tokens: store, origin: "http://a.example")])
        let first = try await authorized.fetch(.post, "http://a.example/", body: .string("body"))
        #expect(try await first.body.collectString(upTo: 10) == "body")
        try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
            for _ in 0..<10 { group.addTask { try await authorized.get("http://a.example/").status } }
            for try await status in group { #expect(status == .ok) }
        }
        #expect(renewed.withLock { $0 } == 2)
        // A stream cannot be sent again: the answer is the caller's.
        let stream = RequestBody.stream(AsyncStream<[UInt8]> { $0.finish() })
        let other = ScriptedClient { request async throws(HandleError) in
            request.url.path == "/token" ? .response(body: "t") : .response(.unauthorized)
        }.behind([BearerToken(tokens: TokenStore(url: "http://a.example/token"), origin: "http://a.example")])
        #expect(try await other.fetch(.post, "http://a.example/", body: stream).status == .unauthorized)
        // Another server does not get it.
        _ = try await authorized.get("http://b.example/")
        #expect(client.requests.last?.headerFields[.authorization] == nil)
    }

    @Test func `the bytes that are signed are sent`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let text = [
                    request.head["Authorization"], request.head["Date"], request.head["Content-Type"],
                    String(decoding: request.body, as: UTF8.self),
                ].map { $0 ?? "" }.joined(separator: "|")
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
        let signing = Signing(signature: { "\($0.count)" }, date: { HTTPDate(secondsSince1970: 0) })
        let client = try SessionHandle().behind([signing])
        let date = "Thu, 01 Jan 1970 00:00:00 GMT"
        let response = try await client.fetch(.post, server.url("/p"), body: .form([("a", "b c")]))
        let text = try await response.body.collectString(upTo: 1000)
        #expect(text == "Signature 43|\(date)|application/x-www-form-urlencoded|a=b+c")
    }
}

extension HTTPField.Name {
    fileprivate static let path = HTTPField.Name("X-Path") ?? .date
}
