import Foundation

/// The lines of standard input, as bytes. Reading blocks.
struct InputLines: Sequence, IteratorProtocol {
    private var bytes: [UInt8] = []
    private var searched = 0
    private var isOver = false
    private var piece = [UInt8](repeating: 0, count: 65_536)

    /// The next line without its line feed; the last one need not have one.
    mutating func next() -> [UInt8]? {
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(bytes[..<end])
                bytes.removeFirst(end + 1)
                searched = 0
                return line
            }
            searched = bytes.count
            guard !isOver else {
                guard !bytes.isEmpty else { return nil }
                defer { (bytes, searched) = ([], 0) }
                return bytes
            }
            let count = unsafe read(STDIN_FILENO, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            bytes += piece.prefix(Swift.max(0, count))
            isOver = count <= 0
        }
    }
}
