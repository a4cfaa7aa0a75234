@testable import HTTPHandlesCore

/// A small inflater of raw deflate data (RFC 1951). It goes on after a final block, and stops at any byte of its input and
/// output.
final class SmallInflater: WebSocketInflater {
    private struct Malformed: Error {}
    private struct OutOfBits: Error {}

    private enum Stage {
        case header
        case stored(left: Int)
        case coded(literals: Code, distances: Code)
        case copy(left: Int, distance: Int, Code, Code)
    }

    /// A canonical Huffman code: the symbol of each pair of length and bits.
    struct Code {
        private var symbols: [Int: Int] = [:]

        init(_ lengths: [Int]) {
            var code = 0
            for length in 1...15 {
                for (symbol, _) in lengths.enumerated().filter({ $0.element == length }) {
                    symbols[length << 16 | code] = symbol
                    code += 1
                }
                code <<= 1
            }
        }

        subscript(length: Int, bits: Int) -> Int? { symbols[length << 16 | bits] }
    }

    static let fixedLiterals = Code((0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
    static let fixedDistances = Code(Array(repeating: 5, count: 30))
    static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145, 8193, 12289, 16385, 24577,
    ]

    static func lengthBits(_ symbol: Int) -> Int { symbol < 8 || symbol == 28 ? 0 : (symbol - 4) / 4 }
    static func distanceBits(_ symbol: Int) -> Int { symbol < 4 ? 0 : (symbol - 2) / 2 }

    private var stage = Stage.header
    private var isFinal = false
    private var coded: [UInt8] = []
    private var bit = 0
    private var window: [UInt8] = []
    private(set) var holdsOutput = false

    func reset() {
        window = []
    }

    func inflate(_ input: inout ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) throws(WebSocketFailure) {
        coded += input
        input = []
        let end = output.count + limit
        holdsOutput = false
        while true {
            guard output.count < end else {
                holdsOutput = true
                break
            }
            let (stageBefore, bitBefore) = (stage, bit)
            do {
                try step(&output)
            } catch is OutOfBits {
                (stage, bit) = (stageBefore, bitBefore)
                break
            } catch {
                throw .invalidPayload("malformed")
            }
        }
        coded.removeFirst(bit / 8)
        bit %= 8
        window = window.suffix(32768)
    }

    private func bits(_ count: Int) throws -> Int {
        var value = 0
        for place in 0..<count {
            guard bit / 8 < coded.count else { throw OutOfBits() }
            value |= Int(coded[bit / 8] >> (bit % 8) & 1) << place
            bit += 1
        }
        return value
    }

    private func symbol(_ code: Code) throws -> Int {
        var value = 0
        for length in 1...15 {
            value = value << 1 | (try bits(1))
            if let symbol = code[length, value] { return symbol }
        }
        throw Malformed()
    }

    private func emit(_ byte: UInt8, _ output: inout [UInt8]) {
        output.append(byte)
        window.append(byte)
    }

    private func step(_ output: inout [UInt8]) throws {
        switch stage {
        case .header:
            isFinal = try bits(1) == 1
            switch try bits(2) {
            case 0:
                bit = (bit + 7) / 8 * 8
                let length = try bits(16)
                guard try bits(16) == length ^ 0xFFFF else { throw Malformed() }
                stage = .stored(left: length)
            case 1: stage = .coded(literals: Self.fixedLiterals, distances: Self.fixedDistances)
            case 2: stage = try dynamicCodes()
            default: throw Malformed()
            }
        case .stored(let left):
            guard left > 0 else { return endBlock() }
            emit(UInt8(try bits(8)), &output)
            stage = .stored(left: left - 1)
        case .coded(let literals, let distances):
            let symbol = try symbol(literals)
            switch symbol {
            case ..<256: emit(UInt8(symbol), &output)
            case 256: endBlock()
            default:
                guard symbol - 257 < Self.lengthBases.count else { throw Malformed() }
                let length = Self.lengthBases[symbol - 257] + (try bits(Self.lengthBits(symbol - 257)))
                let code = try self.symbol(distances)
                guard code < Self.distanceBases.count else { throw Malformed() }
                let distance = Self.distanceBases[code] + (try bits(Self.distanceBits(code)))
                guard distance <= window.count else { throw Malformed() }
                stage = .copy(left: length, distance: distance, literals, distances)
            }
        case .copy(let left, let distance, let literals, let distances):
            guard left > 0 else { return stage = .coded(literals: literals, distances: distances) }
            emit(window[window.count - distance], &output)
            stage = .copy(left: left - 1, distance: distance, literals, distances)
        }
    }

    /// After a final block, what is left of the byte is not used.
    private func endBlock() {
        stage = .header
        if isFinal { bit = (bit + 7) / 8 * 8 }
    }

    private func dynamicCodes() throws -> Stage {
        let (literals, distances, lengths) = (try bits(5) + 257, try bits(5) + 1, try bits(4) + 4)
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var codeLengths = Array(repeating: 0, count: 19)
        for place in 0..<lengths { codeLengths[order[place]] = try bits(3) }
        let code = Code(codeLengths)
        var all: [Int] = []
        while all.count < literals + distances {
            switch try symbol(code) {
            case 16:
                guard let last = all.last else { throw Malformed() }
                all += Array(repeating: last, count: try bits(2) + 3)
            case 17: all += Array(repeating: 0, count: try bits(3) + 3)
            case 18: all += Array(repeating: 0, count: try bits(7) + 11)
            case let length: all.append(length)
            }
        }
        guard all.count == literals + distances else { throw Malformed() }
        return .coded(literals: Code(Array(all[..<literals])), distances: Code(Array(all[literals...])))
    }
}

/// A small deflater: fixed codes, and matches with what is in the window. It flushes as zlib's `Z_SYNC_FLUSH` does.
final class SmallDeflater: WebSocketDeflater {
    private let windowSize: Int
    private var window: [UInt8] = []
    private var coded: [UInt8] = []
    private var bitCount = 0
    private var isFlushed = true

