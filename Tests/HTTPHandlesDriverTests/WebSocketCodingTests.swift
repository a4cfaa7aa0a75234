import Testing

@testable import HTTPHandlesCore
@testable import HTTPHandlesDriver

/// zlib's engines for the messages of WebSockets.
@Suite("Coding of messages")
struct WebSocketCodingTests {
    static func coded(_ text: some Sequence<UInt8>, by engine: MessageDeflaterEngine) throws -> [UInt8] {
        var output: [UInt8] = []
        try engine.deflate(Array(text)[...], into: &output, flush: true)
        return output
    }

    static func inflated(_ coded: [UInt8], by engine: MessageInflaterEngine, limit: Int = 1 << 20) throws -> [UInt8] {
        var (rest, output) = (coded[...], [UInt8]())
        repeat {
            try engine.inflate(&rest, into: &output, limit: limit)
        } while !rest.isEmpty || engine.holdsOutput
        return output
    }

    @Test(arguments: [9, 12, 15])
    func `there and back, with the window of the messages before`(_ bits: Int) throws {
        let (deflater, inflater) = (MessageDeflaterEngine(windowBits: bits), MessageInflaterEngine(windowBits: bits))
        let text = Array("all work and no play makes Jack a dull boy".utf8)
        var lengths: [Int] = []
        for _ in 0..<3 {
            let coded = try Self.coded(text, by: deflater)
            #expect(coded.suffix(4) == [0, 0, 0xFF, 0xFF])
            lengths.append(coded.count)
            #expect(try Self.inflated(coded, by: inflater) == text)
        }
        // Later ones refer to the first.
        #expect(lengths[1] < lengths[0] / 2 && lengths[2] < lengths[0] / 2)
        deflater.reset()
        inflater.reset()
        let again = try Self.coded(text, by: deflater)
        #expect(again.count == lengths[0])
        #expect(try Self.inflated(again, by: inflater) == text)
    }

    @Test func `a flush after a flush appends nothing`() throws {
        let deflater = MessageDeflaterEngine(windowBits: 15)
        _ = try Self.coded([1, 2, 3], by: deflater)
        #expect(try Self.coded([], by: deflater) == [])
    }

    @Test func `long messages, and short limits`() throws {
        let (deflater, inflater) = (MessageDeflaterEngine(windowBits: 15), MessageInflaterEngine(windowBits: 15))
        let long = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 >> 3) }
        let coded = try Self.coded(long, by: deflater)
        for limit in [1000, 16384, 1 << 20] {
            #expect(try Self.inflated(coded, by: inflater, limit: limit) == long)
            inflater.reset()
        }
        var (rest, output) = (coded[...], [UInt8]())
        try inflater.inflate(&rest, into: &output, limit: 100)
        #expect(output.count == 100 && (inflater.holdsOutput || !rest.isEmpty))
    }

    /// RFC 7692, section 7.2.3.5: "Hello" in a block with the final bit, followed by another that refers to it.
    @Test func `after a final block the window is the same`() throws {
        let inflater = MessageInflaterEngine(windowBits: 15)
        let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF]
        #expect(try Self.inflated(final, by: inflater) == Array("Hello".utf8))
        // "Hello" once more, as in section 7.2.3.2 with the window of the first.
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF]
        #expect(try Self.inflated(second, by: inflater) == Array("Hello".utf8))
    }

    @Test func `malformed data`() {
        let inflater = MessageInflaterEngine(windowBits: 15)
        #expect(throws: WebSocketFailure.self) { try Self.inflated([0xFF, 0xFF, 0xFF, 0xFF], by: inflater) }
    }
}
