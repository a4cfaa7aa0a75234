public import HTTPHandlesCore
import HTTPHandlesDriver

extension Response {
    /// A fact of the exchange: times, numbers of bytes, connection, certificates.
    ///
    /// Possible as long as the response is referenced, also after its body was read or dropped, if the request was made with
    /// the option `keepsFacts`; it then tells what was known when the request was closed. `connectionStatistics` is only known
    /// while the connection is open.
    ///
    ///     let response = try await session.get(url, options: [.set(.keepsFacts, to: true)])
    ///     let bytes = try await response.body.collect(upTo: 1 << 20)
    ///     print(bytes.count, try await response.fact(.requestTimes).total)
    ///
    /// Throws `.incorrectHandleState` for a fact that is not known, and on a closed request without `keepsFacts`.
    ///
    /// `WinHttpQueryOption`; `curl_easy_getinfo`.
    public nonisolated(nonsending) func fact<Value: Sendable>(
        _ option: HandleOption<Value>
    ) async throws(HandleError) -> Value {
        // A command comes after the one that has closed the request.
        let result: Result<Value, HandleError> = await request.object.result { [object = request.object] continuation in
            { engine in
                let result = Result { () throws(HandleError) in try object.value.fact(option) }
                continuation.resume(returning: result, engine)
            }
        }
        return try result.get()
    }
}
