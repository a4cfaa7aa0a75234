import Foundation
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// The HAR files of the tool.
@Suite("HAR files", .timeLimit(.minutes(5)))
struct ArchiveTests {
    /// The members that HAR 1.2 requires.
    struct File: Decodable {
        struct Log: Decodable {
            let version: String
            let creator: Creator
            let entries: [Entry]
        }
        struct Creator: Decodable { let name, version: String }
        struct Pair: Decodable, Hashable { let name, value: String }
        struct Empty: Decodable {}
        struct Entry: Decodable {
            let startedDateTime: String
            let time: Double
            let request: Request
            let response: Response
            let cache: Empty
            let timings: Timings
            let serverIPAddress, connection: String?
        }
        struct Request: Decodable {
            let method, url, httpVersion: String
            let cookies, headers, queryString: [Pair]
            let headersSize, bodySize: Int
        }
        struct Response: Decodable {
            let status: Int
            let statusText, httpVersion, redirectURL: String
            let cookies, headers: [Pair]
            let content: Content
            let headersSize, bodySize: Int
            let comment: String?
        }
        struct Content: Decodable {
            let size: Int
            let mimeType: String
            let text, encoding, comment: String?
        }
        struct Timings: Decodable { let blocked, dns, connect, ssl, send, wait, receive: Double }
        let log: Log
    }

    /// Runs the tool and reads its HAR file.
    func archive(_ url: String, _ options: [String] = [], status: Int32 = 0) async throws -> (File.Log, text: String) {
        let scratch = try Scratch()
        let arguments = ["get", url, "-o", scratch.path("body"), "--har", scratch.path("har")] + options
        let run = try await TestProgram.run(arguments, of: "http-handles")
        #expect(run.status == status, "\(run.output)")
        let bytes = try #require(scratch.contents("har"))
        #expect(HARRules.violations(in: bytes) == [])
        #expect(try scratch.mode("har") == 0o600)
        return (try JSONDecoder().decode(File.self, from: Data(bytes)).log, String(decoding: bytes, as: UTF8.self))
    }

