import Foundation

/// Standard input as a sequence of pieces, read on threads that may block.
struct StandardInput: AsyncSequence, Sendable {
    struct Iterator: AsyncIteratorProtocol {
        mutating func next() async throws -> [UInt8]? {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(
                        with: Result {
                            let piece = try FileHandle.standardInput.read(upToCount: 64 * 1024) ?? Data()
                            return piece.isEmpty ? nil : [UInt8](piece)
                        }
                    )
                }
            }
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator() }
}
