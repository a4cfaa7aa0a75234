public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
package import HTTPTypes

extension RequestBody {
    /// Whether the body can be sent more than once: everything but `stream`, whose sequence is iterated once, and `writes`.
    public var canBeSentAgain: Bool {
        switch source {
        case .none, .bytes, .opened: true
        case .stream, .writes: false
        }
    }

    /// Reads the body into memory.
    ///
    /// A `stream` is iterated by this, and cannot be sent afterwards; other bodies can. Cancelling the task ends the collecting.
    ///
    /// Throws `.insufficientBuffer` if there is more than `limit`, `.invalidParameter` for `writes`, which has no bytes yet, and
    /// what `send` would throw.
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func collect(upTo limit: Int) async throws(HandleError) -> [UInt8] {
        try await collected(upTo: limit).bytes
    }

    /// The same body in memory, where it can be collected and sent any number of times, for example to be signed. It has no
    /// trailer fields. Throws as `collect(upTo:)`.
    ///
    ///     request.body = try await request.body.buffered(upTo: 1 << 20)
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func buffered(upTo limit: Int) async throws(HandleError) -> RequestBody {
        let collected = try await collected(upTo: limit)
        if case .none = source { return self }
        guard let contentType = collected.contentType else { return .bytes(collected.bytes) }
        return .bytes(collected.bytes, contentType: contentType)
    }

    /// A body that was collected.
    package struct Collected: Sendable {
        package var bytes: [UInt8] = []
        package var trailers = HTTPFields()
        /// What the body is; the caller's own `Content-Type` goes before it.
        package var contentType: String?
    }

    package nonisolated(nonsending) func collected(upTo limit: Int) async throws(HandleError) -> Collected {
        switch source {
        case .none: return Collected()
        case .bytes(let bytes): return try Self.collected(bytes, upTo: limit)
        case .opened(let open):
            let opened = try open()
            switch opened {
            case .bytes(let bytes): return try Self.collected(bytes, upTo: limit)
            case .stored(let body):
                guard body.length <= limit else { throw Self.tooLong(limit) }
                return Collected(bytes: try await body.collect(), contentType: opened.contentType)
            case .source(let body): return try await Self.collected(body, upTo: limit)
            case .none, .stream, .upgrade: return Collected()
            }
        case .stream(let length, let hasTrailers, let writeAll):
            let body = SourceBody.made(length: length, hasTrailers: hasTrailers) { _, writer in
                try await writeAll(BodyWriter { try await writer.write($0) })
            }
            return try await Self.collected(body, upTo: limit)
        case .writes:
            throw .invalidParameter(.sendRequest, "a body that the caller writes needs a request handle to write to")
        }
    }

    private static func collected(_ bytes: BodyBytes, upTo limit: Int) throws(HandleError) -> Collected {
        guard bytes.count <= limit else { throw tooLong(limit) }
        return Collected(bytes: bytes.array)
    }

    private static nonisolated(nonsending) func collected(
        _ body: SourceBody,
        upTo limit: Int
    ) async throws(HandleError) -> Collected {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        defer { body.stop() }
        body.start(BufferMarks()) { signal.yield() }
        signal.yield()
        var bytes: [UInt8] = []
        // Ends if the task is cancelled.
        for await _ in signals {
            guard let buffer = body.buffer else { break }
            while true {
                let taken = buffer.takeAll()
                bytes += taken.bytes
                guard bytes.count <= limit else { throw tooLong(limit) }
                if let error = body.failure { throw error }
                if let delivery = buffer.takeWaiter() { delivery.resume(delivery.outcome) }
                if taken.isOver {
                    return Collected(bytes: bytes, trailers: buffer.trailers, contentType: body.contentType)
                }
                if taken.bytes.isEmpty { break }
            }
        }
        throw .cancelled(.sendRequest)
    }

    private static func tooLong(_ limit: Int) -> HandleError {
        HandleError(.insufficientBuffer, .sendRequest, reason: "the request body is longer than \(limit) bytes")
    }
}
