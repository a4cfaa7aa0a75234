import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket frame parser")
struct WebSocketFrameParserTests {
    typealias Element = WebSocketFrameParser.Element

    /// What a parser makes of its input: the elements, with the pieces of a message joined, and the failure.
    struct Outcome: Equatable {
        var elements: [Element] = []
        var failure: WebSocketFailure?
        /// How many bytes were taken in whole before the failure; not compared.
        var taken = 0
        var isBetweenFrames = true

        static func == (left: Outcome, right: Outcome) -> Bool {
            left.elements == right.elements && left.failure == right.failure
                && (left.failure != nil || left.isBetweenFrames == right.isBetweenFrames)
        }

        init(_ elements: Element..., failure: WebSocketFailure? = nil, isBetweenFrames: Bool = true) {
            self.elements = elements
            self.failure = failure
            self.isBetweenFrames = isBetweenFrames
        }

        mutating func append(_ element: Element) {
            guard case .data(let bytes, let isText, let isCompressed, let ends) = element,
                case .data(let before, _, _, false)? = elements.last
            else { return elements.append(element) }
            elements[elements.count - 1] = .data(
                before + bytes,
                isText: isText,
                isCompressed: isCompressed,
                endsMessage: ends
            )
        }
    }

    static func parse(
        _ pieces: [[UInt8]],
        frameSize: Int = 1 << 20,
        messageSize: Int = 1 << 20,
        allowsCompression: Bool = false
    ) -> Outcome {
        var parser = WebSocketFrameParser(
            limits: WebSocketFrameParser.Limits(frameSize: frameSize, messageSize: messageSize),
            allowsCompression: allowsCompression
        )
        var outcome = Outcome()
        do {
            for piece in pieces {
                var input = piece[...]
                defer { outcome.taken += piece.count - input.count }
                while let element = try parser.next(&input) { outcome.append(element) }
            }
        } catch { outcome.failure = error }
        outcome.isBetweenFrames = parser.isBetweenFrames
        return outcome
    }

    static func text(_ text: String, ends: Bool = true) -> Element {
        .data(Array(text.utf8)[...], isText: true, isCompressed: false, endsMessage: ends)
    }

    static func binary(_ bytes: [UInt8], ends: Bool = true) -> Element {
        .data(bytes[...], isText: false, isCompressed: false, endsMessage: ends)
    }

    /// The outcome is the same for the whole, for each split in two, and byte by byte.
    static func check(_ bytes: [UInt8], _ expected: Outcome, allowsCompression: Bool = false) {
        for pieces in everySplit(bytes) {
            let outcome = parse(pieces, allowsCompression: allowsCompression)
            guard outcome != expected else { continue }
            Issue.record("\(outcome) instead of \(expected) for pieces of \(pieces.map(\.count))")
        }
    }

    // MARK: The header

    /// What is wrong with a header, as RFC 6455 says it.
    static func rule(
        opcode: UInt8,
        fin: Bool,
        rsv: UInt8,
        isMasked: Bool,
        form: LengthForm,
        count: Int,
        isInMessage: Bool,
        allowsCompression: Bool
    ) -> WebSocketFailure? {
        guard [0, 1, 2, 8, 9, 10].contains(opcode) else { return .protocolError("the opcode \(opcode) is reserved") }
        let mayBeCompressed = allowsCompression && (opcode == 1 || opcode == 2)
        guard rsv == 0 || rsv == 4 && mayBeCompressed else { return .protocolError("a reserved bit is set") }
        if opcode == 0, !isInMessage { return .protocolError("a continuation continues no message") }
        if opcode == 1 || opcode == 2, isInMessage { return .protocolError("a message begins inside another") }
        if opcode >= 8, !fin { return .protocolError("a control frame is fragmented") }
        if isMasked { return .protocolError("a frame of the server is masked") }
        if opcode >= 8, form != .one { return .protocolError("a control frame has more than 125 bytes") }
        if form != .shortest(count) { return .protocolError("the length of a frame is not minimal") }
        if opcode == 8, count == 1 { return .protocolError("the payload of a close frame has one byte") }
        return nil
    }

