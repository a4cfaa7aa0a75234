/// Deflates messages of a walk, which are a few bytes and a long run of one: as literals and as copies of the byte before, with
/// the fixed codes (RFC 1951, section 3.2.6).
struct RunDeflater {
    private var bytes: [UInt8] = []
    /// How many bits of the last byte are used.
    private var used = 8

    /// The payload of a compressed message (RFC 7692, section 7.2.1).
    static func payload(_ message: [UInt8]) -> [UInt8] {
        var deflater = RunDeflater()
        // Not the last block, fixed codes.
        for bit in [0, 1, 0] { deflater.append(bit: bit) }
        var rest = message[...]
        while let byte = rest.first {
            deflater.append(literal: Int(byte))
            rest = rest.dropFirst()
            while rest.count >= runLength, rest.prefix(runLength).allSatisfy({ $0 == byte }) {
                // The length 258 and the distance 1.
                deflater.append(code: 0b1100_0101, length: 8)
                deflater.append(code: 0, length: 5)
                rest = rest.dropFirst(runLength)
            }
        }
        // The end of the block, and an empty one of stored bytes, whose length is left out.
        deflater.append(code: 0, length: 7)
        for _ in 0..<3 { deflater.append(bit: 0) }
        return deflater.bytes
    }

    private static let runLength = 258

    private mutating func append(bit: Int) {
        if used == 8 {
            bytes.append(0)
            used = 0
        }
        bytes[bytes.count - 1] |= UInt8(bit << used)
        used += 1
    }

    /// Codes begin with their highest bit.
    private mutating func append(code: Int, length: Int) {
        for place in stride(from: length - 1, through: 0, by: -1) { append(bit: code >> place & 1) }
    }

    private mutating func append(literal: Int) {
        if literal < 144 {
            append(code: 0b0011_0000 + literal, length: 8)
        } else {
            append(code: 0b1_1001_0000 + literal - 144, length: 9)
        }
    }
}
