import HTTPHandles
import HTTPHandlesDriver

/// Where the body goes: standard output, or a file with a progress bar on a terminal.
struct BodySink {
    private let file: WritableFile
    private let expected: Int?
    private let showsProgress: Bool
    private var written = 0
    private var drawnAt = 0

    /// - Parameter path: What `-o` says; standard output for `nil` and "-", as with curl.
    init(_ path: String?, expecting expected: Int?) throws(HandleError) {
        self.expected = expected
        let path = path == "-" ? nil : path
        showsProgress = path != nil && Terminal.isErrorTerminal
        file = if let path { try WritableFile(into: path) } else { try .standardOutput() }
    }

    mutating func write(_ bytes: [UInt8]) throws(HandleError) {
        try file.write(bytes)
        written += bytes.count
        if showsProgress, written - drawnAt >= 64 * 1024 { draw() }
    }

    /// Nothing more comes. What the system finds wrong only now is an error too.
    func complete() throws(HandleError) { try file.complete() }

    mutating func finishDrawing() {
        guard showsProgress else { return }
        draw()
        Terminal.draw("\n")
    }

    private mutating func draw() {
        drawnAt = written
        Terminal.draw("\r\u{1B}[K" + Self.bar(written, of: expected))
    }

    /// A bar where the length is known, else a count.
    static func bar(_ written: Int, of expected: Int?) -> String {
        guard let expected, expected > 0 else { return "\(written) bytes" }
        let width = 40
        let share = min(1, Double(written) / Double(expected))
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "[\(bar)] \(Int(share * 100)) %  \(written) of \(expected) bytes"
    }
}