    @Test(arguments: [false, true], [false, true])
    func `every header`(isInMessage: Bool, allowsCompression: Bool) {
        let counts: [(LengthForm, [Int])] = [
            (.one, [0, 1, 2, 125]), (.two, [0, 125, 126, 65535]), (.eight, [0, 125, 126, 65535, 65536]),
        ]
        for opcode in UInt8(0)...15 {
            for fin in [false, true] {
                for rsv in UInt8(0)...7 {
                    for isMasked in [false, true] {
                        for (form, counts) in counts {
                            for count in counts {
                                let failure = Self.rule(
                                    opcode: opcode,
                                    fin: fin,
                                    rsv: rsv,
                                    isMasked: isMasked,
                                    form: form,
                                    count: count,
                                    isInMessage: isInMessage,
                                    allowsCompression: allowsCompression
                                )
                                // A text, and for close frames the code 3104. Of long payloads the beginning is enough.
                                let payload = [0x0C, 0x20] + Array(repeating: UInt8(0x61), count: count)
                                let bytes = frame(
                                    opcode,
                                    Array(payload[..<count]),
                                    fin: fin,
                                    rsv: rsv,
                                    isMasked: isMasked,
                                    form: form
                                )
                                let before = isInMessage ? frame(2, [0x62], fin: false) : []
                                let outcome = Self.parse(
                                    [before, Array(bytes.prefix(200))],
                                    allowsCompression: allowsCompression
                                )
                                let isWhole = failure != nil || outcome.isBetweenFrames == (bytes.count <= 200)
                                guard outcome.failure != failure || !isWhole else { continue }
                                Issue.record(
                                    "opcode \(opcode) fin \(fin) rsv \(rsv) masked \(isMasked) \(form) \(count): \(outcome)"
                                )
                            }
                        }
                    }
                }
            }
        }
    }

    /// Each failure is found at its byte: what follows is not needed.
    @Test(arguments: [
        ([UInt8(0x83)], 1), ([0xB1], 1), ([0x80], 1), ([0x08], 1), ([0x81, 0x80], 2), ([0x89, 0x7E], 2),
        ([0x88, 1], 2),
        ([0x81, 0x7E, 0, 125], 4), ([0x81, 0x7F, 0x80], 3), ([0x81, 0x7F, 0xFF], 3),
        ([0x81, 0x7F, 0, 0, 0, 0, 0, 0], 8), ([0x81, 0x7F, 0, 0, 0, 0, 0, 0x11, 0, 0], 10), ([0x01, 0, 0x81], 3),
        ([0x81, 5, 0x61, 0xFF], 4), ([0x81, 1, 0xC3], 3), ([0x88, 2, 0, 0], 4),
    ])
    func `a failure is found at the byte that causes it`(bytes: [UInt8], count: Int) {
        let before = Self.parse([Array(bytes.dropLast())])
        #expect(before.failure == nil)
        let outcome = Self.parse([bytes])
        #expect(outcome.failure?.closeCode != nil)
        #expect(bytes.count == count)
        // What follows is not looked at.
        #expect(Self.parse([bytes + [0x81, 0]]).failure == outcome.failure)
    }

    @Test func `lengths of 63 bits do not overflow`() {
        let limit = WebSocketFailure.tooBig("a frame has \(Int.max) bytes, but the limit is 1048576")
        #expect(Self.parse([[0x82, 0x7F, 0x7F] + Array(repeating: 0xFF, count: 7)]).failure == limit)
        // Without a limit on frames the sum of a message does not overflow either.
        let huge: [UInt8] = [0x02, 1, 0, 0x80, 0x7F, 0x7F] + Array(repeating: 0xFF, count: 7)
        let outcome = Self.parse([huge], frameSize: .max, messageSize: .max)
        #expect(outcome.failure == .tooBig("a message has more than \(Int.max) bytes"))
    }

    // MARK: Messages

    static let hello = frame(1, Array("Hello".utf8))

    static let stream: [UInt8] =
        hello + frame(2, [0xFF, 0]) + frame(9, [1, 2]) + frame(1, Array("Ge".utf8), fin: false)
        + frame(0, [], fin: false) + frame(10, [3]) + frame(0, [0xC3], fin: false) + frame(9) + frame(0, [0xA4, 0x66])
        + frame(2, []) + frame(1, [], fin: false) + frame(0, []) + frame(2, Array(repeating: 7, count: 126))
        + closeFrame(1001, "gone")

    @Test func `a stream of messages, split at every byte`() {
        Self.check(
            Self.stream,
            Outcome(
                Self.text("Hello"),
                Self.binary([0xFF, 0]),
                .ping([1, 2]),
                Self.text("Ge", ends: false),
                .pong([3]),
                .data([0xC3], isText: true, isCompressed: false, endsMessage: false),
                .ping([]),
                .data([0xA4, 0x66], isText: true, isCompressed: false, endsMessage: true),
                Self.binary([]),
                Self.text(""),
                Self.binary(Array(repeating: 7, count: 126)),
                .close(WebSocketCloseStatus(.goingAway, reason: "gone"))
            )
        )
    }

