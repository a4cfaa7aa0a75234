package import HTTPHandlesCore
import HTTPHandlesLock
package import HTTPTypes

/// The body of a response that was not received by a request handle.
///
/// It behaves as one that was: pieces are delivered once, a read while another one waits is refused, a cancelled task and
/// `close` end it, and a read that waits then throws `.operationCancelled`.
package final class MadeBody: Sendable {
    /// The next piece; `nil` at the end, with the trailer fields.
    package typealias Next = @Sendable () async throws(HandleError) -> MadePiece

    private struct State {
        var phase = Phase.open
        /// What a read has left of a piece.
        var rest: [UInt8] = []
        var pending: EndableCall<MadePiece>?
        var trailers = HTTPFields()
        var contentType: String?
        var closers: [TaskContinuation<Void>] = []
    }

    private enum Phase {
        case open, ended, closed
        case failed(HandleError)
    }

    private let next: Next
    /// The body that the closure reads from; it ends with this one.
    let inner: ResponseBody?
    private let state = Lock(State())

    private let onClose: (@Sendable () -> Void)?

    init(from inner: ResponseBody?, onClose: (@Sendable () -> Void)?, _ next: @escaping Next) {
        self.inner = inner
        self.onClose = onClose
        self.next = next
    }

    var trailers: HTTPFields { state.withLock { $0.trailers } }
    var contentType: String? { state.withLock { $0.contentType } }

    func setContentType(_ text: String?) { state.withLock { $0.contentType = text } }

    func requireUsable(_ operation: HandleOperation) throws(HandleError) {
        if Task.isCancelled {
            close()
            throw .cancelled(operation)
        }
        if case .closed = state.withLock({ $0.phase }) { throw .closed(operation) }
    }

    /// Ends the body. A read that waits throws `.operationCancelled`.
    package func close() {
        var pending: EndableCall<MadePiece>?
        var closers: [TaskContinuation<Void>] = []
        let isClosed = state.withLock { state in
            if case .closed = state.phase { return true }
            state.phase = .closed
            state.rest = []
            (pending, closers, state.closers) = (state.pending, state.closers, [])
            return false
        }
        if isClosed { return }
        pending?.end(.cancelled(.readData))
        inner?.close()
        onClose?()
        for closer in closers { closer.resume() }
    }

    nonisolated(nonsending) func closed() async {
        await TaskContinuation.suspend { continuation in
            let isClosed = state.withLock { state in
                if case .closed = state.phase { return true }
                state.closers.append(continuation)
                return false
            }
            if isClosed { continuation.resume() }
        }
        await inner?.closed()
    }

    /// How much can be read without waiting, after waiting for something; 0 at the end.
    nonisolated(nonsending) func available() async throws(HandleError) -> Int {
        guard let piece = try await read(upTo: .max, .queryDataAvailable) else { return 0 }
        state.withLock { state in
            if case .closed = state.phase { return }
            state.rest = piece + state.rest
        }
        return piece.count
    }

    /// The next bytes; `nil` at the end.
    nonisolated(nonsending) func read(
        upTo limit: Int,
        _ operation: HandleOperation = .readData
    ) async throws(HandleError) -> [UInt8]? {
        while true {
            try requireUsable(operation)
            let call = EndableCall<MadePiece>()
            if let known = try begin(call, upTo: limit, operation) {
                if known.isEmpty { close() }
                return known.isEmpty ? nil : known
            }
            let outcome: Result<MadePiece, HandleError> = await withTaskCancellationHandler {
                await call.run { [next] () async throws(HandleError) in try await next() }
            } onCancel: {
                close()
            }
            if let error = finish(outcome, operation) {
                close()
                throw error
            }
        }
    }

    /// What can be read at once, empty at the end; `nil` if `call` has to be made.
    private func begin(
        _ call: EndableCall<MadePiece>,
        upTo limit: Int,
        _ operation: HandleOperation
    ) throws(HandleError) -> [UInt8]? {
        let result: Result<[UInt8]?, HandleError> = state.withLock { state in
            if state.pending != nil { return .failure(.wrongState(operation, "readData has not finished yet")) }
            if !state.rest.isEmpty {
                let taken = Array(state.rest.prefix(limit))
                state.rest.removeFirst(taken.count)
                return .success(taken)
            }
            switch state.phase {
            case .ended: return .success([])
            case .failed(let error): return .failure(error.seen(by: operation))
            case .closed: return .failure(.closed(operation))
            case .open:
                state.pending = call
                return .success(nil)
            }
        }
        return try result.get()
    }

    private func finish(_ outcome: Result<MadePiece, HandleError>, _ operation: HandleOperation) -> HandleError? {
        state.withLock { state in
            state.pending = nil
            if case .closed = state.phase { return .cancelled(operation) }
            switch outcome {
            case .success(.bytes(let bytes)): state.rest = bytes
            case .success(.end(let trailers)):
                state.phase = .ended
                state.trailers = trailers
            case .failure(let error):
                state.phase = .failed(error)
                return error.seen(by: operation)
            }
            return nil
        }
    }
}

/// What comes next of a `MadeBody`.
package enum MadePiece: Sendable {
    /// May be empty.
    case bytes([UInt8])
    case end(trailers: HTTPFields)
}

/// A call of code that is not the library's. It can be ended from outside, whether or not that code looks whether its task is
/// cancelled.
package final class EndableCall<Value: Sendable>: Sendable {
    package typealias Outcome = Result<Value, HandleError>

    private struct State {
        var outcome: Outcome?
        var waiter: TaskContinuation<Outcome>?
        var task: Task<Void, Never>?
    }

    private let state = Lock(State())

    package init() {}

    /// Calls `body` in a task of its own, and returns its result, or the error that the call was ended with.
    package nonisolated(nonsending) func run(
        _ body: @escaping @Sendable () async throws(HandleError) -> Value
    ) async -> Outcome {
        let task = Task {
            let outcome: Outcome
            do throws(HandleError) {
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
            settle(outcome)
        }
        let isOver = state.withLock { state in
            state.task = task
            return state.outcome != nil
        }
        if isOver { task.cancel() }
        return await TaskContinuation.suspend { continuation in
            let outcome: Outcome? = state.withLock { state in
                if state.outcome == nil { state.waiter = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }

    /// Ends the call with an error, unless it is over.
    package func end(_ error: HandleError) {
        settle(.failure(error))
        state.withLock { $0.task }?.cancel()
    }

    private func settle(_ outcome: Outcome) {
        let waiter: TaskContinuation<Outcome>? = state.withLock { state in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            return state.waiter.take()
        }
        waiter?.resume(returning: outcome)
    }
}
