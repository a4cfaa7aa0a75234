import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// What `get`, `fetch`, `download` and `openRequest` take and return.
@Suite("One-line calls", .timeLimit(.minutes(5)))
struct OneLineCallTests {
    static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    @TaskLocal private static var traced = "no trace"

    /// Answers each request, and notes its head.
    static func answering(_ heads: Record<ReceivedHead>, with response: String = hello) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                try connection.send(response)
            }
        }
    }

    // MARK: Options and contexts

    @Test func `each call takes options and a context`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.answering(heads)
        let session = try SessionHandle(userAgent: "all")
        let recorder = EventRecorder(of: session, .handles, scope: .tree)
        let scratch = try Scratch()
        let (url, connection) = (server.url("/x"), try await session.connect(to: "127.0.0.1", port: server.port))
        func own(_ name: String) -> [OptionSetting] { [.set(.userAgent, to: name)] }

        _ = try await session.get(url, options: own("1"), context: 1).body.collect(upTo: 5)
        _ = try await session.get(try HTTPURL(url), options: own("2"), context: 2).body.collect(upTo: 5)
        _ = try await session.fetch(.put, url, body: .string("x"), options: own("3"), context: 3)
            .body.collect(upTo: 5)
        let message = HTTPRequest(method: .get, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "/x")
        _ = try await session.fetch(message, options: own("4"), context: 4).body.collect(upTo: 5)
        let stream = AsyncStream<[UInt8]> { $0.finish() }
        _ = try await session.fetch(.put, url, body: .stream(stream), options: own("5"), context: 5)
            .body.collect(upTo: 5)
        _ = try await session.download(url, to: scratch.path("file"), options: own("6"), context: 6)
        _ = try await session.download(try HTTPURL(url), to: scratch.path("other"), options: own("7"), context: 7)
        for (number, opened) in [
            try await session.openRequest(.get, url, options: own("8"), context: 8),
            try await session.openRequest(.get, try HTTPURL(url), options: own("9"), context: 9),
            try await connection.openRequest(.get, "/x", options: own("10"), context: 10),
        ].enumerated() {
            #expect(try await opened.option(.userAgent) == "\(number + 8)")
            try await opened.send()
            _ = try await opened.receiveResponse()
            try opened.close()
        }
        let path = scratch.path("third")
        _ = try await session.startDownload(try HTTPURL(url), to: path, options: own("11"), context: 11).value
        _ = try await session.get(url).body.collect(upTo: 5)
        #expect(heads.all.map { $0["User-Agent"] } == (1...11).map { "\($0)" } + ["all"])
        try session.closeAll()
        let created = try await recorder.finish().filter {
            $0.handle.level == .request && $0.kind.name == "handleCreated"
        }
        #expect(created.map { $0.context as? Int } == (1...11).map { $0 } + [nil])
    }

    @Test func `a WebSocket takes them too`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            heads.note(head)
            try connection.acceptWebSocket(head).send(.text("hello"))
            connection.waitForClose()
        }
        let session = try SessionHandle(options: [.set(.baseURL, to: try HTTPURL(server.url("/v1/")))])
        let socket = try await session.webSocket(
            "feed",
            query: ["page": "1"],
            options: [.set(.userAgent, to: "own")],
            context: 1
        )
        #expect(try await socket.receiveMessage() == .text("hello"))
        #expect(socket.context as? Int == 1)
        #expect(heads.all.map(\.target) == ["/v1/feed?page=1"])
        #expect(heads.all.map { $0["User-Agent"] } == ["own"])
        try socket.close()
        let url = try HTTPURL(server.url("/other"))
        let other = try await session.webSocket(url, query: ["page": "2"], options: [.set(.userAgent, to: "own")])
        #expect(try await other.receiveMessage() == .text("hello"))
        #expect(heads.all.map(\.target) == ["/v1/feed?page=1", "/other?page=2"])
        #expect(heads.all.map { $0["User-Agent"] } == ["own", "own"])
        try other.close()
    }

    @Test func `an option that cannot be is refused before anything is made`() async throws {
        let server = try ScriptedServer { _ in }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let refused: [(OptionSetting, HandleError)] = [
            (
                .set(.maximumConnections, to: 1),
                HandleError(
                    .incorrectHandleType,
                    .openRequest,
                    reason: "a request handle has no option maximumConnections"
                )
            ),
            (
                .set(.maximumRedirects, to: -1),
                .invalidParameter(.openRequest, "maximumRedirects must be 0 or more, but is -1")
            ),
            (
                .set(.url, to: "http://h/"),
                HandleError(.optionNotSettable, .openRequest, reason: "the option url is read-only")
            ),
        ]
        for (setting, error) in refused {
            await #expect(throws: error) { try await session.get(server.url(), options: [setting]) }
            await #expect(throws: error) { try await session.openRequest(.get, server.url(), options: [setting]) }
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            await #expect(throws: error) { try await connection.openRequest(.get, "/", options: [setting]) }
        }
        try session.closeAll()
        let levels = Set(try await recorder.finish().map(\.handle.level))
        #expect(levels == [.session, .connection])
        #expect(server.connectionsAccepted == 0)
    }

    @Test func `code in the options of a call has the local values of the caller's task`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isFirst = request.head.target == "/"
                let found = "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n"
                try connection.send(isFirst ? found : Self.hello)
            }
        }
        let session = try SessionHandle()
        let seen = Record<String>()
        let decider = RedirectDecider { _ in
            seen.note(Self.traced)
            return .follow
        }
        let response = try await Self.$traced.withValue("a trace") {
            try await session.get(server.url(), options: [.set(.redirectDecider, to: decider)])
        }
        #expect(response.status == .ok)
        #expect(seen.all == ["a trace"])
    }

    // MARK: Facts

    @Test func `facts can be asked after the body`() async throws {
        let server = try Self.answering(Record())
        let session = try SessionHandle()
        let kept = [OptionSetting.set(.keepsFacts, to: true)]
        let response = try await session.get(server.url("/x"), options: kept)
        #expect(try await response.fact(.status) == 200)
        #expect(try await response.body.collect(upTo: 5).count == 5)
        #expect(try await response.fact(.status) == 200)
        #expect(try await response.fact(.url) == server.url("/x"))
        #expect(try await response.fact(.requestStatistics).responseBodyBytes == 5)
        #expect(try await response.fact(.connectionInfo).peer.port == server.port)
        #expect(try await response.fact(.requestTimes).firstByte != nil)
        let unknown = HandleError.wrongState(.queryOption, "the value of securityInfo is not known yet")
        await #expect(throws: unknown) { try await response.fact(.securityInfo) }

        let dropped = try await session.get(server.url(), options: kept)
        try dropped.request.close()
        #expect(try await dropped.fact(.status) == 200)
        try session.closeAll()
        await session.closed()
        #expect(try await response.fact(.httpVersion) == .http1_1)
    }

    @Test func `certificates too`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.recordsSecurityInfo, to: true),
            .set(.keepsFacts, to: true),
        ])
        let response = try await session.get(nginx.https("/hello"))
        _ = try await response.body.collect(upTo: 1000)
        #expect(try await response.fact(.securityInfo).certificates.isEmpty == false)
        #expect(try await response.fact(.securityInfo).verifyResult == 0)
    }

    @Test func `without the option they are known as long as the request is open`() async throws {
        let server = try Self.answering(Record())
        let response = try await SessionHandle().get(server.url())
        #expect(try await response.fact(.status) == 200)
        _ = try await response.body.collect(upTo: 5)
        let reason = "the request is closed, and the option keepsFacts was not set"
        await #expect(throws: HandleError.wrongState(.queryOption, reason)) { try await response.fact(.status) }
    }

    // MARK: Events

    @Test func `one listener on a session can write a line for each request`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let status = request.head.target == "/missing" ? "404 Not Found" : "200 OK"
                try connection.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let scratch = try Scratch()
        _ = try await session.get(server.url("/x?secret=1")).body.collect(upTo: 0)
        _ = try await session.fetch(.delete, server.url("/missing")).body.collect(upTo: 0)
        _ = try await session.download(server.url("/file"), to: scratch.path("file"))
        try session.closeAll()

        var begun: [HandleID: RequestSummary] = [:]
        var lines: [String] = []
        for event in try await recorder.finish() {
            switch event.kind {
            case .handleCreated(_, let request?): begun[event.handle] = request
            case .responseReceived(let status, _):
                guard let request = begun[event.handle] else { continue }
                lines.append("\(request) \(status.code)")
            default: break
            }
        }
        #expect(
            lines == [
                "GET \(server.url("/x"))?secret=(redacted) 200", "DELETE \(server.url("/missing")) 404",
                "GET \(server.url("/file")) 200",
            ]
        )
        let files = begun.sorted { $0.key < $1.key }.map(\.value.file)
        #expect(files == [nil, nil, scratch.path("file")])
        #expect(begun.values.contains { $0.url == server.url("/x?secret=1") })
    }

    // MARK: Success

    @Test func `a response can be required to be a success`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                switch request.head.target {
                case "/missing":
                    try connection.send("HTTP/1.1 404 Not Found\r\nX: 1\r\nContent-Length: 7\r\n\r\nnothing")
                case "/broken":
                    try connection.send("HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nnothing")
                    return
                default: try connection.send(Self.hello)
                }
            }
        }
        let session = try SessionHandle()
        let bytes = try await session.get(server.url()).requireSuccess().body.collect(upTo: 5)
        #expect(bytes == Array("hello".utf8))

        func error(of path: String, keepingUpTo limit: Int) async throws -> HandleError? {
            let response = try await session.get(server.url(path))
            let error = await #expect(throws: HandleError.self) {
                try await response.requireSuccess(keepingUpTo: limit)
            }
            await response.request.closed()
            return error
        }
        func expected(
            _ path: String,
            _ status: HTTPResponse.Status,
            _ fields: HTTPFields,
            _ start: String,
            _ isWhole: Bool
        )
            -> HandleError
        {
            HandleError(
                .unsuccessfulStatus,
                .receiveResponse,
                reason: "the response is \(status.code) from \(server.url(path))",
                response: UnsuccessfulResponse(
                    url: server.url(path),
                    status: status,
                    headerFields: fields,
                    bodyStart: Array(start.utf8),
                    isBodyComplete: isWhole
                )
            )
        }
        let fields: HTTPFields = [HTTPField.Name("X")!: "1", .contentLength: "7"]
        #expect(try await error(of: "/missing", keepingUpTo: 100) == expected("/missing", 404, fields, "nothing", true))
        #expect(try await error(of: "/missing", keepingUpTo: 3) == expected("/missing", 404, fields, "not", false))
        #expect(try await error(of: "/missing", keepingUpTo: 0) == expected("/missing", 404, fields, "", false))
        let length: HTTPFields = [.contentLength: "9"]
        #expect(try await error(of: "/broken", keepingUpTo: 100) == expected("/broken", 500, length, "nothing", false))
    }

    @Test func `requiring a success can be cancelled`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n")
            connection.waitForClose()
        }
        let response = try await SessionHandle().get(server.url())
        let requiring = Task { _ = try await response.requireSuccess() }
        requiring.cancel()
        let error = await #expect(throws: HandleError.self) { try await requiring.value }
        #expect(error?.isCancellation == true)
    }

    // MARK: Queries

    @Test func `a query is built from names and values`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.answering(heads)
        let session = try SessionHandle()
        let query: QueryItems = ["q": "a b&c=d/é", "flag": nil, "q": "+%"]
        let encoded = "q=a%20b%26c%3Dd%2F%C3%A9&flag&q=%2B%25"
        for (path, target) in [
            ("/s", "/s?\(encoded)"), ("/s?", "/s?\(encoded)"), ("/s?x=1", "/s?x=1&\(encoded)"),
            ("/s?x=1&", "/s?x=1&\(encoded)"), ("/s#f", "/s?\(encoded)"), ("", "/?\(encoded)"),
        ] {
            let url = "http://127.0.0.1:\(server.port)\(path)"
            _ = try await session.get(url, query: query).body.collect(upTo: 5)
            _ = try await session.fetch(.get, try HTTPURL(url), query: query).body.collect(upTo: 5)
            #expect(heads.all.suffix(2).map(\.target) == [target, target])
        }
        #expect(try HTTPURL(server.url("/?\(encoded)")).queryItems == query)
    }

    // MARK: Values of a session

    @Test func `relative URLs are resolved against the base URL`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.answering(heads)
        let session = try SessionHandle(options: [.set(.baseURL, to: try HTTPURL(server.url("/v1/x?y=1")))])
        let scratch = try Scratch()
        for (reference, target) in [
            ("users", "/v1/users"), ("/users?a=b", "/users?a=b"), ("../up", "/up"), ("", "/v1/x?y=1"),
            ("?z", "/v1/x?z"),
            (server.url("/absolute"), "/absolute"), ("//127.0.0.1:\(server.port)/other", "/other"),
        ] {
            _ = try await session.get(reference).body.collect(upTo: 5)
            #expect(heads.all.last?.target == target)
        }
        _ = try await session.fetch(HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/p")).body.collect(
            upTo: 5
        )
        _ = try await session.download("down", to: scratch.path("down"))
        let request = try await session.openRequest(.get, "open")
        try await request.send()
        _ = try await request.receiveResponse()
        #expect(heads.all.suffix(3).map(\.target) == ["/p", "/v1/down", "/v1/open"])

        try await session.setOption(.baseURL, to: nil)
        let reason = "\"users\" is not a valid URL: it has no scheme"
        await #expect(throws: HandleError(.invalidURL, .openRequest, reason: reason)) { try await session.get("users") }
        await #expect(throws: HandleError.self) {
            try await session.fetch(HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/p"))
        }
    }

    @Test func `default header fields and query items are added, and secret ones to the base URL's origin only`()
        async throws
    {
        let heads = Record<ReceivedHead>()
        let (server, other) = (try Self.answering(heads), try Self.answering(heads))
        let session = try SessionHandle(options: [
            .set(.headerFields, to: [.acceptLanguage: "rm", .authorization: "Bearer secret"]),
            .set(.queryItems, to: ["key": "k", "lang": "rm"]),
        ])
        _ = try await session.get(server.url("/a?lang=de"), headerFields: [.acceptLanguage: "de"]).body.collect(upTo: 5)
        _ = try await session.get(other.url("/b")).body.collect(upTo: 5)
        try await session.setOption(.baseURL, to: try HTTPURL(server.url()))
        _ = try await session.get("c").body.collect(upTo: 5)
        _ = try await session.get(other.url("/d")).body.collect(upTo: 5)
        #expect(heads.all.map(\.target) == ["/a?lang=de&key=k", "/b?key=k&lang=rm", "/c?key=k&lang=rm", "/d"])
        #expect(heads.all.map { $0["Accept-Language"] } == ["de", "rm", "rm", "rm"])
        let secret = "Bearer secret"
        #expect(heads.all.map { $0["Authorization"] } == [secret, secret, secret, nil])
        // A request has its own, which replace those of its session.
        let request = try await session.openRequest(.get, "e", options: [.set(.headerFields, to: [.from: "me"])])
        try await request.setOption(.queryItems, to: [:])
        try await request.send()
        #expect(try await request.receiveResponse().url == server.url("/e"))
        #expect(heads.all.last?["From"] == "me")
        #expect(heads.all.last?["Accept-Language"] == nil)
    }

    @Test func `default header fields that are not for all requests are refused`() async throws {
        let session = try SessionHandle()
        for (name, value, reason) in [
            ("Host", "h", "the field Host is not for all requests"),
            ("Content-Length", "1", "the field Content-Length is not for all requests"),
            ("Upgrade", "x", "the field \"Upgrade: x\" is not allowed: the library controls the connection"),
        ] {
            let fields: HTTPFields = [try #require(HTTPField.Name(name)): value]
            await #expect(throws: HandleError.invalidParameter(.setOption, "headerFields: \(reason)")) {
                try await session.setOption(.headerFields, to: fields)
            }
        }
    }
}
