public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
public import HTTPTypes

/// One exchange with a server: a request, and its response. It can be sent again after it is over.
///
/// `WinHttpOpenRequest`'s handle.
public actor RequestHandle {
    let object: DriverBound<RequestObject>
    /// Made when a body is to be written.
    private let upload = Lock<UploadBuffer?>(nil)

    init(
        _ message: RequestMessage,
        file: String? = nil,
        of session: DriverBound<SessionObject>,
        context: HandleContext?
    ) {
        let base = HandleBase(.request, in: session.bound.base.tree, context: context)
        object = DriverBound(RequestObject(base, message, file: file, of: session.bound))
    }

    deinit {
        object.closeIfOpen()
    }

    /// The session's driver: calls between the handles of a session do not change threads.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe object.bound.base.driver.asUnownedSerialExecutor()
    }

    // MARK: Sending

    /// Sends the request, and the body as far as it is given here.
    ///
    /// Possible when nothing of the request is pending: on a new handle, and again after it was sent, also before its
    /// response was read. Events: everything from `resolvingName` to `requestSent`, then `sendRequestComplete`; on
    /// failure `requestError`. Returns when the whole request is on its way; with `.writes`, when its head is. Should
    /// the server answer with a status of 300 or above before it has the whole body, `send` returns early, and `receiveResponse`
    /// tells the answer.
    ///
    /// Closing the handle or cancelling the task ends the transfer: `send` throws `.operationCancelled`, and the
    /// connection is closed (HTTP/1) or the stream reset (HTTP/2). Throws `.timeout` with `phase` queue, resolve,
    /// connect or send.
    ///
    /// `WinHttpSendRequest`; `curl_multi_add_handle`.
    public nonisolated(nonsending) func send(_ body: RequestBody = .none) async throws(HandleError) {
        switch body.source {
        case .none: try await start(.none)
        case .bytes(let bytes): try await start(.bytes(bytes))
        case .opened(let open):
            try requireUsable(.sendRequest)
            try await start(open())
        case .writes(let length, let hasTrailers):
            try await start(.stream(uploadBuffer(), length: length, hasTrailers: hasTrailers))
        case .stream(let length, let hasTrailers, let writeAll):
            // A buffer of its own, so that a sequence that goes on after its exchange writes into no other.
            let upload = UploadBuffer()
            try await start(.stream(upload, length: length, hasTrailers: hasTrailers))
            try await pump(writeAll, to: upload)
        }
    }

    private nonisolated(nonsending) func start(_ body: TransferRequest.Body) async throws(HandleError) {
        let caller = Caller(of: object.bound.base)
        try await perform(.sendRequest) { [object] continuation in
            { engine in object.value.send(body, for: caller, engine, continuation) }
        }
    }

    /// How a streamed body came to its end: by its producer, or by what has become of the exchange.
    private enum StreamEnd {
        case produced(HandleError?)
        case decided(UploadBuffer.Outcome)
    }

    /// Lets the caller's own code write the body. What it throws ends the request.
    ///
    /// That code may be waiting for something else when the body is of no more use, because the handle was closed, the
    /// exchange failed or the server has answered. So it runs in a child task, which is cancelled then.
    private nonisolated(nonsending) func pump(
        _ writeAll: @escaping @Sendable (BodyWriter) async throws -> HTTPFields,
        to upload: UploadBuffer
    ) async throws(HandleError) {
        upload.beginProducing()
        let failure: HandleError? = await withTaskCancellationHandler {
            await withTaskGroup(of: StreamEnd.self) { group in
                group.addTask { .produced(await self.produce(writeAll, to: upload)) }
                group.addTask {
                    .decided(
                        await TaskContinuation.suspend { continuation in
                            let known = upload.watch { continuation.resume(returning: $0) }
                            if let known { continuation.resume(returning: known) }
                        }
                    )
                }
                var failure: HandleError?
                for await end in group {
                    switch end {
                    case .produced(let error?):
                        // If the handle is closed, this error is only an effect of that. The same if the task is
                        // cancelled, whose handler may not have closed it yet.
                        let error = Task.isCancelled ? HandleError.cancelled(.writeData) : error
                        guard object.bound.base.isOpen, upload.fail(error) else { break }
                        failure = error
                        object.closeIfOpen()
                    case .produced(nil): break
                    case .decided(let outcome):
                        group.cancelAll()
                        if case .failed(let error) = outcome { failure = failure ?? error }
                    }
                }
                return failure
            }
        } onCancel: {
            object.closeIfOpen()
        }
        if let failure { throw failure }
    }

    /// Runs in a task of its own. Its cancellation does not close the request.
    private nonisolated(nonsending) func produce(
        _ writeAll: @Sendable (BodyWriter) async throws -> HTTPFields,
        to upload: UploadBuffer
    ) async -> HandleError? {
        let trailers: HTTPFields
        do {
            trailers = try await writeAll(BodyWriter.into(upload, of: self))
        } catch let error as BodyWriter.Refusal {
            return error.reason
        } catch {
            let reason = "the sequence of the request body threw: \(error)"
            return HandleError(.requestBodyFailed, .writeData, reason: reason, underlying: error)
        }
        // Many sequences end when their task is cancelled. To the server that would be the end of the body.
        if Task.isCancelled { return .cancelled(.writeData) }
        do {
            try endWriting(of: upload, trailers)
            return nil
        } catch {
            return error
        }
    }

    private nonisolated func uploadBuffer() -> UploadBuffer {
        upload.withLock { upload in
            if let upload { return upload }
            let made = UploadBuffer(isCallers: true)
            upload = made
            return made
        }
    }

    /// Writes the next piece of a body that was announced with `RequestBody.writes(length:)`.
    ///
    /// Possible after `send` and until `finishWriting`. Returns when the piece was taken over, which waits while the
    /// server is slow; `writeComplete` follows when libcurl has sent it. If the server has answered with a status of 300 or above, or its
    /// response is complete, the piece is not sent and `false` is returned: go on with `receiveResponse`.
    ///
    /// Closing the handle or cancelling the task makes it throw `.operationCancelled`. Throws `.invalidParameter` for
    /// more bytes than announced.
    ///
    /// `WinHttpWriteData`; `CURLOPT_READFUNCTION`.
    @discardableResult
    public nonisolated(nonsending) func write(_ bytes: some Collection<UInt8>) async throws(HandleError) -> Bool {
        try await write(BodyBytes(Array(bytes)))
    }

    nonisolated(nonsending) func write(_ piece: BodyBytes) async throws(HandleError) -> Bool {
        try requireUsable(.writeData)
        let outcome = await withTaskCancellationHandler {
            await self.outcome(of: piece, for: uploadBuffer())
        } onCancel: {
            object.closeIfOpen()
        }
        return try outcome.isAccepted
    }

    fileprivate nonisolated(nonsending) func put(
        _ piece: BodyBytes,
        in upload: UploadBuffer
    ) async throws(HandleError) -> Bool {
        try object.bound.base.requireOpen(.writeData)
        return try await outcome(of: piece, for: upload).isAccepted
    }

    private nonisolated(nonsending) func outcome(of piece: BodyBytes, for upload: UploadBuffer) async
        -> UploadBuffer.Outcome
    {
        if case .now(let outcome, let mustResume) = upload.write(piece) {
            if mustResume { resumeSending() }
            return outcome
        }
        return await TaskContinuation.suspend { continuation in
            let attempt = upload.write(piece) { continuation.resume(returning: $0) }
            guard case .now(let outcome, let mustResume) = attempt else { return }
            if mustResume { resumeSending() }
            continuation.resume(returning: outcome)
        }
    }

    private nonisolated func resumeSending() {
        object.bound.base.driver.submit { [object] in object.value.bodyWasWritten($0) }
    }

    /// Ends a body that was announced with `RequestBody.writes(length:)`.
    ///
    /// Throws `.invalidParameter` if fewer bytes were written than announced, and for trailer fields that were not
    /// announced, do not belong behind a body, or are too long. The body goes on then; nothing of them is sent.
    ///
    /// `CURLOPT_TRAILERFUNCTION`.
    ///
    /// - Parameter trailers: What follows a body that was announced with `RequestBody.writes(trailers:)`. If the server
    ///   has answered without waiting for the body, they are not sent, like the rest of the body.
    public nonisolated(nonsending) func finishWriting(trailers: HTTPFields = [:]) async throws(HandleError) {
        try requireUsable(.writeData)
        try endWriting(of: uploadBuffer(), trailers)
    }

    private nonisolated func endWriting(of upload: UploadBuffer, _ trailers: HTTPFields) throws(HandleError) {
        try object.bound.base.requireOpen(.writeData)
        try TrailerRules.check(trailers, for: .writeData)
        guard case .now(let outcome, let mustResume) = upload.finish(trailers: trailers) else { return }
        if mustResume { resumeSending() }
        if case .failed(let error) = outcome { throw error.asSeenByTask }
    }

    // MARK: Receiving

    /// Waits for the head of the response.
    ///
    /// Possible once after each `send`, also while `send` is not over; in another state it throws
    /// `.incorrectHandleState`, which is also a `requestError` event and leaves the request as it is. Events:
    /// `receivingResponse`, `responseReceived`, `headersAvailable`; `redirect` and the events of the next hop before
    /// that; on failure `requestError`.
    ///
    /// Closing the handle or cancelling the task makes it throw `.operationCancelled`. Throws `.timeout` with `phase`
    /// response or total.
    ///
    /// `WinHttpReceiveResponse`; `CURLOPT_HEADERFUNCTION`.
    public nonisolated(nonsending) func receiveResponse() async throws(HandleError) -> ResponseHead {
        try await perform(.receiveResponse) { [object] continuation in
            { engine in object.value.receiveResponse(engine, continuation) }
        }
    }

    /// The body of the response, to be read once `receiveResponse` has returned.
    public nonisolated var body: ResponseBody { ResponseBody(request: self, closesRequest: false) }
}

