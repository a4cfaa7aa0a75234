import Testing

@testable import HTTPHandlesCore

/// Counterparts of the client cases of the Autobahn test suite, by its numbers: a server sends, the client returns each
/// message. Docs/WebSockets.md has the list.
@Suite("WebSocket: cases of the Autobahn list")
struct AutobahnCaseTests {
    struct Case: CustomTestStringConvertible {
        let number: String
        let server: [UInt8]
        let client: [SentFrame]
        /// In how long pieces the server's bytes come; `nil` for all together.
        var chop: Int?

        init(_ number: String, _ server: [UInt8]..., client: SentFrame..., chop: Int? = nil) {
            self.number = number
            self.server = server.flatMap { $0 }
            self.client = client
            self.chop = chop
        }

        var testDescription: String { number }
    }

    /// A client that returns each message. All that it sends.
    static func echo(_ pieces: [[UInt8]], settings: WebSocketSettings = TestSocket.settings, compressed: Bool = false)
        -> [SentFrame]
    {
        let socket = TestSocket(settings, compressed ? .small() : nil)
        var frames: [SentFrame] = []
        socket.read(whole: true)
        for piece in pieces {
            socket.receive(piece)
            var isDelivered = true
            while isDelivered {
                isDelivered = false
                for case .deliver(let piece) in socket.actions {
                    isDelivered = true
                    socket.send(piece)
                    socket.read(whole: true)
                }
            }
            frames += socket.sent()
        }
        return frames
    }