    init(windowBits: Int = 15) {
        windowSize = 1 << windowBits
    }

    func reset() {
        window = []
    }

    func deflate(_ input: ArraySlice<UInt8>, into output: inout [UInt8], flush: Bool) throws(WebSocketFailure) {
        if !input.isEmpty { block(Array(input)) }
        if flush, !isFlushed {
            put(0, 3)
            bitCount = (bitCount + 7) / 8 * 8
            while coded.count < bitCount / 8 { coded.append(0) }
            coded += deflateTail
            bitCount = coded.count * 8
            isFlushed = true
        }
        // All but a byte that is not full.
        let whole = bitCount / 8
        output += coded[..<whole]
        coded.removeFirst(whole)
        bitCount -= whole * 8
    }

    private func put(_ value: Int, _ count: Int) {
        for place in 0..<count {
            if bitCount / 8 == coded.count { coded.append(0) }
            coded[bitCount / 8] |= UInt8(value >> place & 1) << (bitCount % 8)
            bitCount += 1
        }
    }

    /// Huffman codes begin with their highest bit.
    private func putCode(_ value: Int, _ count: Int) {
        for place in (0..<count).reversed() { put(value >> place & 1, 1) }
    }

    private func putLiteral(_ symbol: Int) {
        switch symbol {
        case ..<144: putCode(0x30 + symbol, 8)
        case ..<256: putCode(0x190 + symbol - 144, 9)
        case ..<280: putCode(symbol - 256, 7)
        default: putCode(0xC0 + symbol - 280, 8)
        }
    }

    private func block(_ input: [UInt8]) {
        isFlushed = false
        put(0b010, 3)
        var all = window + input
        var place = window.count
        while place < all.count {
            if let (length, distance) = match(all, place) {
                let symbol = SmallInflater.lengthBases.lastIndex { $0 <= length } ?? 0
                putLiteral(257 + symbol)
                put(length - SmallInflater.lengthBases[symbol], SmallInflater.lengthBits(symbol))
                let code = SmallInflater.distanceBases.lastIndex { $0 <= distance } ?? 0
                putCode(code, 5)
                put(distance - SmallInflater.distanceBases[code], SmallInflater.distanceBits(code))
                place += length
            } else {
                putLiteral(Int(all[place]))
                place += 1
            }
        }
        putLiteral(256)
        all.removeFirst(max(0, all.count - windowSize))
        window = all
    }

    /// The longest of a few matches.
    private func match(_ all: [UInt8], _ place: Int) -> (length: Int, distance: Int)? {
        var best: (length: Int, distance: Int)?
        for distance in [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 100, 128, 256] where distance <= min(place, windowSize) {
            var length = 0
            while length < 258, place + length < all.count, all[place + length] == all[place + length - distance] {
                length += 1
            }
            if length >= 3, length > best?.length ?? 0 { best = (length, distance) }
        }
        return best
    }
}

extension WebSocketCompression {
    static func small(_ agreement: PermessageDeflate.Agreement = PermessageDeflate.Agreement()) -> WebSocketCompression
    {
        WebSocketCompression(
            agreement,
            inflater: SmallInflater(),
            deflater: SmallDeflater(windowBits: agreement.clientWindowBits)
        )
    }
}