    @Test func `random splits of a long stream`() {
        var generator = SeededGenerator(seed: 3)
        let bytes =
            Self.stream.dropLast(closeFrame(1001, "gone").count) + frame(2, Array(repeating: 1, count: 70_000))
            + Self.stream
        let expected = Self.parse([Array(bytes)])
        #expect(expected.failure == nil)
        for _ in 0..<200 {
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...4000, using: &generator))
                pieces.append(Array(piece))
                rest = rest[piece.endIndex...]
            }
            #expect(Self.parse(pieces) == expected)
        }
    }

    @Test func `a beginning is not a message`() {
        for count in 1..<7 {
            let outcome = Self.parse([Array(Self.hello[..<count])])
            #expect(!outcome.isBetweenFrames && outcome.failure == nil)
        }
    }

    @Test func `payload is not copied`() {
        var parser = WebSocketFrameParser(
            limits: WebSocketFrameParser.Limits(frameSize: 100, messageSize: 100),
            allowsCompression: false
        )
        var input = frame(2, [1, 2, 3])[...]
        let element = try? parser.next(&input)
        guard case .data(let bytes, _, _, _)? = element else {
            Issue.record("no data")
            return
        }
        #expect(bytes.startIndex == 2)
    }

    // MARK: Limits

    @Test func `the limit on frames is checked at the header`() {
        let limit = WebSocketFailure.tooBig("a frame has 101 bytes, but the limit is 100")
        #expect(Self.parse([[0x82, 101]], frameSize: 100).failure == limit)
        #expect(limit.closeCode == .messageTooBig)
        #expect(Self.parse([frame(2, Array(repeating: 0, count: 100))], frameSize: 100).failure == nil)
        #expect(Self.parse([frame(9, Array(repeating: 0, count: 125))], frameSize: 100).failure == nil)
    }

    @Test func `the limit on messages is checked at the header of the frame that exceeds it`() {
        let limit = WebSocketFailure.tooBig("a message has more than 100 bytes")
        let first = frame(2, Array(repeating: 0, count: 60), fin: false)
        #expect(Self.parse([first, frame(9), [0x80, 41]], messageSize: 100).failure == limit)
        let whole = first + frame(0, Array(repeating: 0, count: 40))
        #expect(Self.parse([whole + whole], messageSize: 100).failure == nil)
    }

    @Test func `coded data may be a little longer than the limit`() {
        let fits = frame(2, Array(repeating: 0, count: 164), rsv: 4)
        #expect(Self.parse([fits], messageSize: 100, allowsCompression: true).failure == nil)
        let outcome = Self.parse(
            [frame(2, Array(repeating: 0, count: 165), rsv: 4)],
            messageSize: 100,
            allowsCompression: true
        )
        #expect(outcome.failure == .tooBig("a message has more than 100 bytes"))
    }

    // MARK: Text

    @Test(arguments: UTF8ValidatorTests.invalid)
    func `text that is not UTF-8, in any frames`(name: String, bytes: [UInt8], place: Int) {
        let failure = WebSocketFailure.invalidPayload("a text is not UTF-8")
        for cut in 0...bytes.count {
            let frames = frame(1, Array(bytes[..<cut]), fin: false) + frame(0, Array(bytes[cut...]) + [0x21])
            for pieces in everySplit(frames) {
                let outcome = Self.parse(pieces)
                guard outcome.failure != failure else { continue }
                Issue.record("\(name) cut at \(cut): \(outcome)")
            }
        }
        // Bytes may be anything.
        #expect(Self.parse([frame(2, bytes)]).failure == nil)
    }

    @Test func `text that ends inside a character`() {
        for text in ["é", "€", "😀"] {
            let bytes = Array(text.utf8)
            for count in 1..<bytes.count {
                let failure = WebSocketFailure.invalidPayload("a text ends in the middle of a character")
                for pieces in everySplit(frame(1, Array(bytes[..<count]))) {
                    #expect(Self.parse(pieces).failure == failure)
                }
                // The first part was handed out already.
                let outcome = Self.parse([frame(1, Array(bytes[..<count]), fin: false) + frame(0, [])])
                #expect(outcome.failure == failure)
            }
        }
    }

    @Test func `compressed text is not looked at`() {
        let coded: [UInt8] = [0xFF, 0xFF]
        Self.check(
            frame(1, coded, rsv: 4),
            Outcome(.data(coded[...], isText: true, isCompressed: true, endsMessage: true)),
            allowsCompression: true
        )
        // The bit is in the first frame only.
        Self.check(
            frame(1, coded, fin: false, rsv: 4) + frame(0, [0xFE]),
            Outcome(.data([0xFF, 0xFF, 0xFE], isText: true, isCompressed: true, endsMessage: true)),
            allowsCompression: true
        )
    }
}
