import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Method × status × origin (RFC 9110, section 15.4): the request of the next hop, as received by a server.
@Suite("Redirect matrix", .timeLimit(.minutes(5)))
struct RedirectMatrixTests {
    static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    enum Place: CaseIterable {
        case sameOrigin, otherPort, otherHost, httpToHTTPS, httpsToHTTP
    }

    // MARK: The tables

    /// The method of the next request; `nil` if there is none. The body is kept unless the method changes.
    ///
    ///                300  301  302  303  304  305  306  307  308
    ///     GET, HEAD   -    =    =    =    -    -    -    =    =
    ///     POST        -   GET  GET  GET   -    -    -    =    =
    ///     others      -    =    =   GET   -    -    -    =    =
    static func next(_ method: HTTPRequest.Method, after status: Int) -> HTTPRequest.Method? {
        switch (status, method) {
        case (300, _), (304...306, _): nil
        case (303, .get), (303, .head): method
        case (303, _), (301...302, .post): .get
        default: method
        }
    }

    /// The header fields of the next request, with their number and order.
    enum Reach { case anywhere, origin, body }

    static let fields: [(name: String, values: [String], reach: Reach)] = [
        // libcurl sends it first.
        ("Cookie", ["a=s3cret5"], .origin),
        ("Accept-Language", ["de", "en"], .anywhere),
        ("X-Plain", ["1", "2"], .anywhere),
        ("User-Agent", ["matrix"], .anywhere),
        ("Range", ["bytes=0-"], .anywhere),
        ("Authorization", ["Basic s3cret1", "Basic s3cret2"], .origin),
        ("Proxy-Authorization", ["Basic s3cret3", "Basic s3cret4"], .origin),
        ("Referer", ["http://127.0.0.1/?token=s3cret6"], .origin),
        // Marked as secret by the caller.
        ("X-Key", ["s3cret7", "s3cret8"], .origin),
        ("Content-Type", ["text/x"], .body),
        ("Content-Language", ["de", "en"], .body),
        ("Content-Encoding", ["x"], .body),
        ("Content-Location", ["/x"], .body),
        ("Content-Digest", ["x=:x:"], .body),
        ("Repr-Digest", ["x=:x:"], .body),
        ("Digest", ["x=x"], .body),
        ("Last-Modified", ["Sun, 06 Nov 1994 08:49:37 GMT"], .body),
    ]

    static func expectedFields(_ place: Place, keepsBody: Bool) -> [String] {
        fields.flatMap { name, values, reach in
            switch reach {
            case .origin where place != .sameOrigin, .body where !keepsBody: [String]()
            default: values.map { "\(name): \($0)" }
            }
        }
    }

    // MARK: The servers

    /// Answers `/<status>` with a redirect to `X-Location`; records the requests.
    private final class Mirror: Sendable {
        let requests: Record<ReceivedRequest>
        let server: ScriptedServer

        init() throws {
            let requests = Record<ReceivedRequest>()
            self.requests = requests
            server = try ScriptedServer { connection in
                while let request = try connection.readRequest() {
                    requests.note(request)
                    let status = Int(request.head.target.dropFirst())
                    let start = status.map { "\($0) R\r\nLocation: \(request.head["X-Location"] ?? "")" } ?? "200 OK"
                    try connection.send("HTTP/1.1 \(start)\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }
    }

    private static func message(location: String) throws -> HTTPFields {
        var message: HTTPFields = [try #require(HTTPField.Name("X-Location")): location]
        for (name, values, _) in fields {
            for value in values {
                var field = HTTPField(name: try #require(HTTPField.Name(name)), value: value)
                if name == "X-Key" { field.indexingStrategy = .disallow }
                message.append(field)
            }
        }
        return message
    }

    /// The caller's lines of a head, without those of the library or of nginx.
    private static func callersLines(_ head: ReceivedHead) -> [String] {
        let names = fields.map(\.name)
        return head.lines.dropFirst().filter { line in names.contains { line.hasPrefix("\($0):") } }
    }

    @Test(arguments: [300, 301, 302, 303, 304, 305, 306, 307, 308], Place.allCases)
    func `the request of the next hop`(_ status: Int, _ place: Place) async throws {
        let nginx = try Nginx.shared.get()
        let here = try Mirror()
        let there = place == .sameOrigin ? here : try Mirror()
        let (start, end) =
            switch place {
            case .sameOrigin, .otherPort: (here.server.url("/\(status)"), there.server.url("/end"))
            case .otherHost: (here.server.url("/\(status)"), "http://other.example:\(there.server.port)/end")
            case .httpToHTTPS: (here.server.url("/\(status)"), nginx.https1("/face/\(there.server.port)/end"))
            case .httpsToHTTP: (nginx.https1("/face/\(here.server.port)/\(status)"), there.server.url("/end"))
            }
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.redirectPolicy, to: .always),
            .set(
                .resolveOverrides,
                to: [ResolveOverride(host: "other.example", port: there.server.port, address: "127.0.0.1")]
            ),
        ])
        for method in Self.methods {
            let hasBody = [.post, .put, .patch].contains(method)
            let cell: Comment = "\(method) \(status) \(place)"
            var message = try Self.message(location: end)
            // nginx accepts only one.
            if place == .httpsToHTTP { message[.authorization] = "Basic s3cret1" }
            let request = try await session.openRequest(method, start, headerFields: message)
            let recorder = EventRecorder(of: request)
            let before = (here: here.requests.all.count, there: there.requests.all.count)
            try await request.send(hasBody ? .string("body") : .none)
            let head = try await request.receiveResponse()
            try request.close()
            let redirects = try await recorder.finish().compactMap { event -> String? in
                if case .redirect(let url) = event.kind { url } else { nil }
            }
            guard let next = Self.next(method, after: status) else {
                #expect(head.status.code == status, cell)
                #expect(redirects == [], cell)
                #expect(here.requests.all.count == before.here + 1, cell)
                if place != .sameOrigin { #expect(there.requests.all.isEmpty, cell) }
                continue
            }
            #expect(head.status == .ok && head.url == end, cell)
            #expect(redirects == [end], cell)
            let sent = try #require(there.requests.all.last, cell)
            #expect(there.requests.all.count == before.there + (place == .sameOrigin ? 2 : 1), cell)
            #expect(sent.head.requestLine == "\(next) /end HTTP/1.1", cell)
            #expect(String(decoding: sent.body, as: UTF8.self) == (hasBody && next == method ? "body" : ""), cell)
            #expect(Self.callersLines(sent.head) == Self.expectedFields(place, keepsBody: next == method), cell)
            let text = String(decoding: sent.head.bytes, as: UTF8.self)
            #expect(place == .sameOrigin || !text.contains("s3cret"), cell)
            #expect(hasBody && next == method || sent.head["content-length"] ?? "0" == "0", cell)
        }
    }
}