/// Where the caller's own code writes a body to.
struct BodyWriter: PieceWriter {
    /// A piece was refused. A type of its own, because the caller's code may throw this library's errors about other requests.
    fileprivate struct Refusal: Error {
        let reason: HandleError
    }

    /// `false` if the rest is not wanted.
    private let put: @Sendable (BodyBytes) async throws -> Bool

    init(_ put: @escaping @Sendable (BodyBytes) async throws -> Bool) {
        self.put = put
    }

    fileprivate static func into(_ upload: UploadBuffer, of request: RequestHandle) -> BodyWriter {
        BodyWriter { piece in
            do throws(HandleError) {
                return try await request.put(piece, in: upload)
            } catch {
                throw Refusal(reason: error)
            }
        }
    }

    nonisolated(nonsending) func write(_ piece: BodyBytes) async throws -> Bool {
        try await put(piece)
    }
}

extension UploadBuffer.Outcome {
    /// `false` if the server does not want the piece.
    fileprivate var isAccepted: Bool {
        get throws(HandleError) {
            switch self {
            case .accepted: true
            case .unwanted: false
            case .failed(let error): throw error.asSeenByTask
            }
        }
    }
}

extension RequestHandle: Handle {
    /// The library's own reference to the handle.
    public nonisolated var reference: HandleReference { HandleReference(object.bound) }
}
