/// Validates UTF-8 (RFC 3629) that comes in pieces. Fails at the first byte that cannot be part of a valid text.
struct UTF8Validator: Sendable {
    /// How many bytes of the present character are missing.
    private var missing = 0
    /// How many bytes of the present character came; 0 between characters.
    private(set) var unfinishedBytes = 0
    /// What the next continuation byte may be. The second byte of some characters is limited: otherwise the character would
    /// be encoded too long, a surrogate, or above U+10FFFF.
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// Whether the text may end here.
    var isComplete: Bool { missing == 0 }

    /// Takes the next bytes. Returns whether they may be part of a valid text.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            // Most texts are ASCII, and whole blocks of it can be tested with few instructions.
            let block = rest.prefix(256)
            rest = rest[block.endIndex...]
            if missing == 0, block.reduce(0, |) < 0x80 { continue }
            for byte in block {
                guard take(byte) else { return false }
            }
        }
        return true
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard missing > 0 else { return begin(byte) }
        guard lowest <= byte, byte <= highest else { return false }
        (lowest, highest) = (0x80, 0xBF)
        missing -= 1
        unfinishedBytes = missing == 0 ? 0 : unfinishedBytes + 1
        return true
    }

    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case ..<0x80: return true
        case 0xC2...0xDF: missing = 1
        case 0xE0: (missing, lowest) = (2, 0xA0)
        case 0xED: (missing, highest) = (2, 0x9F)
        case 0xE1...0xEF: missing = 2
        case 0xF0: (missing, lowest) = (3, 0x90)
        case 0xF4: (missing, highest) = (3, 0x8F)
        case 0xF1...0xF3: missing = 3
        default: return false
        }
        unfinishedBytes = 1
        return true
    }
}
