import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// The body of a response: an asynchronous sequence of pieces as they arrive.
///
/// There is one body, whatever the number of iterators: each byte is delivered once. While it is not read, up to 256 KiB
/// are kept; then the connection is paused. Each read takes everything that is there.
///
/// Events: `readComplete` for each piece, with 0 bytes at the end; on failure `requestError`. A body that ends before
/// its announced length is an error (`.connectionError`), after the bytes that did arrive. Closing the request or
/// cancelling the task discards what is left; a read that waits throws `.operationCancelled`. Throws `.timeout` with
/// `phase` receive or total; the time that the reader takes does not count, apart from decoding that gives nothing.
///
/// `WinHttpReadData`; `CURLOPT_WRITEFUNCTION`.
public struct ResponseBody: AsyncSequence, Sendable {
    /// Pieces as they come, never empty.
    public typealias Element = [UInt8]
    /// What can go wrong while reading.
    public typealias Failure = HandleError

    enum Source: Sendable {
        /// Where `closesRequest`, the caller has nothing of the request but the body: its end closes the handle.
        case exchange(RequestHandle, closesRequest: Bool)
        case made(MadeBody)
    }

    let source: Source
    /// The handle keeps nothing of size, so that its end can wait until the driver has something else to do.
    private let isSmall: Bool

    init(source: Source) {
        self.source = source
        isSmall = false
    }

    init(request: RequestHandle, closesRequest: Bool, isSmall: Bool = false) {
        source = .exchange(request, closesRequest: closesRequest)
        self.isSmall = isSmall
    }

    /// Begins to read, or goes on where another iterator stopped.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Reads the rest of the body into memory.
    ///
    /// Throws `.insufficientBuffer` as soon as there is more than `limit`; the rest of the body stays unread.
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func collect(upTo limit: Int) async throws(HandleError) -> [UInt8] {
        try await collect(as: [UInt8].self, upTo: limit)
    }

    /// Reads the rest of the body into a collection: an array without copying a body of one piece, others with one copy.
    package nonisolated(nonsending) func collect<Bytes: RangeReplaceableCollection<UInt8>>(
        as type: Bytes.Type,
        upTo limit: Int
    ) async throws(HandleError) -> Bytes {
        try requireLimit(limit)
        var collected = Bytes()
        var count = 0
        var isReserved = false
        while true {
            guard let piece = try await next(upTo: .max) else { return collected }
            guard count + piece.count <= limit else { throw tooLong(limit) }
            let isFirst = count == 0
            count += piece.count
            if isFirst, let whole = piece as? Bytes {
                collected = whole
                continue
            }
            if !isReserved, let expected = expectedCount {
                collected.reserveCapacity(Swift.min(expected, limit, Self.trustedSize))
                isReserved = true
            }
            collected += piece
        }
    }

    func requireLimit(_ limit: Int) throws(HandleError) {
        guard limit >= 0 else { throw .invalidParameter(.readData, "the limit must be at least 0, but is \(limit)") }
    }

    /// The body has more than the caller accepts: ends the exchange where the caller has nothing of it but the body.
    func tooLong(_ limit: Int) -> HandleError {
        closeRequest()
        return HandleError(.insufficientBuffer, .readData, reason: "the body is longer than \(limit) bytes")
    }

    /// For how many announced bytes there is memory before they come.
    static let trustedSize = 1 << 20

    /// Reads at most `limit` bytes, and waits until there is at least one; empty at the end of the body.
    ///
    /// `WinHttpReadData`.
    public nonisolated(nonsending) func read(upTo limit: Int) async throws(HandleError) -> [UInt8] {
        guard limit > 0 else { throw .invalidParameter(.readData, "the limit must be at least 1, but is \(limit)") }
        return try await next(upTo: limit) ?? []
    }

    /// Waits until there is something to read, and tells how many bytes can be read without waiting; 0 at the end of the
    /// body.
    ///
    /// Event: `dataAvailable`. Nothing is taken from the body.
    ///
    /// `WinHttpQueryDataAvailable`.
    public nonisolated(nonsending) func available() async throws(HandleError) -> Int {
        guard case .exchange(let request, _) = source else { return try await made?.available() ?? 0 }
        switch try await request.read(.count) {
        case .available(let count): return count
        case .failed(let error): throw error.asSeenByTask
        default: return 0
        }
    }

    /// The next bytes; `nil` at the end, where a body that `closesRequest` does so.
    fileprivate nonisolated(nonsending) func next(upTo limit: Int) async throws(HandleError) -> [UInt8]? {
        guard case .exchange(let request, let closesRequest) = source else {
            return try await made?.read(upTo: limit)
        }
        let readRequest = DownloadBuffer.ReadRequest.bytes(upTo: limit)
        // What is there already needs no asynchronous call.
        let ready = try request.readNow(readRequest)
        let outcome = if let ready { ready } else { try await request.read(readRequest) }
        if case .bytes(let bytes) = outcome { return bytes }
        try end(request, closesRequest, outcome)
        return nil
    }

