import ArgumentParser
import Foundation

/// Where the body goes: standard output, or a file with a progress bar on a terminal.
struct BodySink {
    private let handle: FileHandle
    private let expected: Int?
    private let showsProgress: Bool
    private var written = 0
    private var drawnAt = 0

    init(file: String?, expecting expected: Int?) throws {
        self.expected = expected
        showsProgress = file != nil && Terminal.isErrorTerminal
        guard let file else {
            handle = .standardOutput
            return
        }
        guard FileManager.default.createFile(atPath: file, contents: nil),
            let handle = FileHandle(forWritingAtPath: file)
        else { throw ValidationError("\(file) cannot be written.") }
        self.handle = handle
    }

    mutating func write(_ bytes: [UInt8]) {
        handle.write(Data(bytes))
        written += bytes.count
        if showsProgress, written - drawnAt >= 64 * 1024 { draw() }
    }

    mutating func finish() {
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
        let filled = min(width, written * width / expected)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "[\(bar)] \(min(100, written * 100 / expected)) %  \(written) of \(expected) bytes"
    }
}