    static func chopped(_ bytes: [UInt8], _ size: Int) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
    }

    static func protocolError(_ reason: String) -> SentFrame { .close(1002, reason) }

    static let ping = frame(9, [0x70])
    static let pong = SentFrame.pong([0x70])
    static let hello = text("Hello")
    static let helloBack = SentFrame.text("Hello")
    static let end = closeFrame(1000)
    static let endBack = SentFrame.close(1000)

    static let reservedBit = protocolError("a reserved bit is set")
    static let noMessage = protocolError("a continuation continues no message")
    static let fragmented = protocolError("a control frame is fragmented")
    static let badText = SentFrame.close(1007, "a text is not UTF-8")
    static let cutText = "a text ends in the middle of a character"

    static func check(_ one: Case) {
        let all = one.server
        let pieces = one.chop.map { chopped(all, $0) } ?? [all]
        #expect(echo(pieces) == one.client, "case \(one.number)")
    }

    // MARK: 1. Framing

    @Test(arguments: [0, 125, 126, 127, 128, 65_535, 65_536])
    func `1.1.1 to 1.2.8: messages of all lengths, whole and in pieces of 997 bytes`(count: Int) {
        var settings = TestSocket.settings
        settings.sentFrameSize = 1 << 20
        for opcode in UInt8(1)...2 {
            let payload = Array(repeating: opcode == 1 ? UInt8(ascii: "*") : 0xFE, count: count)
            let bytes = frame(opcode, payload) + Self.end
            for pieces in [[bytes], Self.chopped(bytes, 997)] {
                let frames = Self.echo(pieces, settings: settings)
                // Where the close frame comes with the message, the client does not get to return it.
                #expect(frames.last == Self.endBack)
            }
            #expect(
                Self.echo([frame(opcode, payload), Self.end], settings: settings)
                    == [SentFrame(opcode: opcode, payload: payload), Self.endBack]
            )
        }
    }

    // MARK: 2. Pings and pongs

    @Test(arguments: [
        Case("2.1", frame(9), client: .pong([])),
        Case("2.2", frame(9, Array("Hello, world!".utf8)), client: .pong(Array("Hello, world!".utf8))),
        Case("2.3", frame(9, [0, 0xFF, 0xFE, 0xFD, 0xFC, 0]), client: .pong([0, 0xFF, 0xFE, 0xFD, 0xFC, 0])),
        Case("2.4", frame(9, Array(repeating: 0xFE, count: 125)), client: .pong(Array(repeating: 0xFE, count: 125))),
        Case(
            "2.5",
            frame(9, Array(repeating: 0xFE, count: 126)),
            client: protocolError("a control frame has more than 125 bytes")
        ),
        Case(
            "2.6",
            frame(9, Array(repeating: 0xFE, count: 125)),
            client: .pong(Array(repeating: 0xFE, count: 125)),
            chop: 1
        ),
        Case("2.7", frame(10), end, client: endBack),
        Case("2.8", frame(10, [1, 2]), end, client: endBack),
        Case("2.9", frame(10, [1, 2]), ping, client: pong),
    ])
    func `2.1 to 2.9: pings and pongs`(one: Case) { Self.check(one) }

    @Test func `2.10 and 2.11: ten pings, answered in order where the peer takes the answers`() {
        let pings = (UInt8(0)..<10).map { frame(9, [$0]) }
        #expect(Self.echo(pings) == (UInt8(0)..<10).map { .pong([$0]) })
        #expect(Self.echo(pings.flatMap { $0 }.map { [$0] }) == (UInt8(0)..<10).map { .pong([$0]) })
        // All at once: the last answers those before (RFC 6455, section 5.5.3).
        #expect(Self.echo([pings.flatMap { $0 }]) == [.pong([9])])
    }

    // MARK: 3. Reserved bits

    @Test func `3.1 to 3.7: reserved bits that no extension has given a meaning`() {
        for rsv in UInt8(1)...7 {
            for opcode: UInt8 in [1, 2, 8, 9, 10] {
                let bad = frame(opcode, [0x61, 0x62], rsv: rsv)
                Self.check(Case("3.1", bad, Self.ping, client: Self.reservedBit))
                for chop in [nil, 1] as [Int?] {
                    var one = Case("3.2", bad, Self.ping, client: Self.reservedBit)
                    one.chop = chop
                    Self.check(one)
                }
                #expect(Self.echo([Self.hello, bad + Self.ping]) == [Self.helloBack, Self.reservedBit])
            }
        }
    }

    // MARK: 4. Opcodes

    @Test(arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
    func `4.1.1 to 4.2.5: reserved opcodes`(opcode: UInt8) {
        let failure = Self.protocolError("the opcode \(opcode) is reserved")
        for payload in [[], Array("reserved".utf8)] {
            let bad = frame(opcode, payload)
            #expect(Self.echo([bad]) == [failure])
            #expect(Self.echo([Self.hello, bad, Self.ping]) == [Self.helloBack, failure])
            #expect(Self.echo((bad + Self.ping).map { [$0] }) == [failure])
        }
    }

    // MARK: 5. Fragmentation

    static let first = text("Hel", fin: false)
    static let last = frame(0, Array("lo".utf8))

    @Test(arguments: [nil, 1] as [Int?])
    func `5.1 to 5.20: fragments, with control frames in between`(chop: Int?) {
        let more = frame(0, Array("lo".utf8), fin: false)
        let cases = [
            Case("5.1", frame(9, [1], fin: false), frame(0, [2]), client: Self.fragmented),
            Case("5.2", frame(10, [1], fin: false), frame(0, [2]), client: Self.fragmented),
            Case("5.3 to 5.5", Self.first, Self.last, client: Self.helloBack),
            Case("5.9 to 5.11", Self.last, Self.hello, client: Self.noMessage),
            Case("5.12 to 5.14", more, Self.hello, client: Self.noMessage),
            Case("5.16", more, Self.hello, more, Self.hello, client: Self.noMessage),
            Case("5.17", Self.last, Self.hello, Self.last, Self.hello, client: Self.noMessage),
            Case(
                "5.18",
                Self.first,
                text("lo"),
                client: Self.protocolError("a message begins inside another")
            ),
        ]
        for var one in cases {
            one.chop = chop
            Self.check(one)
        }
    }

    @Test func `5.6 to 5.8, 5.19 and 5.20: pings between fragments are answered at once`() {
        let bytes = Self.first + Self.ping + Self.last
        #expect(Self.echo([bytes]) == [Self.pong, Self.helloBack])
        #expect(Self.echo([Self.first, Self.ping, Self.last]) == [Self.pong, Self.helloBack])
        #expect(Self.echo(bytes.map { [$0] }) == [Self.pong, Self.helloBack])
        let pieces = [
            text("1", fin: false), frame(0, [0x32], fin: false), Self.ping, frame(0, [0x33], fin: false),
            frame(0, [0x34], fin: false), Self.ping, frame(0, [0x35]),
        ]
        #expect(Self.echo(pieces) == [Self.pong, Self.pong, .text("12345")])
        #expect(Self.echo([pieces.flatMap { $0 }]) == [Self.pong, .text("12345")])
    }

    @Test func `5.15: a message, and a continuation of none`() {
        let frames = Self.echo([Self.first, Self.last, frame(0, [1], fin: false), Self.hello])
        #expect(frames == [Self.helloBack, Self.noMessage])
    }

    // MARK: 6. UTF-8

    @Test func `6.1.1 to 6.2.4: valid text, in any fragments`() {
        #expect(Self.echo([text("")]) == [.text("")])
        #expect(Self.echo([text("", fin: false), frame(0, [], fin: false), frame(0, [])]) == [.text("")])
        #expect(Self.echo([text("", fin: false), frame(0, [0x61], fin: false), frame(0, [])]) == [.text("a")])
        let greek = "Hello-µ@ßöäüàá-UTF-8!!κόσμε"
        let bytes = Array(greek.utf8)
        #expect(Self.echo([text(greek)]) == [.text(greek)])
        for size in [1, 2, 3, 7] {
            var parts = Self.chopped(bytes, size)
            let last = parts.removeLast()
            let frames = parts.enumerated().map { frame($0.offset == 0 ? 1 : 0, $0.element, fin: false) }
            #expect(Self.echo(frames + [frame(0, last)]) == [.text(greek)])
        }
    }

    @Test(arguments: UTF8ValidatorTests.invalid)
    func `6.3.1 to 6.4.4, 6.7 to 6.21: text that is not UTF-8 fails at its byte`(
        name: String,
        bytes: [UInt8],
        place: Int
    ) {
        let before = Array("κόσμε".utf8)
        let all = before + bytes
        #expect(Self.echo([frame(1, all + Array("edited".utf8))]) == [Self.badText])
        // Nothing is answered before the byte, and the failure is at once, although the frame and the message go on.
        let head: [UInt8] = [0x01, 125]
        let good = before + bytes[..<place]
        #expect(Self.echo([head + good]) == [])
        #expect(Self.echo([head + good, [bytes[place]]]) == [Self.badText])
        #expect(Self.echo([frame(1, good, fin: false), frame(0, [bytes[place]], fin: false)]) == [Self.badText])
    }

    @Test func `6.6.1 to 6.6.11: a text may end between characters only`() {
        let text = Array("κόσμε".utf8)
        for count in 1...text.count {
            let bytes = Array(text[..<count])
            let isWhole = String(validating: bytes, as: UTF8.self) != nil
            let answer = isWhole ? SentFrame(opcode: 1, payload: bytes) : .close(1007, Self.cutText)
            #expect(Self.echo([frame(1, bytes)]) == [answer])
            // The end may be an empty frame, and then nothing is wrong before it.
            let frames = [frame(1, bytes, fin: false), frame(0)]
            #expect(Self.echo([frames[0]]) == [])
            #expect(Self.echo(frames) == [answer])
        }
    }

    @Test func `6.5, 6.22 and 6.23: the first and last characters of each length, and noncharacters`() {
        var texts = [
            "\u{0}", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10000}",
        ]
        for plane in UInt32(0)...16 {
            for end: UInt32 in [0xFFFE, 0xFFFF] {
                if let scalar = Unicode.Scalar(plane << 16 | end) { texts.append(String(Character(scalar))) }
            }
        }
        for one in texts { #expect(Self.echo([text(one)]) == [.text(one)]) }
    }

    // MARK: 7. Closing

    @Test func `7.1.1 to 7.1.6: what comes after a close frame is ignored`() {
        #expect(Self.echo([Self.hello, Self.end]) == [Self.helloBack, Self.endBack])
        #expect(Self.echo([Self.end, Self.end]) == [Self.endBack])
        #expect(Self.echo([Self.end, Self.ping]) == [Self.endBack])
        #expect(Self.echo([Self.end, Self.hello]) == [Self.endBack])
        #expect(Self.echo([Self.first, Self.end, Self.last]) == [Self.endBack])
        let big = frame(1, Array(repeating: 0x61, count: 256 * 1024))
        let frames = Self.echo([big, Self.hello, Self.end, Self.ping])
        #expect(frames.suffix(2) == [Self.helloBack, Self.endBack])
        #expect(frames.dropLast(2).reduce(0) { $0 + $1.payload.count } == 256 * 1024)
    }

    @Test func `7.3.1 to 7.3.6 and 7.5.1: payloads of close frames`() {
        #expect(Self.echo([frame(8)]) == [SentFrame(opcode: 8, payload: [])])
        #expect(Self.echo([frame(8, [0x61])]) == [Self.protocolError("the payload of a close frame has one byte")])
        #expect(Self.echo([closeFrame(1000)]) == [Self.endBack])
        #expect(Self.echo([closeFrame(1000, "Hello World!")]) == [Self.endBack])
        #expect(Self.echo([closeFrame(1000, String(repeating: "*", count: 123))]) == [Self.endBack])
        #expect(
            Self.echo([closeFrame(1000, String(repeating: "*", count: 124))])
                == [Self.protocolError("a control frame has more than 125 bytes")]
        )
        #expect(
            Self.echo([frame(8, [0x03, 0xE8, 0xCE, 0xBA, 0xED, 0xA0, 0x80])])
                == [.close(1007, "the reason of a close frame is not UTF-8")]
        )
    }

    @Test(arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] as [UInt16])
    func `7.7.1 to 7.7.13: codes that are allowed`(code: UInt16) {
        #expect(Self.echo([closeFrame(code)]) == [.close(code)])
    }

    @Test(arguments: [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535] as [UInt16])
    func `7.9.1 to 7.13.2: codes that are not`(code: UInt16) {
        #expect(Self.echo([closeFrame(code)]) == [Self.protocolError("a close frame has the code \(code)")])
    }

    // MARK: 9. Limits

    @Test(arguments: [1 << 16, 1 << 18], [nil, 64, 1 << 10, 1 << 16] as [Int?])
    func `9.1.1 to 9.4.9: long messages, whole and in fragments`(count: Int, fragment: Int?) {
        guard count == 1 << 16 || fragment == nil else { return }
        for opcode in UInt8(1)...2 {
            let payload = Array(repeating: UInt8(ascii: "*"), count: count)
            let parts = Self.chopped(payload, fragment ?? count)
            let frames = parts.enumerated().map { place, part in
                frame(place == 0 ? opcode : 0, part, fin: place == parts.count - 1)
            }
            let echoed = Self.echo(fragment == nil ? Self.chopped(frames[0], 1 << 14) : frames)
            #expect(echoed.first?.opcode == opcode && echoed.last?.fin == true)
            #expect(echoed.reduce(0) { $0 + $1.payload.count } == count)
        }
    }

    @Test(arguments: [64, 128, 256, 512, 1024, 2048])
    func `9.5.1 to 9.6.6: a long message in short pieces of the network`(chop: Int) {
        let payload = Array(repeating: UInt8(ascii: "*"), count: 1 << 15)
        let echoed = Self.echo(Self.chopped(text(String(decoding: payload, as: UTF8.self)), chop))
        #expect(echoed.reduce(0) { $0 + $1.payload.count } == 1 << 15)
    }

    @Test(arguments: [0, 16, 64, 256, 1024, 4096])
    func `9.7.1 to 9.8.6: many messages`(count: Int) {
        let payload = Array(repeating: UInt8(ascii: "*"), count: count)
        for opcode in UInt8(1)...2 {
            let echoed = Self.echo(Array(repeating: frame(opcode, payload), count: 100))
            #expect(echoed == Array(repeating: SentFrame(opcode: opcode, payload: payload), count: 100))
        }
    }

    // MARK: 10. Fragmentation by the sender

    @Test func `10.1.1: frames are not longer than the sender's limit`() {
        var settings = TestSocket.settings
        settings.sentFrameSize = 1300
        let payload = Array(repeating: UInt8(ascii: "*"), count: 65_536)
        let frames = Self.echo([frame(1, payload)], settings: settings)
        #expect(frames.map(\.payload.count) == Array(repeating: 1300, count: 50) + [536])
        #expect(frames.map(\.opcode) == [1] + Array(repeating: 0, count: 50))
        #expect(frames.map(\.fin) == Array(repeating: false, count: 50) + [true])
        #expect(frames.flatMap(\.payload) == payload)
    }

    // MARK: 12 and 13. Compression

    @Test(arguments: [16, 64, 256, 1024, 4096], [false, true])
    func `12.1.1 to 13.7.18: compressed messages`(count: Int, forgetsWindow: Bool) throws {
        let agreement = MessageCompressionTests.agreement {
            $0.clientNoContextTakeover = forgetsWindow
            $0.serverNoContextTakeover = forgetsWindow
        }
        guard let deflater = MessageDeflater(.small(agreement)) else { return }
        var settings = TestSocket.settings
        settings.sentFrameSize = 1000
        settings.compressionThreshold = 0
        let socket = TestSocket(settings, .small(agreement))
        var inflater = MessageCompressionTests.inflater(MessageCompressionTests.limits, agreement)
        var generator = SeededGenerator(seed: UInt64(count))
        for _ in 0..<3 {
            let payload = (0..<count).map { _ in UInt8.random(in: 0x61...0x64, using: &generator) }
            socket.receive(frame(1, try deflater.deflate(payload[...], flush: true, endsMessage: true), rsv: 4))
            for piece in socket.messages() { socket.send(piece) }
            let frames = socket.sent()
            #expect(frames.map(\.rsv) == [4] + Array(repeating: 0, count: frames.count - 1))
            let message = try MessageCompressionTests.inflate(frames.map(\.payload), with: &inflater)
            #expect(message == payload)
        }
    }
}