    #if NIO
    /// The next bytes, in memory of the type of `empty`; `nil` at the end.
    nonisolated(nonsending) func next(into empty: any BodySink) async throws(HandleError) -> (any BodySink)? {
        guard case .exchange(let request, let closesRequest) = source else {
            guard let bytes = try await made?.read(upTo: .max) else { return nil }
            var sink = empty
            sink.append(bytes)
            return sink
        }
        let readRequest = DownloadBuffer.ReadRequest.sink(empty)
        let ready = try request.readNow(readRequest)
        let outcome = if let ready { ready } else { try await request.read(readRequest) }
        if case .sink(let sink) = outcome { return sink }
        try end(request, closesRequest, outcome)
        return nil
    }
    #endif

    /// There are no bytes: the body is over, whole or not.
    private func end(
        _ request: RequestHandle,
        _ closesRequest: Bool,
        _ outcome: DownloadBuffer.Outcome
    ) throws(HandleError) {
        if case .failed(let error) = outcome {
            // A read that was refused, because another one is pending, has changed nothing.
            if closesRequest, error.code != .incorrectHandleState { request.object.closeIfOpen() }
            throw error.asSeenByTask
        }
        guard closesRequest else { return }
        if isSmall, !request.object.bound.download.hasDecoder {
            request.object.closeWhenDone()
        } else {
            request.object.closeIfOpen()
        }
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
            // Over, unless something comes.
            isOver = true
            let piece = try await body.next(upTo: .max)
            isOver = piece == nil
            return piece
        }

        /// The next piece, never empty; `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(HandleError) -> [UInt8]? {
            try await next()
        }
    }
}

extension RequestHandle {
    /// Takes what is there, or waits for more.
    nonisolated(nonsending) func read(_ readRequest: DownloadBuffer.ReadRequest) async throws(HandleError)
        -> DownloadBuffer.Outcome
    {
        while true {
            if let outcome = try readNow(readRequest) { return outcome }
            let reporting = object.bound.base.tree.hasListeners
            let outcome = await wait(for: readRequest, reporting: reporting)
            if let decoded = decoded(outcome, readRequest, reporting: reporting) { return decoded }
            // Decoding may take many steps before it gives something: others may run between them.
            await Task.yield()
        }
    }

    /// Takes what is there; `nil` if there is nothing yet, also where decoding has more to do. A command is submitted only
    /// if libcurl has to go on, or if there are listeners to the read.
    fileprivate nonisolated func readNow(_ readRequest: DownloadBuffer.ReadRequest) throws(HandleError)
        -> DownloadBuffer.Outcome?
    {
        try requireUsable(readRequest.operation)
        let reporting = object.bound.base.tree.hasListeners
        guard
            case .now(let outcome, let mustResume) = object.bound.download.take(readRequest, reporting: reporting)
        else { return nil }
        if mustResume || reporting { tellDriver(mustResume) }
        return decoded(outcome, readRequest, reporting: reporting)
    }

    private nonisolated(nonsending) func wait(
        for readRequest: DownloadBuffer.ReadRequest,
        reporting: Bool
    ) async -> DownloadBuffer.Outcome {
        await withTaskCancellationHandler {
            await TaskContinuation.suspend { continuation in
                let attempt = object.bound.download.take(readRequest, reporting: reporting) {
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

    /// What the reader gets. Decoding is done by its task, in steps; after a step that gave nothing it is `nil`.
    private nonisolated func decoded(
        _ outcome: DownloadBuffer.Outcome,
        _ readRequest: DownloadBuffer.ReadRequest,
        reporting: Bool
    ) -> DownloadBuffer.Outcome? {
        guard case .decode(let decoder) = outcome else { return outcome }
        let result: DownloadBuffer.Outcome?
        let report: DownloadBuffer.Report
        do {
            switch readRequest {
            case .bytes(let limit):
                let bytes = try decoder.pull(upTo: limit)
                result = bytes.isEmpty ? nil : .bytes(bytes)
                report = .read(bytes: bytes.count)
            #if NIO
            case .sink(var sink):
                sink.append(try decoder.pull(upTo: .max))
                result = sink.count == 0 ? nil : .sink(sink)
                report = .read(bytes: sink.count)
            #endif
            case .count:
                let count = try decoder.available()
                result = count == 0 ? nil : .available(count)
                report = .available(bytes: count)
            }
        } catch {
            result = .failed(error.seen(by: readRequest.operation))
            report = .failed(error.seen(by: readRequest.operation))
        }
        guard let result else { return nil }
        if let error = object.bound.download.decoded(report, of: readRequest, by: decoder, reporting: reporting) {
            return .failed(error)
        }
        if reporting { tellDriver(false) }
        return result
    }

    private nonisolated func tellDriver(_ mustResume: Bool) {
        object.bound.driver.submit { [object] in object.value.bodyWasRead($0, mustResume: mustResume) }
    }
}
