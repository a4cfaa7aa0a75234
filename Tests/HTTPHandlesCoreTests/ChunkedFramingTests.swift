import HTTPHandlesCore
import Testing

@Suite("Framing of chunked bodies")
struct ChunkedFramingTests {
    private static func framing(_ body: String, piece: Int? = nil) -> ChunkedFraming {
        var framing = ChunkedFraming()
        let bytes = Array(body.utf8)
        let length = piece ?? bytes.count
        for start in stride(from: 0, to: bytes.count, by: max(1, length)) {
            framing.take(bytes[start..<min(start + length, bytes.count)])
        }
        return framing
    }

    static let complete: [(body: String, dataBytes: Int64)] = [
        ("0\r\n\r\n", 0), ("4\r\nbody\r\n0\r\n\r\n", 4), ("4;name=\"value\"\r\nbody\r\n000\r\n\r\n", 4),
        ("1\r\na\r\nB\r\n0123456789\n\r\n0 ;x\r\nName: value\r\nOther:\r\n\r\n", 12),
        ("00000000000000A\r\n0\r\n\r\n0\r\n\r\r\r\n0\r\n\r\n", 10), ("4\r\nbody\r\n0\r\n\r\nmore", 4),
    ]

    @Test(arguments: complete, [nil, 1, 2, 3])
    func `a complete body`(example: (body: String, dataBytes: Int64), piece: Int?) {
        let framing = Self.framing(example.body, piece: piece)
        #expect(framing.isComplete)
        #expect(framing.dataBytes == example.dataBytes)
    }

    @Test func `a body is complete with its last byte`() {
        for (body, dataBytes) in Self.complete where !body.hasSuffix("more") {
            for length in 0..<body.utf8.count {
                let framing = Self.framing(String(decoding: body.utf8.prefix(length), as: UTF8.self))
                #expect(!framing.isComplete, "\(length) bytes of \(body)")
                #expect(framing.dataBytes <= dataBytes)
            }
        }
    }

    @Test(arguments: [
        "", "\r\n\r\n", ";x\r\n\r\n", "x\r\n\r\n", "-0\r\n\r\n", "0\n\n", "0\r\r\n\r\n", "0\r\n\n", "0;x\n\r\n\r\n",
        "4\r\nbody0\r\n\r\n", "4\r\nbody\n0\r\n\r\n", "4\r\nbody\rx0\r\n\r\n", "0\r\nName: value\n\r\n",
        "0\r\nName: va\rlue\r\n\r\n", "0\r\n\rx\r\n\r\n", "00000000000000000\r\n\r\n", "8000000000000000\r\n",
        "ffffffffffffffff\r\n0\r\n\r\n",
    ])
    func `a malformed body is never complete`(body: String) {
        #expect(!Self.framing(body).isComplete)
        #expect(!Self.framing(body + "\r\n0\r\n\r\n").isComplete)
    }
}
