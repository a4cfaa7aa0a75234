import HTTPHandlesCore
import HTTPHandlesDriver

/// Where a connection handle leads to.
struct Server: Sendable, Hashable {
    let host: String
    let port: Int
}

/// What is behind a `ConnectionHandle`: a server's name. No network connection belongs to it; those are in the session's
/// pool.
final class ConnectionObject: HandleObject {
    let session: SessionObject
    let server: Server

    init(_ base: consuming HandleBase, to server: Server, of session: SessionObject) {
        self.session = session
        self.server = server
        super.init(base, options: session.options)
    }

    /// Closes a connection handle that no user has.
    func closeOwn(_ engine: TransferEngine) {
        _ = base.shutDoor()
        close(engine)
    }
}
