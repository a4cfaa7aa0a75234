public import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// Makes a connection handle for a server behind a Unix socket. No connection is made: that is done for requests.
    ///
    /// The same as `connect(to:port:context:)`, with the option `unixSocket` of the new handle set. `host` and `port` are what
    /// the server gets as `Host`, and what a certificate has to be for. Possible while the session is open. Event:
    /// `handleCreated` of the new handle. Throws `.invalidParameter` for a path that is empty or too long, `.invalidURL` for a
    /// host that cannot be one, `.invalidOption` if the linked libcurl has no Unix sockets.
    ///
    /// Not in WinHTTP; `CURLOPT_UNIX_SOCKET_PATH`, `CURLOPT_ABSTRACT_UNIX_SOCKET`.
    ///
    /// - Parameters:
    ///   - socket: The socket, for example `.path("/var/run/docker.sock")`.
    ///   - host: A name or an IP address.
    ///   - port: The port.
    ///   - context: A value for the caller's own use; the session's if left out.
    public func connect(
        toUnixSocket socket: UnixSocket,
        host: String = "localhost",
        port: Int = 80,
        context: (any Sendable)? = nil
    ) throws(HandleError) -> ConnectionHandle {
        if let problem = socket.problem { throw .invalidParameter(.connect, problem) }
        let connection = try connect(to: host, port: port, context: context)
        try connection.object.value.setOption(.unixSocket, to: socket)
        return connection
    }
}
