import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Only scheme and authority determine the server; secrets for one server are not sent to another.
@Suite("Origins", .timeLimit(.minutes(5)))
struct OriginTests {
    /// Several servers, with the requests that each has received.
    private final class Servers: Sendable {
        struct Arrival: Sendable {
            let server: Int
            let head: ReceivedHead
        }

        let arrivals = Record<Arrival>()
        let all: [ScriptedServer]

        init(_ addresses: [String]) throws {
            let arrivals = arrivals
            all = try addresses.enumerated().map { index, address in
                try ScriptedServer(address: address) { connection in
                    while let request = try connection.readRequest() {
                        arrivals.note(Arrival(server: index, head: request.head))
                        // To the given location, but only once.
                        let location = request.head["X-Location"].map { "Location: \($0)\r\n" } ?? ""
                        let isHop = !location.isEmpty && !request.head.target.utf8.starts(with: "/end".utf8)
                        let start = isHop ? "307 R\r\n\(location)" : "200 OK\r\n"
                        try connection.send("HTTP/1.1 \(start)Content-Length: 0\r\n\r\n")
                    }
                }
            }
        }

        func authority(_ index: Int) -> String { "\(all[index].address):\(all[index].port)" }
    }

    // MARK: Tables

    @Test(arguments: [
        ":PORT/x", ":PORT", ".evil.com/", "@127.0.0.2/", "x", "?q", "#f", "", "\\x", "*x", "**", "%2F/127.0.0.2",
        "\u{301}/x", "http://127.0.0.1:PORT/",
    ])
    func `an invalid path is refused`(_ path: String) async throws {
        let servers = try Servers(["127.0.0.1", "127.0.0.2"])
        let session = try SessionHandle(options: [.set(.credentials, to: .basic(user: "u", password: "s3cret"))])
        let recorder = EventRecorder(of: session, scope: .tree)
        for authority in ["127.0.0.1", servers.authority(1)] {
            let request = HTTPRequest(
                method: .get,
                scheme: "http",
                authority: authority,
                path: path.replacing("PORT", with: "\(servers.all[0].port)")
            )
            let error = HandleError(
                .invalidURL,
                .openRequest,
                reason: "the path of the request must begin with \"/\""
            )
            await #expect(throws: error) { try await session.fetch(request) }
        }
        try session.close()
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
        #expect(servers.arrivals.all.isEmpty)
    }

    @Test(arguments: [
        "AUTHORITY@OTHER", "OTHER@AUTHORITY", "u:p@AUTHORITY", "AUTHORITY/", "AUTHORITY/x", "AUTHORITY?q",
        "AUTHORITY#f",
        "AUTHORITY\\", "OTHER\\@AUTHORITY", "AUTHORITY x", "AUTHORITY\tx", "AUTHORITY\r\nX: y",
        "127.0.0.1\u{0}:80", "127.0.0.1\u{7F}:80", "//AUTHORITY", "AUTHORITY:", "AUTHORITY:1", "127.0.0.1:99999",
        "127.0.0.1:0",
        "127.0.0.1:-1", "127.0.0.1:+80", "127.0.0.1: 80", "127.0.0.1:0x50", ":80", "", "%", "127.0.0.1%2F",
        "127.0.0.1:80\u{301}",
        "[127.0.0.1]", "[::1", "::1", "[::1]:x", "%40AUTHORITY", "h%00", "127.0.0.1%3A80",
    ])
    func `an invalid authority is refused`(_ authority: String) async throws {
        let servers = try Servers(["127.0.0.1", "127.0.0.2"])
        let session = try SessionHandle()
        let text = authority.replacing("AUTHORITY", with: servers.authority(0))
            .replacing("OTHER", with: servers.authority(1))
        let request = HTTPRequest(method: .get, scheme: "http", authority: text, path: "/")
        let error = await #expect(throws: HandleError.self) { try await session.fetch(request) }
        #expect(error?.code == .invalidURL || error?.code == .notSupported, "\(String(describing: error))")
        #expect(error?.operation == .openRequest)
        #expect(servers.arrivals.all.isEmpty)
    }

    @Test(arguments: [
        "ftp", "file", "http:", "http://127.0.0.1", "ht tp", "htt\u{0}ps", "ht\u{301}tp", "http\u{301}", "h", "HTTPX",
        "\u{FF48}ttp", "http%3A",
    ])
    func `an invalid scheme is refused`(_ scheme: String) async throws {
        let servers = try Servers(["127.0.0.1"])
        let session = try SessionHandle()
        let request = HTTPRequest(method: .get, scheme: scheme, authority: servers.authority(0), path: "/")
        let error = await #expect(throws: HandleError.self) { try await session.fetch(request) }
        #expect(error?.code == .unrecognizedScheme, "\(String(describing: error))")
        #expect(servers.arrivals.all.isEmpty)
    }

    @Test func `the case of a scheme is ignored`() async throws {
        let servers = try Servers(["127.0.0.1"])
        let request = HTTPRequest(method: .get, scheme: "HtTp", authority: servers.authority(0), path: "/")
        let head = try await SessionHandle().fetch(request).head
        #expect(head.url == servers.all[0].url())
    }

    // MARK: Generated requests

