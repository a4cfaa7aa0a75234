public import HTTPHandlesCore
import HTTPTypes

extension ResponseHead {
    /// Whether the status is a success (2xx).
    public var isSuccess: Bool { (200..<300).contains(block.status) }
}

extension Response {
    /// Returns the response if its status is a success (2xx).
    ///
    ///     let bytes = try await session.get(url).requireSuccess().body.collect(upTo: 1 << 20)
    ///
    /// Otherwise throws `.unsuccessfulStatus` with the head and the beginning of the body (`HandleError.response`), and closes
    /// the request. If the body cannot be read, the error has what came before. Cancelling the task throws
    /// `.operationCancelled`.
    ///
    /// - Parameter limit: The most bytes of the body to keep for the error.
    @discardableResult
    public nonisolated(nonsending) func requireSuccess(
        keepingUpTo limit: Int = 4096
    ) async throws(HandleError) -> Response {
        guard !head.isSuccess else { return self }
        throw try await unsuccessful(keepingUpTo: limit)
    }

    /// Reads the beginning of the body, closes the request, and returns the error that has both.
    nonisolated(nonsending) func unsuccessful(keepingUpTo limit: Int = 4096) async throws(HandleError) -> HandleError {
        let error = try await body.unsuccessful(head, keepingUpTo: limit)
        request.object.closeIfOpen()
        return error
    }
}

extension ResponseBody {
    /// Reads the beginning of the body, and returns the error that has it and the head.
    nonisolated(nonsending) func unsuccessful(
        _ head: ResponseHead,
        keepingUpTo limit: Int
    ) async throws(HandleError) -> HandleError {
        var start: [UInt8] = []
        var isWhole = false
        do {
            while !isWhole, start.count < limit {
                let piece = try await read(upTo: limit - start.count)
                start += piece
                isWhole = piece.isEmpty
            }
        } catch  where error.isCancellation {
            throw error
        } catch {
            // The status matters more than how the body ends.
        }
        return .unsuccessful(
            UnsuccessfulResponse(
                url: head.url,
                status: head.status,
                headerFields: head.headerFields,
                bodyStart: start,
                isBodyComplete: isWhole
            )
        )
    }
}