    static func server() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                switch request.head.target {
                case "/first?a=b&c":
                    try connection.send(
                        "HTTP/1.1 302 Found\r\nLocation: /second\r\nSet-Cookie: id=s3cret; Path=/\r\nContent-Length: 0\r\n\r\n"
                    )
                case "/second":
                    try connection.send(
                        "HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX-A: one\r\n\r\nhello"
                    )
                case "/bytes":
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
                    try connection.send([0, 0xFF, 0xFE, 0x80])
                case "/long":
                    let body = [UInt8](repeating: 0x61, count: (1 << 20) + 1)
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                    try connection.send(body)
                default: try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
                }
                if request.head.target == "/broken" { return }
            }
        }
    }

    private static let secrets = [
        "-H", "X-Api-Key: s3cret", "-H", "X-Acme-Token: s3cret", "-H", "Referer: http://h/?a=s3cret", "-H",
        "Authorization: Bearer s3cret", "-H", "Cookie: a=s3cret; b=s3cret", "-H", "Proxy-Authorization: s3cret",
    ]

    @Test func `each redirect is an entry, with all that the format requires`() async throws {
        let server = try Self.server()
        let (log, text) = try await archive(server.url("/first?a=b&c"), Self.secrets + ["-d", "text"])
        #expect(log.version == "1.2")
        #expect(log.creator.name == "http-handles")
        try #require(log.entries.count == 2)
        let (first, second) = (log.entries[0], log.entries[1])
        #expect(first.request.method == "POST")
        #expect(first.request.url == server.url("/first?a=(redacted)&(redacted)"))
        #expect(first.request.httpVersion == "HTTP/1.1")
        #expect(
            first.request.queryString == [
                File.Pair(name: "a", value: "(redacted)"), File.Pair(name: "(redacted)", value: ""),
            ]
        )
        #expect(first.request.cookies.map(\.name) == ["a", "b"])
        #expect(first.response.status == 302)
        #expect(first.response.redirectURL == "/second")
        #expect(first.response.cookies.map(\.name) == ["id"])
        #expect(second.request.method == "GET")
        #expect(second.request.url == server.url("/second"))
        #expect(second.response.status == 200)
        #expect(second.response.statusText == "Fine")
        #expect(second.response.headers.contains(File.Pair(name: "X-A", value: "one")))
        #expect(second.response.content.size == 5)
        #expect(second.response.bodySize == 5)
        #expect(second.response.content.mimeType == "text/plain")
        for entry in log.entries {
            let formatter = ISO8601DateFormatter()
            formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
            #expect(formatter.date(from: entry.startedDateTime) != nil)
            #expect(entry.time >= entry.timings.wait && entry.timings.wait >= 0 && entry.timings.send >= 0)
            #expect(entry.timings.receive >= 0 && entry.timings.blocked >= 0)
            #expect(entry.serverIPAddress == "127.0.0.1")
        }
        #expect(first.timings.connect >= 0 && first.timings.ssl == -1 && first.timings.dns == -1)
        #expect(second.timings.connect == -1)
        #expect(first.connection != nil && first.connection == second.connection)
        #expect(!text.contains("s3cret"))
    }

    @Test func `several URLs are in one file, in the order in which they began`() async throws {
        let server = try Self.server()
        let urls = ["/bytes", "/first?a=b&c", "/second"].map { server.url($0) }
        let (log, _) = try await archive(server.url("/second"), urls)
        #expect(log.entries.map(\.response.status) == [200, 200, 302, 200, 200])
        #expect(Set(log.entries.map(\.connection)).count == 1)
        #expect(log.entries.map(\.timings.connect).filter { $0 >= 0 }.count == 1)
        let (parallel, _) = try await archive(server.url("/second"), urls + ["-Z"])
        #expect(parallel.entries.map(\.response.status).sorted() == [200, 200, 200, 200, 302])
    }

    @Test func `a retry is part of its entry`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                let status = heads.all.count == 1 ? "503 Service Unavailable" : "200 OK"
                try connection.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let (log, text) = try await archive(server.url(), ["--retry", "1", "--retry-delay", "0.001"])
        #expect(log.entries.map(\.response.status) == [200])
        #expect(text.contains("\"blocked includes an attempt before\""))
    }

    @Test func `secrets are included on request`() async throws {
        let server = try Self.server()
        let (log, _) = try await archive(server.url("/first?a=b&c"), Self.secrets + ["--har-with-secrets"])
        try #require(log.entries.count == 2)
        #expect(log.entries[0].request.cookies.map(\.value) == ["s3cret", "s3cret"])
        #expect(log.entries[0].response.cookies.map(\.value) == ["s3cret"])
        #expect(log.entries[0].request.url == server.url("/first?a=b&c"))
        #expect(log.entries[1].response.content.text == "hello")
        #expect(log.entries[0].request.headers.contains(File.Pair(name: "Authorization", value: "Bearer s3cret")))
    }

    @Test func `query values and bodies are omitted by default`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isFirst = request.head.target.hasPrefix("/first")
                let target =
                    request.head.target.hasSuffix("2") ? "ftp://h/?key=s3cret#s3cret" : "/end?key=s3cret#s3cret"
                let head = isFirst ? "302 Found\r\nLocation: \(target)" : "200 OK"
                try connection.send("HTTP/1.1 \(head)\r\nContent-Length: 6\r\n\r\ns3cret")
            }
        }
        let (redirected, first) = try await archive(server.url("/first?key=s3cret"), ["-d", "key=s3cret"])
        #expect(!first.contains("s3cret"))
        #expect(redirected.entries.map(\.response.redirectURL) == ["/end?key=(redacted)#(redacted)", ""])
        let (failed, text) = try await archive(server.url("/first?key=2"), status: 1)
        #expect(!text.contains("s3cret"))
        #expect(failed.entries[0].response.comment?.contains("ftp://h/?key=(redacted)") == true)
        let (log, other) = try await archive(server.url("/second?s3cret"))
        #expect(!other.contains("s3cret"))
        #expect(log.entries[0].response.content.size == 6)
        #expect(log.entries[0].response.content.comment == "omitted without --har-with-secrets")
    }

    /// With fixed seeds, so that a failure is reproducible.
    @Test(arguments: 1...6)
    func `the file is valid for any bytes from the server`(seed: UInt64) async throws {
        let generator = Lock(SeededGenerator(seed: seed))
        // All except line ends and the byte that libcurl refuses.
        let bytes = (1...255).filter { $0 != 0x0A && $0 != 0x0D }.map(UInt8.init)
        @Sendable func noise(_ count: Int) -> [UInt8] {
            generator.withLock { generator in (0..<count).map { _ in generator.one(of: bytes) } }
        }
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let number = Int(request.head.target.dropFirst()) ?? 0
                let body = noise(number * 7)
                try connection.send(
                    Array("HTTP/1.1 \(number < 9 ? 302 : 200) ".utf8) + noise(5)
                        + Array("\r\nLocation: /\(number + 1)\r\nContent-Length: \(body.count)\r\nX-Noise: ".utf8)
                        + noise(40) + Array("\r\nSet-Cookie: ".utf8) + noise(20)
                        + Array("\r\nContent-Type: ".utf8) + noise(20) + Array("\r\n\r\n".utf8) + body
                )
            }
        }
        let (log, _) = try await archive(server.url("/0"))
        #expect(log.entries.map(\.request.url) == (0...9).map { server.url("/\($0)") })
        #expect(log.entries.map(\.response.status) == Array(repeating: 302, count: 9) + [200])
        #expect(log.entries.last?.response.content.size == 63)
    }

    @Test func `a truncated response is recorded with its error`() async throws {
        let server = try Self.server()
        let (log, _) = try await archive(server.url("/broken"), status: 18)
        try #require(log.entries.count == 1)
        #expect(log.entries[0].response.status == 200)
        #expect(log.entries[0].response.content.size == 5)
        #expect(log.entries[0].response.comment?.hasPrefix("connectionError (12030)") == true)
    }

    @Test(
        arguments: [
            ("/second", "hello", nil, nil), ("/bytes", "AP/+gA==", "base64", nil),
            ("/long", nil, nil, "longer than 1048576 bytes"),
        ] as [(String, String?, String?, String?)]
    )
    func `the body is included up to a size`(_ target: String, _ text: String?, _ encoding: String?, _ comment: String?)
        async throws
    {
        let server = try Self.server()
        let (log, _) = try await archive(server.url(target), ["--har-with-secrets"])
        let content = try #require(log.entries.first).response.content
        #expect(content.text == text && content.encoding == encoding && content.comment == comment)
        #expect(content.size == ["/second": 5, "/bytes": 4][target] ?? (1 << 20) + 1)
    }

    @Test func `a failed connection is recorded`() async throws {
        let port = try freePorts(1)[0]
        let (log, _) = try await archive("http://127.0.0.1:\(port)/", status: 7)
        try #require(log.entries.count == 1)
        #expect(log.entries[0].response.status == 0)
        #expect(log.entries[0].response.comment?.hasPrefix("cannotConnect") == true)
    }

    @Test func `hops returns the exchanges of a redirected request`() async throws {
        let server = try Self.server()
        let session = try SessionHandle()
        let response = try await session.get(server.url("/first?a=b&c"))
        let hops = response.request.hops
        #expect(hops.map(\.head.status.code) == [302, 200])
        #expect(hops.map(\.url) == [server.url("/first?a=b&c"), server.url("/second")])
        #expect(hops.map(\.head.url) == hops.map(\.url))
        let another = try await session.get(server.url("/second"))
        #expect(another.request.hops.isEmpty)
    }
}
