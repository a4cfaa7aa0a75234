public import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// The session's network connections that are ready for requests or in use, in the order in which they were begun.
    ///
    /// Possible while the session is open. A connection that is being made is not in the list, and neither are those of
    /// `NameResolver.dnsOverHTTPS`. Throws `.invalidHandle` if the session is closed.
    ///
    /// `WinHttpQueryConnectionGroup`.
    public nonisolated(nonsending) func connections() async throws(HandleError) -> [PooledConnection] {
        try object.bound.base.requireOpen(.queryOption)
        let result: Result<[PooledConnection], HandleError> = await object.result { continuation in
            { engine in continuation.resume(returning: .success(engine.connections), engine) }
        }
        return try result.get()
    }

    /// Closes the network connections that no request uses, and returns how many there were.
    ///
    /// Possible while the session is open. Events of the session: `closingConnection` and `connectionClosed` for each. A
    /// request that is sent at the same time may make a new connection. Throws `.invalidHandle` if the session is closed.
    ///
    /// Not in WinHTTP, where a new session has new connections.
    @discardableResult
    public nonisolated(nonsending) func closeIdleConnections() async throws(HandleError) -> Int {
        try object.bound.base.requireOpen(.setOption)
        let result: Result<Int, HandleError> = await object.result { continuation in
            { engine in continuation.resume(returning: .success(engine.closeIdleConnections()), engine) }
        }
        return try result.get()
    }
}
