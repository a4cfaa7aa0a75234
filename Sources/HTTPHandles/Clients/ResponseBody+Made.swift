public import HTTPHandlesCore
import HTTPHandlesLock
public import HTTPTypes

extension ResponseBody {
    /// A body of bytes in memory, for a response that code answers with.
    public static func bytes(_ bytes: some Collection<UInt8>, trailers: HTTPFields = [:]) -> ResponseBody {
        let whole = Array(bytes)
        let pieces = PieceList(whole.isEmpty ? [] : [whole])
        return made { () async throws(HandleError) in
            pieces.next().map { MadePiece.bytes($0) } ?? .end(trailers: trailers)
        }
    }

    /// A body that a closure makes, piece by piece: from another body, for example, which it looks at or changes.
    ///
    ///     let body = response.body
    ///     response.body = .pieces(from: body) { () async throws(HandleError) in
    ///         let piece = try await body.read(upTo: 1 << 16)
    ///         return piece.isEmpty ? nil : decrypted(piece)
    ///     }
    ///
    /// The closure is called for each piece, and never while an earlier call has not returned, in a task of its own, which is
    /// cancelled when the body is closed or the reading task is cancelled. What it throws ends the body.
    ///
    /// - Parameters:
    ///   - body: The body that the closure reads from. It is closed with this one, and has its trailer fields.
    ///   - next: The next piece; `nil` at the end.
    public static func pieces(
        from body: ResponseBody? = nil,
        _ next: @escaping @Sendable () async throws(HandleError) -> [UInt8]?
    ) -> ResponseBody {
        made(from: body) { () async throws(HandleError) in
            try await next().map { MadePiece.bytes($0) } ?? .end(trailers: body?.trailers ?? [:])
        }
    }

    package static func made(
        from body: ResponseBody? = nil,
        onClose: (@Sendable () -> Void)? = nil,
        _ next: @escaping MadeBody.Next
    ) -> ResponseBody {
        ResponseBody(source: .made(MadeBody(from: body, onClose: onClose, next)))
    }
}

/// Pieces that are given out once.
private final class PieceList: Sendable {
    private let pieces: Lock<[[UInt8]]>

    init(_ pieces: [[UInt8]]) {
        self.pieces = Lock(pieces)
    }

    func next() -> [UInt8]? {
        pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
