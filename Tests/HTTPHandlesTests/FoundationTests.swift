import Foundation
import HTTPHandles
import HTTPHandlesFoundation
import HTTPHandlesTesting
import HTTPTypes
import Testing

#if FoundationNetworking
import FoundationNetworking
#endif

@Suite("Foundation's types", .timeLimit(.minutes(5)))
struct FoundationTests {
    // MARK: Errors

    @Test func `localizedDescription is the whole description`() {
        let timeout = HandleError(.timeout, .receiveResponse, phase: .response, reason: "no response head arrived")
        let error: any Error = timeout
        #expect(
            error.localizedDescription
                == "timeout (12002) in receiveResponse, phase response: no response head arrived"
        )
        #expect(timeout.failureReason == "no response head arrived")
        #expect(timeout.recoverySuggestion == "Set the option responseTimeout, if the server needs more time.")
        let closed = HandleError(.operationCancelled, .readData, reason: "it was closed")
        #expect(closed.localizedDescription == "operationCancelled (12017) in readData: it was closed")
        #expect(closed.recoverySuggestion == nil)
    }

    @Test func `localizedDescription has no secrets`() async throws {
        struct Leak: Error { let text = "secret" }
        let error = HandleError(.requestBodyFailed, .sendRequest, reason: "it threw", underlying: Leak())
        let texts = [error.localizedDescription, error.failureReason, error.recoverySuggestion].compactMap(\.self)
        #expect(texts == ["requestBodyFailed (1235) in sendRequest: it threw", "it threw"])
        let refused = #expect(throws: HandleError.self) {
            try HTTPURL(try #require(URL(string: "https://user:secret@example.com/?a=secret")))
        }
        #expect(refused?.code == .invalidURL)
        #expect(refused?.localizedDescription.contains("secret") == false)
    }

    // MARK: URLs

    static let urls = [
        "http://example.com/", "https://example.com:8443/a/b?c=d&e=%20#fragment", "http://example.com",
        "http://127.0.0.1/%2F%2e%2e/?", "http://[::1]:80/a;b=c/@:!$&'()*+,=", "http://example.com/%C3%A4",
    ]

    @Test(arguments: urls)
    func `a URL is the same as its text`(text: String) throws {
        let url = try #require(URL(string: text))
        let own = try HTTPURL(url)
        #expect(own == (try HTTPURL(text)))
        #expect(try URL(own).absoluteString == own.text)
        #expect(try HTTPURL(URL(own)) == own)
    }

    @Test func `a relative URL is resolved against its base`() throws {
        let base = try #require(URL(string: "https://example.com/a/b"))
        #expect(try HTTPURL(try #require(URL(string: "c?d=e", relativeTo: base))).text == "https://example.com/a/c?d=e")
    }

    @Test(arguments: [
        ("a/b", HandleErrorCode.invalidURL), ("//example.com/", .invalidURL),
        ("file:///etc/hosts", .unrecognizedScheme),
        ("mailto:a@example.com", .unrecognizedScheme), ("http:///a", .invalidURL),
        ("http://user@example.com/", .invalidURL),
    ])
    func `a URL that cannot be requested is refused`(text: String, code: HandleErrorCode) throws {
        let url = try #require(URL(string: text))
        let error = #expect(throws: HandleError.self) { try HTTPURL(url) }
        #expect(error?.code == code)
    }

    @Test func `a URL that Foundation cannot represent is refused`() throws {
        let error = #expect(throws: HandleError.self) { try URL(HTTPURL("http://example.com/a|b?c=d")) }
        let reason = "Foundation cannot represent the URL http://example.com/a|b?c=(redacted)"
        #expect(error == HandleError(.invalidURL, .openRequest, reason: reason))
    }

    @Test func `a huge URL is the same`() throws {
        let text = "http://example.com/" + String(repeating: "a/", count: 50_000)
        #expect(try HTTPURL(try #require(URL(string: text))).text == text)
        #expect(try URL(HTTPURL(text)).absoluteString == text)
    }

    @Test func `the file of a file URL is sent`() async throws {
        let scratch = try Scratch()
        let path = try scratch.file("a b%20ä", "content".utf8)
        #expect(try await RequestBody.file(URL(fileURLWithPath: path)).collect(upTo: 100) == Array("content".utf8))
        for text in ["http://example.com/a", "file://example.com/a"] {
            let error = #expect(throws: HandleError.self) { try RequestBody.file(try #require(URL(string: text))) }
            let reason = "the URL is not that of a file of this machine"
            #expect(error == HandleError(.invalidURL, .sendRequest, reason: reason))
        }
    }
}

