import Testing

@testable import HTTPHandlesCore

@Suite("Compression of WebSocket messages")
struct MessageCompressionTests {
    static let limits = MessageInflater.Limits(messageSize: 1 << 20, ratio: nil, unlimitedBytes: 1 << 20)

    static func agreement(_ change: (inout PermessageDeflate.Agreement) -> Void) -> PermessageDeflate.Agreement {
        var agreement = PermessageDeflate.Agreement()
        change(&agreement)
        return agreement
    }

    static func inflater(
        _ limits: MessageInflater.Limits = limits,
        _ agreement: PermessageDeflate.Agreement = PermessageDeflate.Agreement()
    ) -> MessageInflater {
        MessageInflater(.small(agreement), limits)
    }

    /// Inflates a message whose coded data come in pieces, in steps of at most `limit` bytes.
    static func inflate(
        _ pieces: [[UInt8]],
        with inflater: inout MessageInflater,
        isText: Bool = false,
        limit: Int = 1000
    ) throws(WebSocketFailure) -> [UInt8] {
        var message: [UInt8] = []
        for (place, piece) in pieces.enumerated() {
            var coded = piece[...]
            var isDone = false
            while !isDone {
                let ends = place == pieces.count - 1
                let step = try inflater.step(&coded, isText: isText, endsMessage: ends, limit: limit)
                precondition(step.bytes.count <= limit)
                message += step.bytes
                isDone = step.isDone
            }
        }
        return message
    }

