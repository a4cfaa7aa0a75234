public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

/// A server, as requests see it: a host and a port. It holds no network connection; those belong to the session's pool.
///
/// `WinHttpConnect`'s handle.
public actor ConnectionHandle {
    let object: DriverBound<ConnectionObject>

    init(_ object: ConnectionObject) {
        self.object = DriverBound(object)
    }

    deinit {
        object.closeIfOpen()
    }

    /// The session's driver: calls between the handles of a session do not change threads.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe object.bound.base.driver.asUnownedSerialExecutor()
    }

    /// Closes the connection handle and its requests: requests first.
    ///
    /// Throws `.invalidHandle` if the connection handle is closed already.
    public nonisolated func closeAll() throws(HandleError) {
        try object.closeAll()
    }

    // MARK: Children

    /// Makes a request. Nothing is sent.
    ///
    /// Possible while the connection handle is open. Event: `handleCreated` of the new handle. Throws `.invalidURL` for a
    /// path that is none, `.invalidParameter` for header fields that a request must not have.
    ///
    /// `WinHttpOpenRequest`.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: Path and query; a leading slash is added where it is missing. With the method OPTIONS, "*" is the server
    ///     as a whole.
    ///   - secure: Whether the request goes over TLS. The port alone says nothing about that.
    ///   - headerFields: The header fields, apart from those that frame the message.
    ///   - options: What the request starts with, apart from the connection's options.
    ///   - context: A value for the caller's own use; the connection's if left out.
    public func openRequest(
        _ method: HTTPRequest.Method,
        _ path: String,
        secure: Bool = false,
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) throws(HandleError) -> RequestHandle {
        try object.bound.base.requireOpen(.openRequest)
        let server = object.value.server
        let url = try RequestURL(
            host: server.host,
            port: server.port,
            isSecure: secure,
            path: path,
            for: .openRequest
        )
        try options.requireUsable(in: object.bound.base.tree)
        let request = try openRequest(try .checked(method, url, headerFields), context: context)
        request.object.value.apply(options)
        return request
    }

    func openRequest(_ message: RequestMessage, context: (any Sendable)? = nil) throws(HandleError) -> RequestHandle {
        try object.value.session.requireAccepting(.openRequest)
        let session = DriverBound(object.value.session)
        let request = RequestHandle(message, of: session, context: object.bound.base.inherited(context))
        object.value.adopt(request.object.value)
        return request
    }
}

extension ConnectionHandle: Handle {
    /// The library's own reference to the handle.
    public nonisolated var reference: HandleReference { HandleReference(object.bound) }
}
