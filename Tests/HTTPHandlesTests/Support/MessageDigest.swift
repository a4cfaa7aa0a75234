/// The two hashes of Digest authentication, for test servers. Slow.
enum MessageDigest: String, CaseIterable {
    case md5 = "MD5"
    case sha256 = "SHA-256"

    /// In hexadecimal digits.
    func callAsFunction(_ text: String) -> String { self(Array(text.utf8)) }

    /// In hexadecimal digits.
    func callAsFunction(_ bytes: [UInt8]) -> String {
        let hash =
            switch self {
            case .md5: Self.md5(bytes)
            case .sha256: Self.sha256(bytes)
            }
        return hash.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }

    // MARK: MD5 (RFC 1321)

    private static func md5(_ message: [UInt8]) -> [UInt8] {
        let shifts: [[UInt32]] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
        for words in blocks(message, isBigEndian: false) {
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            for step in 0..<64 {
                let (mixed, word): (UInt32, Int) =
                    switch step / 16 {
                    case 0: ((b & c) | (~b & d), step)
                    case 1: ((d & b) | (~d & c), (5 * step + 1) % 16)
                    case 2: (b ^ c ^ d, (3 * step + 5) % 16)
                    default: (c ^ (b | ~d), 7 * step % 16)
                    }
                let sum = a &+ mixed &+ md5Constants[step] &+ words[word]
                let shift = shifts[step / 16][step % 4]
                (a, d, c, b) = (d, c, b, b &+ (sum << shift | sum >> (32 - shift)))
            }
            state = zip(state, [a, b, c, d]).map { $0 &+ $1 }
        }
        return state.flatMap { word in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }

    /// The first 32 fractional bits of the sines of 1 to 64, from their Taylor series.
    private static let md5Constants: [UInt32] = (1...64).map { step in
        UInt32(abs(sine(Double(step))) * 4_294_967_296)
    }

    private static func sine(_ value: Double) -> Double {
        let angle = value.truncatingRemainder(dividingBy: 2 * .pi)
        var (sum, term) = (0.0, angle)
        for power in stride(from: 1.0, to: 61, by: 2) {
            sum += term
            term *= -angle * angle / ((power + 1) * (power + 2))
        }
        return sum
    }

    // MARK: SHA-256 (RFC 6234)

    private static func sha256(_ message: [UInt8]) -> [UInt8] {
        func right(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }
        var state = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
        for block in blocks(message, isBigEndian: true) {
            var words = block
            for index in 16..<64 {
                let (near, far) = (words[index - 2], words[index - 15])
                let nearMixed: UInt32 = right(near, 17) ^ right(near, 19) ^ (near >> 10)
                let farMixed: UInt32 = right(far, 7) ^ right(far, 18) ^ (far >> 3)
                words.append(words[index - 16] &+ words[index - 7] &+ nearMixed &+ farMixed)
            }
            var s = state
            for index in 0..<64 {
                let choice: UInt32 = (s[4] & s[5]) ^ (~s[4] & s[6])
                let majority: UInt32 = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2])
                let upper: UInt32 = right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25)
                let lower: UInt32 = right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22)
                let first: UInt32 = s[7] &+ upper &+ choice &+ sha256Constants[index] &+ words[index]
                let second: UInt32 = lower &+ majority
                s = [first &+ second, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
            }
            state = zip(state, s).map { $0 &+ $1 }
        }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }

    private static let primes = (2...311).filter { number in !(2..<number).contains { number % $0 == 0 } }

    /// The first 32 fractional bits.
    private static func fraction(_ value: Double) -> UInt32 {
        UInt32(value.truncatingRemainder(dividingBy: 1) * 4_294_967_296)
    }

    private static let sha256Constants: [UInt32] = primes.map { prime in
        var root = Double(prime) / 3
        for _ in 0..<100 { root -= (root * root * root - Double(prime)) / (3 * root * root) }
        return fraction(root)
    }

    /// The message with its padding, as blocks of 16 words.
    private static func blocks(_ message: [UInt8], isBigEndian: Bool) -> [[UInt32]] {
        var bytes = message + [0x80]
        while bytes.count % 64 != 56 { bytes.append(0) }
        let length = UInt64(message.count * 8)
        for index in 0..<8 {
            let shift = 8 * (isBigEndian ? 7 - index : index)
            bytes.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        var blocks: [[UInt32]] = []
        for offset in stride(from: 0, to: bytes.count, by: 4) {
            var word: UInt32 = 0
            for index in 0..<4 {
                let shift = 8 * (isBigEndian ? 3 - index : index)
                word |= UInt32(bytes[offset + index]) << UInt32(shift)
            }
            if offset % 64 == 0 { blocks.append([]) }
            blocks[blocks.count - 1].append(word)
        }
        return blocks
    }
}
