import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Recording and replaying", .timeLimit(.minutes(5)))
struct ArchiveReplayTests {
    /// A server with a page, a binary body, trailer fields, and a response that breaks off.
    private static func server() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let path = request.head.target
                if path == "/old" {
                    try connection.send("HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\n\r\n")
                } else if path.hasPrefix("/binary") {
                    try connection.send("HTTP/1.1 201 Made\r\nContent-Type: x/y\r\nContent-Length: 3\r\n\r\n")
                    try connection.send([0xFF, 0x00, UInt8(request.body.first ?? 0)])
                } else if path.hasPrefix("/trailers") {
                    try connection.send(
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nDate: x\r\n\r\n"
                    )
                } else if path.hasPrefix("/broken") {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                    return
                } else {
                    try connection.send("HTTP/1.1 200 OK\r\nSet-Cookie: a=secret\r\nContent-Length: 4\r\n\r\npage")
                }
            }
        }
    }

    /// What a program sees.
    private static func observe(_ client: some ExchangeClient, _ server: String) async throws -> [String] {
        var seen: [String] = []
        let binary = RequestBody.stream(
            AsyncStream<[UInt8]> { stream in
                stream.yield([0xFE])
                stream.finish()
            }
        )
        for (method, path, body) in [
            (HTTPRequest.Method.get, "/page?key=secret", RequestBody.none), (.post, "/binary", binary),
            (.get, "/trailers", .none),
            (.get, "/broken", .none), (.get, "/old", .none), (.get, "/page?key=secret", .none),
        ] {
            let response = try await client.fetch(
                method,
                server + path,
                headerFields: [.authorization: "secret"],
                body: body
            )
            do throws(HandleError) {
                let bytes = try await response.body.collect(upTo: 100)
                let fields = response.headerFields.filter { $0.name != .setCookie }.map { "\($0.name): \($0.value)" }
                seen.append("\(response.head.url) \(response.status) \(fields) \(bytes) \(response.trailers)")
            } catch {
                seen.append("\(error.code)")
            }
        }
        return seen
    }

    private static func withoutTimes(_ archive: HTTPArchive) -> HTTPArchive {
        HTTPArchive(
            archive.exchanges.map { exchange in
                var exchange = exchange
                exchange.startedAt = HTTPDate(secondsSince1970: 0)
                exchange.duration = .zero
                return exchange
            }
        )
    }

    @Test(arguments: [true, false])
    func `what was recorded is replayed, also after a round through a file`(withSecrets: Bool) async throws {
        let server = try Self.server()
        let recorder = ExchangeRecorder(withSecrets: withSecrets)
        let url = "http://127.0.0.1:\(server.port)"
        let seen = try await Self.observe(try SessionHandle().behind([recorder]), url)
        #expect(seen.last == seen.first)
        #expect(seen[3] == "connectionError")
        let archive = recorder.archive
        let text = String(decoding: archive.har, as: UTF8.self)
        #expect(text.contains("secret") == withSecrets)
        let read = try HTTPArchive(har: archive.har)
        #expect(read == Self.withoutTimes(archive))
        #expect(read.exchanges.map(\.method) == [.get, .post, .get, .get, .get, .get])
        #expect(read.exchanges.map(\.responseURL) == [nil, nil, nil, nil, url + "/page", nil])
        #expect(read.exchanges[1].requestBody == [0xFE])
        let client = ReplayingClient(read, matchesBodies: true)
        #expect(try await Self.observe(client, url) == seen)
        #expect(client.unused == [])
        let error = await #expect(throws: HandleError.self) { try await client.get(url + "/page?key=secret") }
        #expect(error?.code == .cannotConnect)
        #expect(error?.reason == "the archive has no exchange for GET \(url)/page?key=(redacted)")
        // A failure before the head.
        let failing = ExchangeRecorder()
        let lost = HandleError(.timeout, .receiveResponse, reason: "late")
        _ = try? await ScriptedClient([.failure(lost)]).behind([failing]).get(url)
        let again = await #expect(throws: HandleError.self) {
            try await ReplayingClient(try HTTPArchive(har: failing.archive.har)).get(url)
        }
        #expect(again == lost)
    }

    @Test func `relative URLs are recorded as they were resolved`() async throws {
        let server = try Self.server()
        let url = "http://127.0.0.1:\(server.port)"
        let recorder = ExchangeRecorder()
        let session = try SessionHandle(options: [.set(.baseURL, to: try HTTPURL(url + "/"))])
        let client = session.behind([recorder])
        for path in ["page", "old"] { _ = try await client.get(path).body.collect(upTo: 4) }
        #expect(recorder.archive.exchanges.map(\.url) == [url + "/page", url + "/old"])
        #expect(recorder.archive.exchanges.map(\.responseURL) == [nil, url + "/page"])
        let replaying = ReplayingClient(recorder.archive, baseURL: try HTTPURL(url + "/"))
        #expect(try await replaying.get("old").head.url == url + "/page")
    }

    @Test func `bodies can be left out, and a body that was not read is not whole`() async throws {
        let recorder = ExchangeRecorder(withBodies: false)
        let scripted = ScriptedClient([.response(body: "secret"), .response(pieces: [.text("a"), .text("b")])])
        let client = scripted.behind([recorder])
        _ = try await client.get("http://a.example/").body.collect(upTo: 10)
        let start = try await client.perform(try ClientRequest(.get, "http://a.example/half")) { response in
            try await response.body.read(upTo: 1)
        }
        #expect(start == Array("a".utf8))
        let archive = try HTTPArchive(har: recorder.archive.har)
        #expect(archive.exchanges.map(\.responseBody) == [nil, nil])
        let replaying = ReplayingClient(archive)
        let response = try await replaying.get("http://a.example/")
        let error = await #expect(throws: HandleError.self) { try await response.body.collect(upTo: 10) }
        #expect(error == HandleError(.notSupported, .readData, reason: "the archive does not have the body"))
    }

    /// Foundation's reader finds the same in it.
    @Test func `the archive is JSON, with the members of HAR`() throws {
        struct File: Decodable {
            let log: Log
            struct Log: Decodable {
                let version: String
                let entries: [Entry]
            }
            struct Entry: Decodable {
                let startedDateTime: String
                let request: Request
                let response: Response
            }
            struct Request: Decodable {
                let method, url, httpVersion: String
                let headers, queryString: [Field]
                let headersSize, bodySize: Int
            }
            struct Response: Decodable {
                let status: Int
                let statusText, redirectURL: String
                let content: Content
            }
            struct Field: Decodable, Equatable { let name, value: String }
            struct Content: Decodable {
                let size: Int
                let mimeType: String
                let text: String?
            }
        }
        let odd = "\"\\\u{1}\n\t/é😀\u{7F}"
        let exchange = ArchivedExchange(
            .get,
            "http://a.example/?q=1&r",
            requestFields: [.accept: "a/b"],
            status: .notFound,
            responseFields: [.contentType: "text/plain", .location: "/x"],
            responseBody: Array(odd.utf8),
            startedAt: HTTPDate(secondsSince1970: 784_111_777),
            duration: .milliseconds(1500)
        )
        let har = HTTPArchive([exchange]).har
        let file = try JSONDecoder().decode(File.self, from: Data(har))
        let entry = try #require(file.log.entries.first)
        #expect(file.log.version == "1.2")
        #expect(entry.startedDateTime == "1994-11-06T08:49:37Z")
        #expect(entry.request.queryString == [.init(name: "q", value: "1"), .init(name: "r", value: "")])
        #expect(entry.request.headers == [.init(name: "Accept", value: "a/b")])
        #expect(entry.response.status == 404)
        #expect(entry.response.redirectURL == "/x")
        #expect(entry.response.content.text == odd)
        #expect(entry.response.content.size == odd.utf8.count)
        // And the other way round.
        let encoder = JSONEncoder()
        let texts = ["", odd, "\u{0}\u{FFFF}", String(repeating: "a\\", count: 100)]
        for text in texts {
            let entry = try #require(String(data: try encoder.encode(text), encoding: .utf8))
            let whole =
                #"{"log":{"entries":[{"request":{"method":"GET","url":"http://a/","headers":[]},"#
                + #""response":{"status":200,"headers":[],"content":{"text":\#(entry)}}}]}}"#
            #expect(try HTTPArchive(har: Array(whole.utf8)).exchanges.first?.responseBody == Array(text.utf8))
        }
    }

    /// As a browser writes it: pseudo-header fields, an entry of a WebSocket, a text as error, form parameters.
    @Test func `an archive of a browser`() throws {
        let har = #"""
            {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [], "entries": [
              {"_initiator": {"type": "other"}, "request": {"method": "GET", "url": "wss://a.example/feed", "headers": []},
               "response": {"status": 101, "statusText": "Switching Protocols", "headers": [], "content": {"size": 0}}},
              {"request": {"method": "POST", "url": "https://a.example/x#part", "httpVersion": "h2",
                "headers": [{"name": ":authority", "value": "a.example"}, {"name": "accept", "value": "*/*"}],
                "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "1"}]}},
               "response": {"status": 200, "statusText": "", "headers": [], "cookies": [],
                "content": {"size": 2, "mimeType": "image/png", "text": "/w==", "encoding": "base64"}}},
              {"request": {"method": "GET", "url": "https://a.example/gone", "headers": []},
               "response": {"status": 0, "statusText": "", "headers": [], "content": {"size": 0},
                "_error": "net::ERR_ABORTED"}}
            ]}}
            """#
        let archive = try HTTPArchive(har: Array(har.utf8))
        #expect(archive.exchanges.map(\.url) == ["https://a.example/x", "https://a.example/gone"])
        #expect(archive.exchanges.map(\.requestFields) == [[.accept: "*/*"], [:]])
        #expect(archive.exchanges.map(\.responseBody) == [[0xFF], []])
        #expect(archive.exchanges.map(\.failure?.code) == [nil, .connectionError])
    }

    // MARK: Tampered archives

    struct Tampered: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let problem: String

        init(_ bytes: [UInt8], _ problem: String) {
            self.bytes = bytes
            self.problem = problem
        }

        init(_ text: String, _ problem: String) {
            self.init(Array(text.utf8), problem)
        }

        init(request: String = Self.request, response: String = Self.response, _ problem: String) {
            self.init(
                #"{"log":{"entries":[{"request":{\#(request)},"response":{\#(response)}}]}}"#,
                "log.entries[0].\(problem)"
            )
        }

        init(entry: String) {
            self.init(#"{"log":{"entries":[\#(entry)]}}"#, "log.entries[0]: Expected")
        }

        var testDescription: String { problem }

        private static let request = #""method":"GET","url":"http://a/","headers":[]"#
        private static let response = #""status":200,"headers":[],"content":{}"#

        static let texts: [Tampered] = [
            Tampered("", notJSON), Tampered("{", notJSON), Tampered("{} x", notJSON),
            Tampered(String(repeating: "[", count: 100_000), notJSON),
            Tampered(String(repeating: #"{"log":"#, count: 100_000), notJSON),
            Tampered(#"{"\x":1}"#, notJSON), Tampered("[]", "Expected"), Tampered([0x22, 0xFF, 0x22], "Expected"),
            Tampered("{}", "log: it is missing"), Tampered(#"{"log":{}}"#, "log.entries: it is missing"),
            Tampered(entry: "1"), Tampered(entry: "01"), Tampered(entry: "-"), Tampered(entry: #""\ud800""#),
        ]

        private static let notJSON = "The given data was not valid JSON"

        static let requests: [Tampered] = [
            Tampered(request: #""url":"http://a/""#, "request.method: it is missing"),
            Tampered(
                request: #""method":"a b","url":"http://a/","headers":[]"#,
                "request.method: it is not a method"
            ),
            Tampered(request: #""method":"GET","url":1,"headers":[]"#, "request.url: Expected"),
            Tampered(request: #""method":"GET","url":"http://a b/","headers":[]"#, "request.url: "),
            Tampered(
                request: #""method":"GET","url":"http://a/","headers":[{"name":"a b","value":""}]"#,
                "request.headers[0].name: it is not a field name"
            ),
            Tampered(
                request: #""method":"GET","url":"http://a/","headers":[{"name":"a","value":"b\r\nc: d"}]"#,
                "request.headers[0].value: it is not the value of a field"
            ),
        ]

        static let responses: [Tampered] = [
            Tampered(response: #""status":99.5,"headers":[]"#, "response.status: it is not a status"),
            Tampered(response: #""status":1e30,"headers":[]"#, "response.status: it is not a status"),
            Tampered(
                response: #""status":200,"statusText":"a\nb","headers":[],"content":{}"#,
                "response.statusText: it has a control character"
            ),
            Tampered(
                response: #""status":200,"headers":[],"content":{"text":"a","encoding":"base64"}"#,
                "response.content.text: it is not base64"
            ),
            Tampered(
                response: #""status":200,"headers":[],"content":{"text":"","encoding":"rot13"}"#,
                "response.content.encoding: it is not base64"
            ),
            Tampered(response: #""status":200,"headers":[],"content":{},"_url":"x""#, "response._url: "),
        ]
    }

    @Test(arguments: Tampered.texts + Tampered.requests + Tampered.responses)
    func `a tampered archive is an error that says where`(tampered: Tampered) {
        let error = #expect(throws: HTTPArchiveError.self) { _ = try HTTPArchive(har: tampered.bytes) }
        #expect(error?.description.hasPrefix(tampered.problem) == true, "\(error?.description ?? "")")
    }

    /// Every truncation, and every byte replaced by two of some others: an archive or an error.
    @Test func `no change of a file is a crash`() throws {
        let exchange = ArchivedExchange(
            .post,
            "http://a/",
            requestFields: [.accept: "*/*"],
            requestBody: [0xFF],
            responseBody: [0xFE],
            trailers: [.date: "x"],
            failure: .init(code: .timeout, reason: "é")
        )
        let whole = HTTPArchive([exchange]).har
        #expect(try HTTPArchive(har: whole).exchanges.count == 1)
        var results = (read: 0, refused: 0)
        func read(_ bytes: [UInt8]) {
            if (try? HTTPArchive(har: bytes)) != nil { results.read += 1 } else { results.refused += 1 }
        }
        for end in whole.indices where end % 4 == 0 { read(Array(whole[..<end])) }
        let bytes = Array("\"\\{}[]:,0e-u=\u{1}".utf8) + [0xFF]
        for index in whole.indices where whole[index] != UInt8(ascii: " ") && index % 4 == 0 {
            for byte in [bytes[index % bytes.count], bytes[index / 3 % bytes.count]] {
                var changed = whole
                changed[index] = byte
                read(changed)
            }
        }
        #expect(results.read > 0)
        #expect(results.refused > 100)
    }
}
