import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket handshake")
struct WebSocketHandshakeTests {
    /// Random bytes as in the example of RFC 6455: "the sample nonce".
    struct Sample: RandomNumberGenerator {
        private var bytes = Array("the sample nonce".utf8)
        mutating func next() -> UInt64 { UInt64(bytes.isEmpty ? 0 : bytes.removeFirst()) << 56 }
    }

    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (
            String(repeating: "0123456701234567012345670123456701234567012345670123456701234567", count: 10),
            "dea356a2cddd90c7a7ecedc5ebb563934f460452"
        ),
        (String(repeating: "a", count: 1_000), "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
    ])
    func `SHA-1 of known messages`(message: String, digest: String) {
        let hash = sha1(Array(message.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hash == digest)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\u{3FF}\u{7FF}", "z7/fvw=="),
    ])
    func `base64 of known texts`(text: String, digits: String) {
        #expect(base64(Array(text.utf8)) == digits)
    }

    @Test func `a key is 16 random bytes, new each time`() throws {
        var generator = SeededGenerator(seed: 1)
        var keys: Set<String> = []
        for _ in 0..<100 {
            let key = try WebSocketHandshake(using: &generator).key
            #expect(key.utf8.count == 24 && key.hasSuffix("=="))
            keys.insert(key)
        }
        #expect(keys.count == 100)
    }

    @Test func `another connection has another key, and is checked by it`() throws {
        var generator = SeededGenerator(seed: 1)
        var upgrade = UpgradeRequest.webSocket(try WebSocketHandshake(using: &generator))
        let first = try #require(upgrade.key)
        upgrade.renewKey(using: &generator)
        let second = try #require(upgrade.key)
        #expect(first != second)
        func head(_ key: String) -> HeaderBlock {
            let accept = "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: key))"
            return HeaderBlock(
                bytes: Array(
                    "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(accept)\r\n\r\n".utf8
                )
            )
        }
        _ = try upgrade.check(head(second))
        #expect(throws: Failure.acceptWrong(WebSocketHandshake.accept(for: first))) { try upgrade.check(head(first)) }
        var other = UpgradeRequest.other("tcp")
        other.renewKey(using: &generator)
        #expect(other == .other("tcp") && other.key == nil)
    }

    @Test func `the accept of the example of RFC 6455`() {
        let accept = base64(sha1(Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
        #expect(accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(base64(Array("the sample nonce".utf8)) == "dGhlIHNhbXBsZSBub25jZQ==")
    }

    static func handshake(
        _ subprotocols: [String] = [],
        _ deflate: PermessageDeflate.Offer? = nil
    ) throws -> WebSocketHandshake {
        var generator = SeededGenerator(seed: 1)
        return try WebSocketHandshake(subprotocols: subprotocols, deflate: deflate, using: &generator)
    }

    @Test func `the fields of the request`() throws {
        let plain = try Self.handshake()
        #expect(
            plain.fields == [.connection: "Upgrade", .upgrade: "websocket", .secWebSocketVersion: "13"]
        )
        let full = try Self.handshake(["v2.feed", "v1.feed"], PermessageDeflate.Offer())
        #expect(full.fields[.secWebSocketProtocol] == "v2.feed, v1.feed")
        #expect(full.fields[.secWebSocketExtensions] == "permessage-deflate; client_max_window_bits")
    }

    @Test func `an offer with all parameters`() {
        var offer = PermessageDeflate.Offer()
        offer.clientNoContextTakeover = true
        offer.serverNoContextTakeover = true
        offer.clientMaximumWindowBits = 10
        offer.serverMaximumWindowBits = 9
        #expect(
            offer.fieldValue == "permessage-deflate; client_no_context_takeover; server_no_context_takeover; "
                + "client_max_window_bits=10; server_max_window_bits=9"
        )
    }

    @Test(arguments: ["", "a b", "a,b", "é", "a\u{0}", "\"a\"", "a/b"])
    func `a subprotocol is a token`(name: String) {
        #expect(throws: WebSocketFailure.invalidParameter("the subprotocol \"\(name)\" is not a token")) {
            try Self.handshake(["chat", name])
        }
    }

    @Test func `a subprotocol is offered once`() throws {
        #expect(throws: WebSocketFailure.invalidParameter("the subprotocol \"chat\" is offered twice")) {
            try Self.handshake(["chat", "Chat", "chat"])
        }
        #expect(try Self.handshake(["chat", "Chat"]).subprotocols == ["chat", "Chat"])
    }

    // MARK: The answer

    typealias Failure = WebSocketHandshakeFailure

    /// Checks an answer. "ACCEPT" is replaced by the right value.
    static func answer(
        _ fields: [String],
        status: String = "HTTP/1.1 101 Switching Protocols",
        subprotocols: [String] = ["chat", "superchat"],
        deflate: PermessageDeflate.Offer? = nil
    ) throws -> Result<WebSocketHandshake.Agreement, Failure> {
        let handshake = try handshake(subprotocols, deflate)
        let lines = ([status] + fields).map { $0.split(separator: "ACCEPT", omittingEmptySubsequences: false) }
            .map { $0.joined(separator: handshake.expectedAccept) }
        let head = HeaderBlock(bytes: Array((lines + ["", ""]).joined(separator: "\r\n").utf8))
        return Result { () throws(Failure) in try handshake.check(head) }
    }

    static let good = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT"]

    @Test(arguments: [
        good, good.reversed(), ["upgrade: WebSocket", "connection: upgrade", "sec-websocket-accept: ACCEPT"],
        ["Upgrade: h2c, websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Accept:ACCEPT  "],
        ["Upgrade: websocket", "Connection: keep-alive", "Connection: UPGRADE", "Sec-WebSocket-Accept: ACCEPT"],
    ])
    func `an answer that is right`(fields: [String]) throws {
        #expect(try Self.answer(fields) == .success(WebSocketHandshake.Agreement()))
    }

    @Test func `a subprotocol that was offered`() throws {
        let answer = try Self.answer(Self.good + ["Sec-WebSocket-Protocol: superchat"])
        #expect(answer == .success(WebSocketHandshake.Agreement(subprotocol: "superchat")))
    }

    static let wrong: [([String], Failure)] = [
        (["Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT"], .upgradeMissing),
        (["Upgrade: h2c"] + good.dropFirst(), .upgradeToOther("h2c", than: "websocket")),
        (["Upgrade: web socket"] + good.dropFirst(), .upgradeToOther("web socket", than: "websocket")),
        (["Upgrade: websockets"] + good.dropFirst(), .upgradeToOther("websockets", than: "websocket")),
        (["Upgrade: websocket", "Sec-WebSocket-Accept: ACCEPT"], .connectionMissing),
        (
            ["Upgrade: websocket", "Connection: close", "Sec-WebSocket-Accept: ACCEPT"],
            .connectionWithoutUpgrade("close")
        ),
        (
            ["Upgrade: websocket", "Connection: keep-upgrade", "Sec-WebSocket-Accept: ACCEPT"],
            .connectionWithoutUpgrade("keep-upgrade")
        ),
        (Array(good.dropLast()), .acceptMissing), (good + ["Sec-WebSocket-Accept: ACCEPT"], .acceptRepeated),
        (
            good.dropLast() + ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
            .acceptWrong("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        ),
        (good.dropLast() + ["Sec-WebSocket-Accept:"], .acceptWrong("")),
        (good + ["Sec-WebSocket-Protocol: other"], .subprotocolNotOffered("other")),
        (good + ["Sec-WebSocket-Protocol: Chat"], .subprotocolNotOffered("Chat")),
        (good + ["Sec-WebSocket-Protocol:"], .subprotocolNotOffered("")),
        (good + ["Sec-WebSocket-Protocol: chat, superchat"], .subprotocolNotOffered("chat, superchat")),
        (good + ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"], .subprotocolRepeated),
        (good + ["Sec-WebSocket-Extensions: x-custom"], .extensionNotOffered("x-custom")),
        (good + ["Sec-WebSocket-Extensions: permessage-deflate"], .extensionNotOffered("permessage-deflate")),
        (good + ["Sec-WebSocket-Extensions: a;"], .extensionsMalformed("a;")),
    ]

    @Test(arguments: wrong)
    func `an answer that is wrong`(fields: [String], failure: Failure) throws {
        #expect(try Self.answer(fields) == .failure(failure))
        #expect(!failure.reason.isEmpty)
    }

    @Test func `a status and a version that are wrong`() throws {
        #expect(try Self.answer(Self.good, status: "HTTP/1.1 200 OK") == .failure(.status(200)))
        #expect(try Self.answer(Self.good, status: "HTTP/1.0 101 Switching") == .failure(.version(.http1_0)))
        #expect(try Self.answer(Self.good, status: "HTTP/2 101") == .failure(.version(.http2)))
    }

    @Test func `an accept with another case is wrong`() throws {
        let accept = try Self.handshake(["chat", "superchat"]).expectedAccept
        let other = accept.lowercased()
        let answer = try Self.answer(Self.good.dropLast() + ["Sec-WebSocket-Accept: \(other)"])
        #expect(answer == .failure(.acceptWrong(other)))
    }
}
