import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
public import HTTPTypes

// Bodies that the caller's code makes, and can make again.

extension RequestBody {
    /// Pieces from a sequence that is made anew each time the body is sent: the first time, and when a redirect (307, 308), an
    /// authentication or a retry sends it again.
    ///
    ///     let body = RequestBody.restartable(length: size) { try ObjectReader(of: name) }
    ///
    /// The sequence is iterated never faster than the server takes its pieces, in a task of its own, which has the priority and
    /// the task-local values of the task that calls `send` or `fetch`. The task is cancelled when the body is to be sent again,
    /// the request ends, or the server answers before it has all of it.
    ///
    /// What `make` or the sequence throws ends the request with `.requestBodyFailed`, and is its `HandleError.underlying`.
    ///
    /// `CURLOPT_READFUNCTION`, `CURLOPT_SEEKFUNCTION`.
    ///
    /// - Parameters:
    ///   - length: How many bytes there will be; the request fails if there are more or fewer. `nil` if that is not known:
    ///     then HTTP/1.1 sends them chunked.
    ///   - make: Makes the sequence.
    public static func restartable<Pieces: AsyncSequence & Sendable>(
        length: Int64? = nil,
        _ make: @escaping @Sendable () async throws -> Pieces
    ) -> RequestBody where Pieces.Element: Collection<UInt8> {
        produced(length: length) { _, writer in
            _ = try await writer.write(all: try await make())
            return [:]
        }
    }

    /// As `restartable(length:_:)`, from any place.
    ///
    /// - Parameters:
    ///   - length: How many bytes the whole body has; `nil` if that is not known.
    ///   - make: Makes the sequence of the bytes from an offset on.
    public static func seekable<Pieces: AsyncSequence & Sendable>(
        length: Int64? = nil,
        _ make: @escaping @Sendable (_ offset: Int64) async throws -> Pieces
    ) -> RequestBody where Pieces.Element: Collection<UInt8> {
        produced(length: length, isSeekable: true) { offset, writer in
            _ = try await writer.write(all: try await make(offset))
            return [:]
        }
    }

    /// As `restartable(length:_:)`, with trailer fields behind the pieces, as in `stream(_:trailers:)`.
    ///
    /// - Parameters:
    ///   - make: Makes the sequence.
    ///   - trailers: Called each time when all pieces were written.
    public static func restartable<Pieces: AsyncSequence & Sendable>(
        _ make: @escaping @Sendable () async throws -> Pieces,
        trailers: @escaping @Sendable () async throws -> HTTPFields
    ) -> RequestBody where Pieces.Element: Collection<UInt8> {
        produced(length: nil, hasTrailers: true) { _, writer in
            try await writer.write(all: try await make()) ? try await trailers() : [:]
        }
    }

    /// A body that `writeAll` writes each time it is sent, from an offset on; it returns the trailer fields.
    static func produced(
        length: Int64?,
        hasTrailers: Bool = false,
        contentType: String? = nil,
        isSeekable: Bool = false,
        _ writeAll: @escaping @Sendable (Int64, SourceWriter) async throws -> HTTPFields
    ) -> RequestBody {
        RequestBody(
            source: .opened {
                .source(
                    .made(
                        length: length,
                        hasTrailers: hasTrailers,
                        contentType: contentType,
                        isSeekable: isSeekable,
                        writeAll
                    )
                )
            }
        )
    }
}

extension SourceBody {
    /// A body that `writeAll` writes each time it is sent, from an offset on; it returns the trailer fields. To be made by the
    /// task that sends it.
    static func made(
        length: Int64?,
        hasTrailers: Bool = false,
        contentType: String? = nil,
        isSeekable: Bool = false,
        _ writeAll: @escaping @Sendable (Int64, SourceWriter) async throws -> HTTPFields
    ) -> SourceBody {
        let caller = CallingTask()
        return SourceBody(
            length: length,
            hasTrailers: hasTrailers,
            contentType: contentType,
            isSeekable: isSeekable
        ) { body, buffer, offset, resume in
            let writer = SourceWriter(buffer: buffer, resume: resume)
            let producing = AskedQuestion {
                let error = await writer.produce { try await writeAll(offset, writer) }
                if let error { body.fail(buffer, error) }
            }
            caller.ask(producing)
            return { producing.cancel() }
        }
    }
}

/// Takes the pieces of a body.
protocol PieceWriter: Sendable {
    /// `false` if the server does not want the rest.
    nonisolated(nonsending) func write(_ piece: BodyBytes) async throws -> Bool
}

extension PieceWriter {
    /// `false` if the server did not want all of them.
    nonisolated(nonsending) func write<Pieces: AsyncSequence>(all pieces: Pieces) async throws -> Bool
    where Pieces.Element: Collection<UInt8> {
        try await write(all: pieces) { BodyBytes(Array($0)) }
    }

    /// `false` if the server did not want all of them.
    nonisolated(nonsending) func write<Pieces: AsyncSequence>(
        all pieces: Pieces,
        as makePiece: (Pieces.Element) -> BodyBytes
    ) async throws -> Bool {
        for try await piece in pieces {
            guard try await write(makePiece(piece)) else { return false }
        }
        return true
    }
}

/// Where the producer of a body writes to.
struct SourceWriter: PieceWriter {
    /// A piece was refused. A type of its own, because the caller's code may throw this library's errors about other requests.
    private struct Refusal: Error {
        let reason: HandleError
    }

    let buffer: UploadBuffer
    /// Has the driver come back for more.
    let resume: @Sendable () -> Void

    nonisolated(nonsending) func write(_ piece: BodyBytes) async throws -> Bool {
        switch await outcome(of: piece) {
        case .accepted: return true
        case .unwanted: return false
        case .failed(let error): throw Refusal(reason: error)
        }
    }

    private nonisolated(nonsending) func outcome(of piece: BodyBytes) async -> UploadBuffer.Outcome {
        if case .now(let outcome, let mustResume) = buffer.write(piece) {
            if mustResume { resume() }
            return outcome
        }
        return await TaskContinuation.suspend { continuation in
            let attempt = buffer.write(piece) { continuation.resume(returning: $0) }
            guard case .now(let outcome, let mustResume) = attempt else { return }
            if mustResume { resume() }
            continuation.resume(returning: outcome)
        }
    }

    /// Marks an error as one of this library about this body.
    func own<Value>(_ body: () throws(HandleError) -> Value) throws -> Value {
        do throws(HandleError) {
            return try body()
        } catch {
            throw Refusal(reason: error)
        }
    }

    /// Writes the whole body. Returns why the request has to end, if it has to.
    nonisolated(nonsending) func produce(_ writeAll: () async throws -> HTTPFields) async -> HandleError? {
        do {
            let trailers = try await writeAll()
            try own { () throws(HandleError) in try TrailerRules.check(trailers, for: .sendRequest) }
            guard case .now(let outcome, let mustResume) = buffer.finish(trailers: trailers) else { return nil }
            if mustResume { resume() }
            if case .failed(let error) = outcome { throw Refusal(reason: error) }
            return nil
        } catch let refusal as Refusal {
            return refusal.reason.seen(by: .sendRequest)
        } catch {
            let reason = "the sequence of the request body threw: \(error)"
            return HandleError(.requestBodyFailed, .sendRequest, reason: reason, underlying: error)
        }
    }
}
