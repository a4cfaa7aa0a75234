import HTTPHandles

/// Measures loops over the bytes of a body in memory: `benchmark-bytes`. Prints nanoseconds per byte, the least of five rounds.
@main
enum Bytes {
    static let pieces = 256
    static let piece = (0..<65_536).map { UInt8(truncatingIfNeeded: $0) }

    nonisolated static func main() async throws {
        try await measure("pieces, then their bytes") { try await sumOfPieces(body()) }
        try await measure("body.bytes, nonisolated") { try await sum(body().bytes) }
        try await measure("body.bytes, main actor") { try await sumOnMainActor(body().bytes) }
        try await measure("an iterator with isolated next") { try await sum(IsolatedBytes(body: body())) }
    }

    static func body() -> ResponseBody {
        let left = Countdown(pieces)
        return ResponseBody.pieces { () async throws(HandleError) in await left.next() ? piece : nil }
    }

    static func measure(_ name: String, _ body: () async throws -> Int) async throws {
        let clock = ContinuousClock()
        var least = Duration.seconds(3600)
        for _ in 0..<5 {
            let start = clock.now
            let sum = try await body()
            least = min(least, clock.now - start)
            precondition(sum == pieces * 65_536 / 256 * (255 * 128))
        }
        let picoseconds = least.components.attoseconds / 1_000_000 / Int64(pieces * piece.count)
        print("\(name): \(Double(picoseconds) / 1000) ns")
    }
}

actor Countdown {
    var left: Int

    init(_ left: Int) {
        self.left = left
    }

    func next() -> Bool {
        left -= 1
        return left >= 0
    }
}

nonisolated func sumOfPieces(_ body: ResponseBody) async throws -> Int {
    var sum = 0
    for try await piece in body {
        for byte in piece { sum &+= Int(byte) }
    }
    return sum
}

nonisolated func sum(_ bytes: ResponseBody.Bytes) async throws -> Int {
    var sum = 0
    for try await byte in bytes { sum &+= Int(byte) }
    return sum
}

@MainActor
func sumOnMainActor(_ bytes: ResponseBody.Bytes) async throws -> Int {
    var sum = 0
    for try await byte in bytes { sum &+= Int(byte) }
    return sum
}

nonisolated func sum(_ bytes: IsolatedBytes) async throws -> Int {
    var sum = 0
    for try await byte in bytes { sum &+= Int(byte) }
    return sum
}

/// The usual form of such an iterator.
struct IsolatedBytes: AsyncSequence {
    typealias Element = UInt8
    let body: ResponseBody

    func makeAsyncIterator() -> Iterator { Iterator(pieces: body.makeAsyncIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        var pieces: ResponseBody.Iterator
        var piece: [UInt8] = []
        var index = 0

        mutating func next() async throws(HandleError) -> UInt8? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(HandleError) -> UInt8? {
            if index < piece.count {
                defer { index &+= 1 }
                return piece[index]
            }
            guard let next = try await pieces.next() else { return nil }
            (piece, index) = (next, 1)
            return next.first
        }
    }
}