    /// Parts of authorities, paths and references that some parsers interpret as another server.
    private struct Generator {
        var random: SeededGenerator
        let servers: Servers

        mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: elements.indices, using: &random)]
        }

        mutating func server() -> Int { Int.random(in: servers.all.indices, using: &random) }

        mutating func noise(_ length: Int) -> String {
            (0..<Int.random(in: 0...length, using: &random)).map { _ in
                let other = servers.authority(server())
                return pick([
                    "/", "//", "/..", "/.", "/%2e%2e", ":", "@", "?", "#", "\\", ".", "..", "a", "b c", "\u{301}",
                    "\u{E9}",
                    "%2f", "%40", "%00", "&", "=", ";", "*", "[", "]", "|", "^", "\"", "<", "+", "~", "'", "http:",
                    "http://",
                    other, "@\(other)", "//\(other)/", "\\\\\(other)", ":\(servers.all[0].port)", "\u{FF0F}",
                    "\u{2100}",
                ])
            }.joined()
        }
    }

    @Test(arguments: 0..<20)
    func `requests are sent to the given server`(_ seed: UInt64) async throws {
        let servers = try Servers(["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.3"])
        var generator = Generator(random: SeededGenerator(seed: seed), servers: servers)
        let name = try #require(HTTPField.Name("X-Location"))
        let key = try #require(HTTPField.Name("X-Key"))
        let host = try #require(HTTPField.Name("Host"))
        // A name of one of the servers, which is a different origin than its address.
        let named = generator.server()
        let port = servers.all[named].port
        let overrides = [ResolveOverride(host: "named.example", port: port, address: servers.all[named].address)]
        for round in 0..<40 {
            let session = try SessionHandle(options: [.set(.resolveOverrides, to: overrides)])
            let isNamed = Bool.random(using: &generator.random)
            let first = isNamed ? named : generator.server()
            let authority = isNamed ? "nAmEd.example:\(port)" : servers.authority(first)
            // Half of them have a known target, in one of several forms; the others a random one.
            let target: (server: Int, isSameOrigin: Bool)?
            let location: String
            switch Int.random(in: 0..<4, using: &generator.random) {
            case 0:
                let second = generator.server()
                target = (second, !isNamed && second == first)
                location = generator.pick(["http:", ""]) + "//\(servers.authority(second))/end?" + generator.noise(3)
            case 1:
                target = (named, isNamed)
                location = "http://NAMED.example:\(port)/end?" + generator.noise(3)
            case 2:
                target = (first, true)
                location = "/end?" + generator.noise(4)
            default:
                target = nil
                location = generator.noise(4)
            }
            var fields: HTTPFields = [name: location, .cookie: "a=s3cret"]
            if Bool.random(using: &generator.random) {
                try await session.setOption(.credentials, to: .basic(user: "u", password: "p"))
            } else {
                fields[.authorization] = "Bearer s3cret"
            }
            var secret = HTTPField(name: key, value: "s3cret")
            secret.indexingStrategy = .disallow
            fields.append(secret)
            if Bool.random(using: &generator.random) { fields[host] = servers.authority(generator.server()) }
            let path = "/" + generator.noise(5)

            let before = servers.arrivals.all.count
            let way = generator.pick(["get", "fetch", "openRequest"])
            let comment: Comment = "seed \(seed) round \(round): \(way) \(authority) \(path) -> \(location)"
            var outcome: HandleError?
            do throws(HandleError) {
                switch way {
                case "get": _ = try await session.get("http://\(authority)\(path)", headerFields: fields)
                case "fetch":
                    let message = HTTPRequest(
                        method: .get,
                        scheme: "http",
                        authority: authority,
                        path: path,
                        headerFields: fields
                    )
                    _ = try await session.fetch(message)
                default:
                    let host = isNamed ? "Named.Example" : servers.all[first].address
                    let connection = try await session.connect(to: host, port: servers.all[first].port)
                    let request = try await connection.openRequest(.get, path, headerFields: fields)
                    try await request.send()
                    _ = try await request.receiveResponse()
                }
            } catch {
                outcome = error
            }
            let arrivals = servers.arrivals.all[before...]
            // The first request is always sent: a path that begins with a slash is always valid.
            let start = try #require(arrivals.first, comment)
            #expect(start.server == first, comment)
            #expect(Self.secrets(start.head).count == 3, comment)
            if let target, !start.head.target.utf8.starts(with: "/end".utf8), !location.isEmpty {
                #expect(outcome == nil && arrivals.count == 2, comment)
                #expect(arrivals.last?.server == target.server, comment)
                let hasSecret = arrivals.last.map { Self.secrets($0.head) } == Self.secrets(start.head)
                #expect(hasSecret == target.isSameOrigin, comment)
            }
            // In any case secrets are only sent to the server for which they were set.
            for arrival in arrivals.dropFirst() where arrival.server != first {
                #expect(Self.secrets(arrival.head).isEmpty, comment)
            }
            try session.close()
        }
    }

    private static func secrets(_ head: ReceivedHead) -> [String] {
        head.lines.dropFirst().filter { $0.contains("s3cret") || $0.hasPrefix("Authorization:") }.sorted()
    }
}