#if FoundationNetworking
@Suite("URLRequest and HTTPURLResponse", .timeLimit(.minutes(5)))
struct URLRequestTests {
    static func request(_ text: String = "http://example.com/a?b=c") throws -> URLRequest {
        URLRequest(url: try #require(URL(string: text)))
    }

    /// Sends all that it reads back, with its head in front.
    static func reflect(_ connection: ServerConnection) throws {
        while let request = try connection.readRequest() {
            let answer =
                Array("\(request.head.method) \(request.head.target) \(request.head["x-a"] ?? "none")\n".utf8)
                + request.body
            try connection.send(
                "HTTP/1.1 200 OK\r\nA: 1\r\nSet-Cookie: b=c\r\na: 2\r\nContent-Length: \(answer.count)\r\n\r\n"
            )
            try connection.send(answer)
        }
    }

    @Test func `method, fields and body are sent, and the response is Foundation's`() async throws {
        let server = try ScriptedServer(Self.reflect)
        let session = try SessionHandle()
        var request = URLRequest(url: try URL(HTTPURL(server.url("/a?b=c"))))
        request.httpMethod = "PUT"
        request.setValue("1", forHTTPHeaderField: "X-A")
        request.addValue("2", forHTTPHeaderField: "X-A")
        request.httpBody = Data("body".utf8)
        let response = try await session.send(ClientRequest(request))
        #expect(try await response.body.collectString(upTo: 1000) == "PUT /a?b=c 1,2\nbody")
        let made = try response.head.httpURLResponse()
        #expect(made.statusCode == 200)
        #expect(made.url == request.url)
        #expect(made.value(forHTTPHeaderField: "A") == "1, 2")
        #expect(made.value(forHTTPHeaderField: "Set-Cookie") == "b=c")
    }

    @Test(arguments: [nil, "200000"])
    func `a stream is sent, with and without a length`(length: String?) async throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        let server = try ScriptedServer(Self.reflect)
        let session = try SessionHandle()
        var request = URLRequest(url: try URL(HTTPURL(server.url("/"))))
        request.httpMethod = "POST"
        request.httpBodyStream = InputStream(data: Data(bytes))
        request.setValue(length, forHTTPHeaderField: "Content-Length")
        let converted = try ClientRequest(request)
        #expect(!converted.body.canBeSentAgain)
        let response = try await session.send(converted)
        #expect(try await response.body.collect(upTo: 1 << 20) == Array("POST / none\n".utf8) + bytes)
    }

    @Test func `a stream that cannot be read ends the request`() async throws {
        let server = try ScriptedServer(Self.reflect)
        let session = try SessionHandle()
        var request = URLRequest(url: try URL(HTTPURL(server.url("/"))))
        request.httpMethod = "POST"
        request.httpBodyStream = InputStream(fileAtPath: try Scratch().path("missing"))
        let converted = try ClientRequest(request)
        let error = await #expect(throws: HandleError.self) { try await session.send(converted) }
        #expect(error?.code == .requestBodyFailed)
        #expect(error?.underlying != nil)
    }

    @Test func `the policy of caches is told to those on the way`() throws {
        let expected: [(URLRequest.CachePolicy, String?)] = [
            (.useProtocolCachePolicy, nil), (.reloadIgnoringLocalCacheData, nil), (.returnCacheDataElseLoad, nil),
            (.reloadIgnoringLocalAndRemoteCacheData, "no-cache"), (.reloadRevalidatingCacheData, "max-age=0"),
        ]
        for (policy, value) in expected {
            var request = try Self.request()
            request.cachePolicy = policy
            #expect(try ClientRequest(request).headerFields == (value.map { [.cacheControl: $0] } ?? [:]))
        }
    }

    @Test func `time limits and cookies are options`() throws {
        var request = try Self.request()
        #expect(try ClientRequest(request).options.count == 4)
        request.timeoutInterval = .infinity
        request.httpShouldHandleCookies = false
        #expect(try ClientRequest(request).options.count == 5)
        for interval in [0, -1, -TimeInterval.infinity, .nan] {
            request.timeoutInterval = interval
            let error = #expect(throws: HandleError.self) { try ClientRequest(request) }
            let reason = "the time limit of the URLRequest must be above 0, but is \(interval)"
            #expect(error == .invalidParameter(.openRequest, reason))
        }
    }

    @Test(arguments: [(2.5, Duration.milliseconds(2500)), (60, .seconds(60)), (1e300, .zero), (.infinity, .zero)])
    func `a time limit is that of every phase`(interval: TimeInterval, limit: Duration) async throws {
        var urlRequest = try Self.request()
        urlRequest.timeoutInterval = interval
        let options = try ClientRequest(urlRequest).options
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, "http://example.com/", options: options)
        var limits: [Duration] = []
        for option in [HandleOption<Duration>.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout] {
            limits.append(try await request.option(option))
        }
        #expect(limits == [limit, limit, limit, limit])
        #expect(try await request.option(.totalTimeout) == .zero)
    }

    @Test func `what cannot be carried over is refused`() throws {
        func error(_ change: (inout URLRequest) -> Void) throws -> HandleError? {
            var request = try Self.request()
            change(&request)
            return #expect(throws: HandleError.self) { try ClientRequest(request) }
        }
        #expect(
            try error { $0.cachePolicy = .returnCacheDataDontLoad }
                == HandleError(.notSupported, .openRequest, reason: "the URLRequest: there is no cache to answer from")
        )
        #expect(
            try error { $0.allowsCellularAccess = false }
                == HandleError(
                    .notSupported,
                    .openRequest,
                    reason: "the URLRequest: cellular networks cannot be avoided"
                )
        )
        #expect(try error { $0.httpMethod = "A B" } == .invalidParameter(.openRequest, "\"A B\" is not a valid method"))
        #expect(
            try error { $0.url = nil } == HandleError(.invalidURL, .openRequest, reason: "the URLRequest has no URL")
        )
        #expect(try error { $0.setValue("b", forHTTPHeaderField: "a b") }?.code == .invalidParameter)
        #expect(try error { $0.url = URL(string: "ftp://example.com/") }?.code == .unrecognizedScheme)
    }
}
#endif
