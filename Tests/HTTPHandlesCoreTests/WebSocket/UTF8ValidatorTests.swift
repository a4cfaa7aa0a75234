import Testing

@testable import HTTPHandlesCore

@Suite("UTF-8 in pieces")
struct UTF8ValidatorTests {
    enum Verdict: Hashable {
        case valid
        /// The text may go on.
        case unfinished(Int)
        /// The number of the byte that cannot be there.
        case fails(at: Int)
    }

    /// One byte at a time.
    static func verdict(_ bytes: [UInt8]) -> Verdict {
        var validator = UTF8Validator()
        for (place, byte) in bytes.enumerated() where !validator.take([byte]) { return .fails(at: place) }
        return validator.isComplete ? .valid : .unfinished(validator.unfinishedBytes)
    }

    /// Whether the whole is valid, unfinished, or not.
    static func verdict(ofPieces pieces: [[UInt8]]) -> Verdict {
        var validator = UTF8Validator()
        for (place, piece) in pieces.enumerated() where !validator.take(piece[...]) { return .fails(at: place) }
        return validator.isComplete ? .valid : .unfinished(validator.unfinishedBytes)
    }

    @Test func `every character, whole and truncated at every point`() {
        // All of one and two bytes, and of the others each that begins with other bytes, and its last.
        let others = stride(from: UInt32(0x800), through: 0x10FFC0, by: 0x40).flatMap { [$0, $0 + 0x3F] }
        for value in Array(0...0x7FF) + others {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            guard Self.verdict(bytes) == .valid else {
                Issue.record("\(value) is refused")
                return
            }
            // The lengths of the beginnings are the same for all with the same first byte.
            guard value & 0x3F == 0, bytes.count > 1 else { continue }
            for count in 1..<bytes.count {
                guard Self.verdict(Array(bytes[..<count])) == .unfinished(count),
                    Self.verdict(bytes[..<count] + [0x41]) == .fails(at: count),
                    Self.verdict(bytes[..<count] + [0xC3]) == .fails(at: count),
                    Self.verdict(bytes + [0x80]) == .fails(at: bytes.count)
                else {
                    Issue.record("\(value) truncated at \(count)")
                    return
                }
            }
        }
    }

    @Test func `every pair of bytes`() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let expected: Verdict
                switch first {
                case 0x00...0x7F:
                    expected =
                        switch second {
                        case 0x00...0x7F: .valid
                        case 0xC2...0xF4: .unfinished(1)
                        default: .fails(at: 1)
                        }
                case 0xC2...0xDF: expected = (0x80...0xBF).contains(second) ? .valid : .fails(at: 1)
                case 0xE0: expected = (0xA0...0xBF).contains(second) ? .unfinished(2) : .fails(at: 1)
                case 0xED: expected = (0x80...0x9F).contains(second) ? .unfinished(2) : .fails(at: 1)
                case 0xF0: expected = (0x90...0xBF).contains(second) ? .unfinished(2) : .fails(at: 1)
                case 0xF4: expected = (0x80...0x8F).contains(second) ? .unfinished(2) : .fails(at: 1)
                case 0xE1...0xF3: expected = (0x80...0xBF).contains(second) ? .unfinished(2) : .fails(at: 1)
                default: expected = .fails(at: 0)
                }
                guard Self.verdict([first, second]) != expected else { continue }
                Issue.record("\(first) \(second) is \(Self.verdict([first, second])), not \(expected)")
            }
        }
    }

    /// The name, the bytes, and the byte that cannot be there.
    static let invalid: [(String, [UInt8], Int)] = [
        ("a continuation alone", [0x80], 0), ("another", [0xBF], 0),
        ("two continuations after a character", [0xC3, 0xA9, 0x80], 2),
        ("/ in two bytes", [0xC0, 0xAF], 0), ("/ in three bytes", [0xE0, 0x80, 0xAF], 1),
        ("/ in four bytes", [0xF0, 0x80, 0x80, 0xAF], 1), ("NUL in two bytes", [0xC0, 0x80], 0),
        ("U+007F in two bytes", [0xC1, 0xBF], 0), ("U+07FF in three bytes", [0xE0, 0x9F, 0xBF], 1),
        ("U+FFFF in four bytes", [0xF0, 0x8F, 0xBF, 0xBF], 1),
        ("the first high surrogate", [0xED, 0xA0, 0x80], 1), ("the last high surrogate", [0xED, 0xAF, 0xBF], 1),
        ("the first low surrogate", [0xED, 0xB0, 0x80], 1), ("the last low surrogate", [0xED, 0xBF, 0xBF], 1),
        ("a surrogate pair", [0xED, 0xA1, 0x80, 0xED, 0xB0, 0x80], 1),
        ("U+110000", [0xF4, 0x90, 0x80, 0x80], 1), ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80], 0),
        ("six bytes", [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], 0), ("FE", [0xFE], 0), ("FF", [0xFF], 0),
        ("a character cut by a letter", [0xE2, 0x82, 0x41], 2),
        ("Latin-1", Array("caf".utf8) + [0xE9, 0x21], 4),
    ]

    @Test(arguments: invalid)
    func `fails at the first byte that cannot be there, for any split`(name: String, bytes: [UInt8], place: Int) {
        for before in ["", "κόσμε", String(repeating: "a", count: 300)] {
            let all = Array(before.utf8) + bytes + Array("after".utf8)
            #expect(Self.verdict(all) == .fails(at: before.utf8.count + place), "\(name)")
            for cut in 0...all.count {
                let verdict = Self.verdict(ofPieces: [Array(all[..<cut]), Array(all[cut...])])
                guard verdict != .fails(at: cut > before.utf8.count + place ? 0 : 1) else { continue }
                Issue.record("\(name) cut at \(cut)")
            }
        }
    }

    @Test func `random bytes agree with the standard library`() {
        var generator = SeededGenerator(seed: 7)
        let interesting: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                interesting.randomElement(using: &generator) ?? 0
            }
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let verdict = Self.verdict(ofPieces: [Array(bytes[..<cut]), Array(bytes[cut...])])
            guard (verdict == .valid) != (String(validating: bytes, as: UTF8.self) != nil) else { continue }
            Issue.record("\(bytes)")
        }
    }
}