    @Test func `the examples of RFC 7692`() throws {
        let hello = Array("Hello".utf8)
        let coded: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        for limit in [1, 2, 3, 1000] {
            for pieces in everySplit(coded) {
                var inflater = Self.inflater()
                #expect(try Self.inflate(pieces, with: &inflater, limit: limit) == hello)
                // The same again, with the window of the message before.
                #expect(try Self.inflate([[0xF2, 0x00, 0x11, 0x00, 0x00]], with: &inflater, limit: limit) == hello)
            }
            var inflater = Self.inflater()
            // A block without compression.
            let stored: [UInt8] = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]
            #expect(try Self.inflate([stored], with: &inflater, limit: limit) == hello)
            // A final block, and more after it.
            let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
            #expect(try Self.inflate([final], with: &inflater, limit: limit) == hello)
            #expect(try Self.inflate([[0xF2, 0x00, 0x11, 0x00, 0x00]], with: &inflater, limit: limit) == hello)
            // Two blocks.
            let two: [UInt8] = [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00]
            #expect(try Self.inflate([two], with: &inflater, limit: limit) == hello)
            // An empty message.
            #expect(try Self.inflate([[0x00]], with: &inflater, limit: limit).isEmpty)
        }
    }

    @Test func `a message does not see the window of the one before, where that was agreed`() throws {
        var inflater = Self.inflater(Self.limits, Self.agreement { $0.serverNoContextTakeover = true })
        let coded: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        #expect(try Self.inflate([coded], with: &inflater) == Array("Hello".utf8))
        #expect(throws: WebSocketFailure.invalidPayload("malformed")) {
            try Self.inflate([[0xF2, 0x00, 0x11, 0x00, 0x00]], with: &inflater)
        }
    }

    @Test func `what is deflated inflates, with and without contexts`() throws {
        var generator = SeededGenerator(seed: 5)
        for round in 0..<40 {
            let agreement = Self.agreement {
                $0.clientNoContextTakeover = round % 2 == 0
                $0.serverNoContextTakeover = round % 2 == 0
                $0.clientWindowBits = 9 + round % 7
            }
            guard let deflater = MessageDeflater(.small(agreement)) else { return }
            var inflater = Self.inflater(Self.limits, agreement)
            for _ in 0..<8 {
                let message = (0..<Int.random(in: 0...600, using: &generator)).map { _ in
                    UInt8.random(in: 0x61...0x63, using: &generator)
                }
                var coded: [[UInt8]] = []
                var rest = message[...]
                repeat {
                    let piece = rest.prefix(Int.random(in: 0...300, using: &generator))
                    rest = rest[piece.endIndex...]
                    let flush = Bool.random(using: &generator)
                    coded.append(try deflater.deflate(piece, flush: flush, endsMessage: rest.isEmpty))
                    // A flush lets the peer decode, so its tail stays.
                    if flush, !piece.isEmpty, !rest.isEmpty {
                        #expect(coded.last?.suffix(4).elementsEqual(deflateTail) == true)
                    }
                } while !rest.isEmpty
                #expect(coded.last?.isEmpty == false)
                let limit = Int.random(in: 1...700, using: &generator)
                #expect(try Self.inflate(coded, with: &inflater, limit: limit) == message)
            }
        }
    }

    @Test func `an empty message is a byte, also after a flush`() throws {
        let deflater = MessageDeflater(.small())
        #expect(try deflater?.deflate([], flush: false, endsMessage: true) == [0x00])
        let first = try deflater?.deflate([0x61, 0x62], flush: true, endsMessage: false)
        #expect(first?.suffix(4).elementsEqual(deflateTail) == true)
        #expect(try deflater?.deflate([], flush: true, endsMessage: true) == [0x00])
    }

    // MARK: Limits

    /// A coded message of that many letters.
    static func coded(_ count: Int) throws -> [UInt8] {
        let deflater = MessageDeflater(.small())
        return try deflater?.deflate(Array(repeating: 0x61, count: count)[...], flush: true, endsMessage: true) ?? []
    }

    @Test func `the size of a message is limited while it inflates`() throws {
        let coded = try Self.coded(100_000)
        var inflater = Self.inflater(MessageInflater.Limits(messageSize: 99_999, ratio: nil, unlimitedBytes: 0))
        var rest = coded[...]
        var decoded = 0
        #expect(throws: WebSocketFailure.tooBig("a message has more than 99999 bytes")) {
            while true { decoded += try inflater.step(&rest, isText: true, endsMessage: true, limit: 1000).bytes.count }
        }
        #expect(decoded == 99_000)
        var enough = Self.inflater(MessageInflater.Limits(messageSize: 100_000, ratio: nil, unlimitedBytes: 0))
        // The limit is that of a message, not of all.
        for _ in 0..<3 { #expect(try Self.inflate([coded], with: &enough).count == 100_000) }
    }

    @Test func `the ratio of a message is limited above a size`() throws {
        let coded = try Self.coded(100_000)
        let reason = "a message decodes to more than 20 times its size, which is the maximumDecodingRatio"
        var inflater = Self.inflater(MessageInflater.Limits(messageSize: 1 << 20, ratio: 20, unlimitedBytes: 50_000))
        #expect(throws: WebSocketFailure.tooBig(reason)) { try Self.inflate([coded], with: &inflater) }
        var small = Self.inflater(MessageInflater.Limits(messageSize: 1 << 20, ratio: 20, unlimitedBytes: 100_000))
        #expect(try Self.inflate([coded], with: &small).count == 100_000)
        var wide = Self.inflater(MessageInflater.Limits(messageSize: 1 << 20, ratio: 300, unlimitedBytes: 0))
        #expect(try Self.inflate([coded], with: &wide).count == 100_000)
    }

    // MARK: Text

    @Test(arguments: UTF8ValidatorTests.invalid)
    func `text that is not UTF-8 fails before it is handed out`(name: String, bytes: [UInt8], place: Int) throws {
        let deflater = MessageDeflater(.small())
        let coded = try deflater?.deflate((bytes + [0x21])[...], flush: true, endsMessage: true) ?? []
        for limit in [1, 3, 100] {
            var inflater = Self.inflater()
            #expect(throws: WebSocketFailure.invalidPayload("a text is not UTF-8")) {
                try Self.inflate([coded], with: &inflater, isText: true, limit: limit)
            }
        }
        var other = Self.inflater()
        #expect(try Self.inflate([coded], with: &other) == bytes + [0x21])
    }

    @Test func `text that ends inside a character`() throws {
        let coded = try MessageDeflater(.small())?.deflate([0xE2, 0x82], flush: true, endsMessage: true) ?? []
        for limit in [1, 2, 100] {
            var inflater = Self.inflater()
            #expect(throws: WebSocketFailure.invalidPayload("a text ends in the middle of a character")) {
                try Self.inflate([coded], with: &inflater, isText: true, limit: limit)
            }
        }
    }

    @Test func `malformed data`() {
        for coded in [[0xFF, 0xFF], [0x06], [0x00, 0x05, 0x00, 0x00, 0x00]] as [[UInt8]] {
            var inflater = Self.inflater()
            #expect(throws: WebSocketFailure.invalidPayload("malformed")) { try Self.inflate([coded], with: &inflater) }
        }
    }
}
