/// A line on the terminal that shows how many bytes have been received.
struct ProgressLine {
    private let expected: UInt64?
    private var drawn: UInt64 = 0

    /// `nil` if standard error is not a terminal.
    init?(expecting expected: UInt64? = nil) {
        guard Terminal.isErrorTerminal else { return nil }
        self.expected = expected
    }

    /// Draws the line again, unless fewer than 64 KiB have been received since it was last drawn.
    mutating func update(_ received: UInt64) {
        guard received >= drawn + 64 * 1024 else { return }
        drawn = received
        Self.draw(received, of: expected)
    }

    /// Draws the line for the last time.
    func finish(_ received: UInt64) {
        Self.draw(received, of: expected)
        Self.end()
    }

    static func draw(_ received: UInt64, of expected: UInt64?) {
        Terminal.draw("\r\u{1B}[K" + text(received, of: expected))
    }

    /// A bar if the length is known, otherwise the number of bytes.
    static func text(_ received: UInt64, of expected: UInt64?) -> String {
        guard let expected, expected > 0 else { return "\(received) bytes" }
        let width = 40
        let share = min(1, Double(received) / Double(expected))
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "[\(bar)] \(Int(share * 100)) %  \(received) of \(expected) bytes"
    }

    static func end() { Terminal.draw("\n") }
}
