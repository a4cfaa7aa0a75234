import HTTPHandlesCore
import HTTPHandlesDriver

/// How far the bodies of a request have come.
public struct TransferProgress: Sendable, Hashable {
    /// Bytes of the request's body that have gone out. They begin at 0 again where the body is sent again: after a
    /// redirect that keeps it, or where a pooled connection turned out to be dead.
    public let sent: Int64
    /// How many bytes are to be sent; `nil` if that is not known.
    public let expectedToSend: Int64?
    /// Bytes of the response's body that have arrived, before content decoding: these are what its length is about.
    public let received: Int64
    /// How many bytes the response has announced; `nil` where it has not, or there is no response yet.
    public let expectedToReceive: Int64?

    /// Makes a value, for tests.
    public init(sent: Int64 = 0, expectedToSend: Int64? = nil, received: Int64 = 0, expectedToReceive: Int64? = nil) {
        self.sent = sent
        self.expectedToSend = expectedToSend
        self.received = received
        self.expectedToReceive = expectedToReceive
    }
}

extension RequestHandle {
    /// How far the bodies have come, from now on, as an asynchronous sequence.
    ///
    ///     let watching = Task {
    ///         for await progress in request.progress() { print(progress.sent, "of", progress.expectedToSend ?? 0) }
    ///     }
    ///
    /// The first element comes at once. A listener that falls behind skips to the newest one, and delays nothing. The
    /// sequence ends when the request does; on a closed request after its first element. Any number may be made.
    /// Unlike the events `writeComplete` and `readComplete` it also counts bytes that were given to `send`, and what
    /// was not read yet.
    ///
    /// `CURLOPT_XFERINFOFUNCTION`.
    public nonisolated func progress() -> AsyncStream<TransferProgress> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: TransferProgress.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        object.bound.base.watchEnd()
        object.bound.driver.submit { [object] _ in object.value.watch(continuation) }
        return stream
    }
}

/// The progress of a request and its listeners. Belongs to the driver's thread.
struct ProgressReport {
    private var latest = TransferProgress()
    private var listeners: [AsyncStream<TransferProgress>.Continuation] = []
    private var isOver = false

    /// Without listeners, progress costs only this look.
    var isWatched: Bool { !listeners.isEmpty }

    mutating func add(_ listener: AsyncStream<TransferProgress>.Continuation) {
        listener.yield(latest)
        if isOver { listener.finish() } else { listeners.append(listener) }
    }

    mutating func update(_ progress: TransferProgress) {
        guard progress != latest else { return }
        latest = progress
        listeners.removeAll { listener in
            if case .terminated = listener.yield(progress) { true } else { false }
        }
    }

    mutating func end() {
        isOver = true
        for listener in listeners { listener.finish() }
        listeners = []
    }
}
