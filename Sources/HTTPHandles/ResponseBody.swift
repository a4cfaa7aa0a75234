import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// The body of a response: an asynchronous sequence of pieces as they arrive.
///
/// There is one body, whatever the number of iterators: each byte is delivered once. While nobody reads, up to 256 KiB
/// are kept; then the connection is paused. Each read takes everything that is there.
///
/// Events: `readComplete` for each piece, with 0 bytes at the end; on failure `requestError`. A body that ends before
/// its announced length is an error (`.connectionError`), after the bytes that did arrive. Closing the request or
/// cancelling the task discards what is left; a read that waits throws `.operationCancelled`. Throws `.timeout` with
/// `phase` receive or total; the time that the reader takes does not count.
///
/// `WinHttpReadData`; `CURLOPT_WRITEFUNCTION`.
public struct ResponseBody: AsyncSequence, Sendable {
    /// Pieces as they come, never empty.
    public typealias Element = [UInt8]
    /// What can go wrong while reading.
    public typealias Failure = HandleError

    let request: RequestHandle
    /// The body is all that the caller has of the request: the handle goes with it.
    let closesRequest: Bool

    /// Begins to read, or goes on where another iterator stopped.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Reads the rest of the body into memory.
    ///
    /// Throws `.insufficientBuffer` as soon as there is more than `limit`; the rest of the body stays unread.
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func collect(upTo limit: Int) async throws(HandleError) -> [UInt8] {
        var collected: [UInt8] = []
        while true {
            switch try await read() {
            case .bytes(let piece):
                guard collected.count + piece.count <= limit else {
                    if closesRequest { request.object.closeIfOpen() }
                    throw HandleError(.insufficientBuffer, .readData, reason: "the body is longer than \(limit) bytes")
                }
                if collected.isEmpty { collected = piece } else { collected += piece }
            case .end: return collected
            case .failed(let error): throw error
            }
        }
    }

    /// The next outcome. A body whose request nobody else has closes it with the last one.
    private nonisolated(nonsending) func read() async throws(HandleError) -> DownloadBuffer.Outcome {
        let outcome = try await request.read(upTo: .max)
        if closesRequest {
            switch outcome {
            case .bytes: break
            case .end, .failed: request.object.closeIfOpen()
            }
        }
        return outcome
    }

    /// Reads the next pieces of the body.
    public struct Iterator: AsyncIteratorProtocol {
        let body: ResponseBody
        private var isOver = false

        init(_ body: ResponseBody) {
            self.body = body
        }

        /// The next piece, never empty; `nil` at the end.
        public mutating func next() async throws(HandleError) -> [UInt8]? {
            guard !isOver else { return nil }
            switch try await body.read() {
            case .bytes(let bytes): return bytes
            case .end:
                isOver = true
                return nil
            case .failed(let error):
                isOver = true
                throw error
            }
        }

        /// The next piece, never empty; `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(HandleError) -> [UInt8]? {
            try await next()
        }
    }
}

extension RequestHandle {
    /// Takes what is in the buffer, or waits for more. The driver's thread is visited only when something waits there:
    /// libcurl to go on, or a listener to hear of the read.
    nonisolated(nonsending) func read(upTo limit: Int) async throws(HandleError) -> DownloadBuffer.Outcome {
        try requireUsable(.readData)
        let reporting = object.bound.base.tree.hasListeners
        if case .now(let outcome, let mustResume) = object.bound.download.take(upTo: limit, reporting: reporting) {
            if mustResume || reporting { tellDriver(mustResume) }
            return outcome
        }
        return await withTaskCancellationHandler {
            await TaskContinuation.suspend { continuation in
                let attempt = object.bound.download.take(upTo: limit, reporting: reporting) {
                    continuation.resume(returning: $0)
                }
                guard case .now(let outcome, let mustResume) = attempt else { return }
                if mustResume || reporting { tellDriver(mustResume) }
                continuation.resume(returning: outcome)
            }
        } onCancel: {
            object.closeIfOpen()
        }
    }

    private nonisolated func tellDriver(_ mustResume: Bool) {
        object.bound.driver.submit { [object] in object.value.bodyWasRead($0, mustResume: mustResume) }
    }
}
