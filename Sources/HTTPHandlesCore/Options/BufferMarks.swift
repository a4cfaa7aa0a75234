/// The low and the high mark of a buffer, in bytes: when its producer is paused and resumed.
public struct BufferMarks: Sendable, Hashable, CustomStringConvertible {
    /// A paused producer is resumed when the buffer has at most this many bytes left.
    public let low: Int
    /// The producer is paused when the buffer has at least this many bytes. A piece is never split, so the buffer can exceed
    /// the mark by one piece.
    public let high: Int

    /// Sets both marks.
    public init(low: Int = 64 * 1024, high: Int = 256 * 1024) {
        self.low = low
        self.high = high
    }

    /// Both marks, for example "65536 to 262144".
    public var description: String { "\(low) to \(high)" }

    package var problem: String? {
        0 <= low && low < high
            ? nil : "the low mark must be from 0 to less than the high mark, but the marks are \(self)"
    }
}
