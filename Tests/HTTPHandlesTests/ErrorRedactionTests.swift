import HTTPHandles
import HTTPHandlesTesting
import Testing

/// URLs and header fields in errors and descriptions.
@Suite("Redaction of errors", .timeLimit(.minutes(5)))
struct ErrorRedactionTests {
    @Test(arguments: [
        "http://h:99999/?key=s3cret", "http://h ost/?key=s3cret", "ftp://h/?key=s3cret#s3cret", "h/?key=s3cret",
        "http://h/\n?key=s3cret", "http://user:s3?cret@h/",
    ])
    func `an invalid URL`(_ url: String) async throws {
        let error = await #expect(throws: HandleError.self) { try await SessionHandle().get(url) }
        #expect(error?.description.contains("s3") == false, "\(String(describing: error))")
        #expect(error?.reason.contains("http") == true || !url.hasPrefix("http"))
    }

    @Test(arguments: ["Authorization: Bearer s3cret", "Authorization Bearer s3cret", "Authorization=s3cret"])
    func `an invalid field name`(_ name: String) {
        var fields = HTTPFields()
        let error = #expect(throws: HandleError.self) { try fields.append(name: name, value: "") }
        #expect(error?.reason == "\"Authorization…\" is not a valid field name")
    }

    @Test(arguments: [HTTPField.Name.connection, .te, .expect, .upgrade])
    func `a marked field that is not allowed`(_ name: HTTPField.Name) async throws {
        var field = HTTPField(name: name, value: "s3cret")
        field.indexingStrategy = .disallow
        let fields: HTTPFields = HTTPFields([field])
        let error = await #expect(throws: HandleError.self) {
            try await SessionHandle().get("http://127.0.0.1:1/", headerFields: fields)
        }
        #expect(error?.code == .invalidParameter)
        #expect(error?.reason.contains("(redacted)") == true)
        #expect(error?.reason.contains("s3cret") == false)
    }

    static func redirecting(to location: String) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isFirst = request.head.target.hasPrefix("/first")
                let head = isFirst ? "307 Temporary Redirect\r\nLocation: \(location)" : "200 OK"
                try connection.send("HTTP/1.1 \(head)\r\nContent-Length: 0\r\n\r\n")
            }
        }
    }

    @Test(arguments: ["/second?key=s3cret", "ftp://h/?key=s3cret", "http://u:s3cret@h/"])
    func `an invalid redirect`(_ location: String) async throws {
        let server = try Self.redirecting(to: location)
        let pieces = AsyncStream<[UInt8]> { $0.finish() }
        let error = await #expect(throws: HandleError.self) {
            try await SessionHandle().fetch(.put, server.url("/first"), body: .stream(pieces))
        }
        #expect(error?.description.contains("s3cret") == false, "\(String(describing: error))")
        #expect(error?.code != .connectionError)
    }

    @Test func `the descriptions of heads, hops and proposals have no values`() async throws {
        let server = try Self.redirecting(to: "/second?key=s3cret")
        let session = try SessionHandle()
        let proposals = Record<String>()
        let decider = RedirectDecider { proposal in
            proposals.note("\(proposal) \(String(reflecting: proposal))")
            return .follow
        }
        try await session.setOption(.redirectDecider, to: decider)
        let response = try await session.get(server.url("/first?key=s3cret"))
        let end = server.url("/second?key=(redacted)")
        #expect(proposals.all == ["307: GET \(end) 307: GET \(end)"])
        #expect("\(response.head)" == "HTTP/1.1 200 \(end)")
        #expect(
            response.request.hops.map(\.description) == [
                "GET \(server.url("/first?key=(redacted)")): 307", "GET \(end): 200",
            ]
        )
        #expect(!"\(response) \(response.request.hops)".contains("s3cret"))
        // The properties have the values.
        #expect(response.head.url == server.url("/second?key=s3cret"))
    }
}
