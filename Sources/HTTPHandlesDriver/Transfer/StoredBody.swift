package import HTTPHandlesCore
import HTTPHandlesLock

/// A request body that is there before it is sent, in memory and in files: its length is known, and it can be sent again
/// from any place, for a redirect, an authentication, a pooled connection that turned out to be dead.
///
/// libcurl takes bytes on the driver's thread. A disk can be slow, so files are read by tasks of the system's pool, two
/// blocks ahead; where libcurl is faster, it pauses until the next block is there. Who rewinds makes blocks that are
/// still being read useless: they are recognised by their round and dropped.
package final class StoredBody: Sendable {
    package enum Piece: Sendable {
        case bytes(BodyBytes)
        case file(ReadableFile)

        package var length: Int64 {
            switch self {
            case .bytes(let bytes): Int64(bytes.count)
            case .file(let file): file.length
            }
        }
    }

    private struct State {
        /// The piece that libcurl is at, and how much of it libcurl has.
        var index = 0
        var offset: Int64 = 0
        /// What was read ahead of the file at `index`; the first block contains `offset`.
        var blocks: [[UInt8]] = []
        /// How much of the first block libcurl has.
        var blockOffset = 0
        var isReading = false
        /// Counts the changes of place that make a block being read useless.
        var round = 0
        var failure: HandleError?
        /// Has the driver come back for more; `nil` while nothing is being sent.
        var resume: (@Sendable () -> Void)?
        /// libcurl was told to pause.
        var needsInput = false

        mutating func move(to place: (index: Int, offset: Int64)) {
            (index, offset) = place
            blocks = []
            blockOffset = 0
            round += 1
            failure = nil
        }

        var bufferedAhead: Int64 { blocks.reduce(0) { $0 + Int64($1.count) } - Int64(blockOffset) }
    }

    private static let blockSize = 256 * 1024

    private let pieces: [Piece]
    package let length: Int64
    /// What the body is; the caller's own `Content-Type` goes before it.
    package let contentType: String?
    /// That of the task that sends the body: files are read for it.
    private let priority = Task.currentPriority
    private let state = Lock(State())

    package init(_ pieces: [Piece], contentType: String? = nil) {
        self.pieces = pieces.filter { $0.length > 0 }
        length = pieces.reduce(0) { $0 + $1.length }
        self.contentType = contentType
    }

    // MARK: The driver

    /// The body is about to be sent, from its beginning. `resume` is called on any thread when there is more of it after
    /// `nothingYet`; it is kept until `stop`.
    package func start(_ resume: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.move(to: (0, 0))
            state.resume = resume
            state.needsInput = false
        }
    }

    /// The rest of the body is not needed.
    package func stop() {
        state.withLock { state in
            state.move(to: (0, 0))
            state.resume = nil
        }
    }

    /// Has libcurl go on from another place.
    func rewind(to offset: Int64) -> Bool {
        var rest = offset
        for (index, piece) in pieces.enumerated() {
            if rest < piece.length {
                state.withLock { $0.move(to: (index, rest)) }
                return true
            }
            rest -= piece.length
        }
        guard rest == 0 else { return false }
        state.withLock { $0.move(to: (pieces.count, 0)) }
        return true
    }

    /// Why there is no more, after `abort`.
    var failure: HandleError? { state.withLock { $0.failure } }

    /// Hands libcurl what is at hand and fits into `target`.
    func supply(_ target: UnsafeMutableRawBufferPointer) -> UploadBuffer.Supply {
        state.withLock { state in
            guard state.index < pieces.count else { return .end }
            let count: Int
            switch pieces[state.index] {
            case .bytes(let bytes):
                count = unsafe bytes.copy(from: Int(state.offset), to: target)
            case .file(let file):
                if state.failure != nil { return .abort }
                guard let block = state.blocks.first else {
                    state.needsInput = true
                    readAhead(file, &state)
                    return .nothingYet
                }
                count = unsafe BodyBytes(block).copy(from: state.blockOffset, to: target)
                state.blockOffset += count
                if state.blockOffset == block.count {
                    state.blocks.removeFirst()
                    state.blockOffset = 0
                }
            }
            state.offset += Int64(count)
            let piece = pieces[state.index]
            if state.offset == piece.length {
                state.move(to: (state.index + 1, 0))
            } else if case .file(let file) = piece {
                readAhead(file, &state)
            }
            return .bytes(count)
        }
    }

    // MARK: Collecting

    /// All of it, for a body that is not sent.
    package nonisolated(nonsending) func collect() async throws(HandleError) -> [UInt8] {
        let reading = Task.detached(priority: priority) { [pieces] in
            Result { () throws(HandleError) in
                var bytes: [UInt8] = []
                for piece in pieces {
                    switch piece {
                    case .bytes(let own): bytes += own.array
                    case .file(let file): bytes += try file.readAll()
                    }
                }
                return bytes
            }
        }
        return try await reading.value.get()
    }

    // MARK: Reading

    /// Begins to read the next block, if that is not going on and there is room and need for one.
    private func readAhead(_ file: ReadableFile, _ state: inout State) {
        let start = state.offset + state.bufferedAhead
        let count = Int(min(Int64(Self.blockSize), file.length - start))
        guard !state.isReading, state.failure == nil, state.blocks.count < 2, count > 0, state.resume != nil else {
            return
        }
        state.isReading = true
        let round = state.round
        Task.detached(priority: priority) { [self] in
            let block: Result<[UInt8], HandleError>
            do throws(HandleError) {
                block = .success(try file.read(at: start, count))
            } catch {
                block = .failure(error)
            }
            wasRead(block, round)
        }
    }

    private func wasRead(_ block: Result<[UInt8], HandleError>, _ round: Int) {
        let resume: (@Sendable () -> Void)? = state.withLock { state in
            state.isReading = false
            if round == state.round {
                switch block {
                case .success(let bytes): state.blocks.append(bytes)
                case .failure(let error): state.failure = error
                }
            }
            // Also after a block that was read too late: libcurl waits for another one, which is not being read yet.
            guard state.needsInput else { return nil }
            state.needsInput = false
            return state.resume
        }
        resume?()
    }
}
