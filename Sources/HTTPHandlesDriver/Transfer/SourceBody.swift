package import HTTPHandlesCore
import HTTPHandlesLock
import HTTPTypes

/// A request body that the caller's code produces, and can produce again: for a redirect, an authentication, a retry, a
/// pooled connection that turned out to be dead.
///
/// Each time it is sent, a producer of its own writes into a buffer of its own. The driver's thread takes from the present
/// buffer; a producer that is not needed any more is cancelled, and what it writes is refused.
package final class SourceBody: Sendable {
    /// Begins to produce the body from `offset` on, and returns what ends that. It gets the buffer to write to, and what has
    /// the driver come back for more. At its end it calls `finish` or `fail` of the body with that buffer.
    package typealias Producer =
        @Sendable (
            _ body: SourceBody, _ buffer: UploadBuffer, _ offset: Int64, _ resume: @escaping @Sendable () -> Void
        ) -> @Sendable () -> Void

    private struct State {
        var buffer: UploadBuffer?
        var cancel: (@Sendable () -> Void)?
        var failure: HandleError?
        /// Has the driver come back for more; `nil` while nothing is being sent.
        var resume: (@Sendable () -> Void)?
        var marks = BufferMarks()
    }

    /// `nil` if it is not known.
    package let length: Int64?
    package let hasTrailers: Bool
    /// What the body is; the caller's own `Content-Type` goes before it.
    package let contentType: String?
    /// Whether it can begin in the middle.
    private let isSeekable: Bool
    private let produce: Producer
    private let state = Lock(State())

    package init(
        length: Int64?,
        hasTrailers: Bool = false,
        contentType: String? = nil,
        isSeekable: Bool = false,
        _ produce: @escaping Producer
    ) {
        self.length = length
        self.hasTrailers = hasTrailers
        self.contentType = contentType
        self.isSeekable = isSeekable
        self.produce = produce
    }

    // MARK: The producer, on any thread

    /// Its body has failed: the exchange ends with `error`, if it is still about this buffer.
    package func fail(_ buffer: UploadBuffer, _ error: HandleError) {
        let resume: (@Sendable () -> Void)? = state.withLock { state in
            guard state.buffer === buffer, state.failure == nil else { return nil }
            state.failure = error
            return state.resume
        }
        guard let resume else { return }
        buffer.end(error)
        resume()
    }

    // MARK: The driver

    /// The present buffer; `nil` while nothing is being sent.
    package var buffer: UploadBuffer? { state.withLock { $0.buffer } }

    /// Why there is no more, after `abort`.
    package var failure: HandleError? { state.withLock { $0.failure } }

    /// The body is about to be sent, from its beginning. `resume` is called on any thread when there is more of it after
    /// `nothingYet`; it is kept until `stop`.
    package func start(_ marks: BufferMarks, _ resume: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.resume = resume
            state.marks = marks
        }
        begin(at: 0)
    }

    /// The rest of the body is not needed.
    package func stop() {
        let (buffer, cancel) = state.withLock { state in
            defer { state = State() }
            return (state.buffer, state.cancel)
        }
        end(buffer, cancel)
    }

    /// The server does not want the rest, or the exchange has failed.
    package func cancelProducer() {
        state.withLock { $0.cancel.take() }?()
    }

    /// Has the producer begin again.
    func restart(at offset: Int64) -> Bool {
        guard offset == 0 || isSeekable, offset <= length ?? .max else { return false }
        begin(at: offset)
        return true
    }

    private func begin(at offset: Int64) {
        let new = UploadBuffer()
        new.open(length: length.map { $0 - offset }, hasTrailers: hasTrailers, state.withLock { $0.marks })
        let (old, resume) = state.withLock { state in
            defer {
                state.buffer = new
                state.cancel = nil
                state.failure = nil
            }
            return ((state.buffer, state.cancel), state.resume)
        }
        end(old.0, old.1)
        guard let resume else { return }
        let cancel = produce(self, new, offset, resume)
        state.withLock { state in
            if state.buffer === new { state.cancel = cancel }
        }
    }

    private func end(_ buffer: UploadBuffer?, _ cancel: (@Sendable () -> Void)?) {
        if let delivery = buffer?.close() { delivery.resume(delivery.outcome) }
        cancel?()
    }
}
