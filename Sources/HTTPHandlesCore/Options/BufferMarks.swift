/// When a buffer makes the faster side wait, in bytes.
public struct BufferMarks: Sendable, Hashable, CustomStringConvertible {
    /// A buffer that was full lets the faster side go on when no more than this is left in it.
    public let low: Int
    /// A buffer with this much in it is full. What comes in one piece is taken whole, so it can hold one piece more.
    public let high: Int

    /// Sets both marks.
    public init(low: Int = 64 * 1024, high: Int = 256 * 1024) {
        self.low = low
        self.high = high
    }

    /// Both marks, for example "65536 to 262144".
    public var description: String { "\(low) to \(high)" }

    package var problem: String? {
        0 <= low && low < high ? nil : "the low mark is from 0 to below the high mark"
    }
}
