import HTTPHandlesCore
import HTTPHandlesDriver

/// The server of a connection handle.
struct Server: Sendable, Hashable {
    let host: String
    let port: Int
}

/// The object of a `ConnectionHandle`. It has no network connection; those are in the session's pool.
final class ConnectionObject: HandleObject {
    let session: SessionObject
    let server: Server

    init(_ base: consuming HandleBase, to server: Server, of session: SessionObject) {
        self.session = session
        self.server = server
        super.init(base, options: session.options)
    }

    /// Closes a connection handle that the session has made for itself.
    func closeOwn(_ engine: TransferEngine) {
        _ = base.markClosed()
        close(engine)
    }
}
