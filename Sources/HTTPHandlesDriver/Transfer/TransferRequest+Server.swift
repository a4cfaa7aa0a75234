package import HTTPHandlesCore

extension TransferRequest {
    /// The server that is connected to, whose connections are limited and counted: a Unix socket takes the place of the
    /// origin.
    package var connectedOrigin: Origin {
        guard options.hasUnixSocket, let socket = options.values.unixSocket else { return url.origin }
        return Origin(isSecure: false, host: "unix:\(socket)", port: 0)
    }
}
