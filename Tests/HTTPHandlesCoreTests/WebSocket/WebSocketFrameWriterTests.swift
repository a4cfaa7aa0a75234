import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket frame writer")
struct WebSocketFrameWriterTests {
    @Test func `masking agrees with the definition, from any start and offset`() {
        let key = WebSocketMaskingKey(0x37FA_213D)
        for count in 0...40 {
            let payload = (0..<count).map { UInt8($0 &* 37 & 0xFF) }
            for start in 0...9 {
                for offset in 0...9 {
                    var bytes = Array(repeating: 0xAA, count: start) + payload
                    key.apply(to: &bytes, from: start, at: offset)
                    let bits: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
                    let expected = payload.enumerated().map { $0.element ^ bits[($0.offset + offset) % 4] }
                    guard bytes != Array(repeating: 0xAA, count: start) + expected else { continue }
                    Issue.record("\(count) bytes from \(start) at \(offset)")
                }
            }
        }
    }

    @Test func `the example of RFC 6455`() {
        var writer = WebSocketFrameWriter()
        var output: [UInt8] = []
        writer.begin(.text, Array("Hello".utf8)[...], WebSocketMaskingKey(0x37FA_213D), into: &output)
        writer.write(into: &output, upTo: 100)
        #expect(output == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
        #expect(!writer.isInsideFrame)
    }

    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536, 100_000])
    func `a frame of any length, in pieces of any size`(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        for limit in [1, 2, 3, 5, 13, 14, 15, 1000, 1 << 20] where count < 1000 || limit > 100 {
            var writer = WebSocketFrameWriter()
            var output: [UInt8] = []
            var isFirst = true
            repeat {
                var piece: [UInt8] = []
                if isFirst {
                    let key = WebSocketMaskingKey(0x0102_0304)
                    writer.begin(.binary, payload[...], isFinal: false, isCompressed: true, key, into: &piece)
                    isFirst = false
                }
                writer.write(into: &piece, upTo: limit)
                #expect(piece.count <= limit && !piece.isEmpty)
                output += piece
            } while writer.isInsideFrame
            let (frames, keys, left) = SentFrame.all(in: output)
            #expect(frames == [SentFrame(opcode: 2, payload: payload, fin: false, rsv: 4)])
            #expect(keys == [[1, 2, 3, 4]] && left == 0)
            #expect(output.count == count + (count <= 125 ? 6 : count <= 65_535 ? 8 : 14))
        }
    }
}
