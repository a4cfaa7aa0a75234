import HTTPHandlesCore
import HTTPHandlesDriver

/// What a session keeps for its requests, and the caller may read and change: cookies, hosts with strict transport,
/// alternative services.
struct SessionStore: Sendable {
    let session: SessionHandle
    /// What errors name.
    let operation: HandleOperation

    /// Has `body` run on the driver's thread.
    nonisolated(nonsending) func access<Value: Sendable>(
        _ body: @escaping @Sendable (SessionObject, TransferEngine) throws(HandleError) -> Value
    ) async throws(HandleError) -> Value {
        let (object, operation) = (session.object, operation)
        try object.bound.base.requireOpen(operation)
        let result = await object.result { continuation in
            { engine in
                let result = Result { () throws(HandleError) in
                    // The session may have been closed since the command was submitted.
                    try object.bound.base.requireOpen(operation)
                    return try body(object.value, engine)
                }
                continuation.resume(returning: result, engine)
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw error.asSeenByTask
        }
    }

    // MARK: Files

    /// Writes a file for its owner only, in the place of a regular file only.
    func write(_ contents: [UInt8], to path: String) throws(HandleError) {
        do {
            let file = try WritableFile(replacing: path, isPrivate: true)
            try file.write(contents)
            try file.complete()
        } catch {
            throw error.seen(by: operation)
        }
    }

    /// The lines of a file, without those that are empty.
    func lines(of path: String) throws(HandleError) -> [ArraySlice<UInt8>] {
        try session.object.bound.base.requireOpen(operation)
        do {
            let bytes = try ReadableFile(path, for: operation).readAll()
            return bytes.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        } catch {
            throw error.seen(by: operation)
        }
    }
}
