/// What the driver reports of a transfer, in the order in which it happened on the wire.
package enum TransferMilestone: Sendable, Hashable {
    /// The transfer waits for a connection slot.
    case queued
    /// The host's name is being resolved.
    case resolving(host: String)
    /// The first address is known.
    case resolved(address: String)
    /// A connection to an address is being made.
    case connecting(SocketAddress)
    /// The connection to an address was made; where `secure`, the TLS handshake begins.
    case connected(SocketAddress, secure: Bool)
    /// The TLS handshake is done.
    case secured
    /// A connection of the pool is used.
    case reused(SocketAddress)
    /// The connection is ready and the request goes out now. Again when libcurl sends once more because a pooled
    /// connection was dead.
    case sending
    /// The request head was handed to the network; the body follows piece by piece.
    case headSent(bytes: Int)
    /// Head and body were handed to the network.
    case requestSent(bytes: Int)
    /// A piece of a streamed body was handed to the network.
    case pieceSent(bytes: Int)
    /// A 1xx response.
    case informational(HeaderBlock)
    /// The head of a 401 that libcurl may answer by itself. Then comes `sending` again; if libcurl has no answer, `head`
    /// with the same head.
    case challenge(HeaderBlock)
    /// The final head.
    case head(HeaderBlock)
    /// The fields after the body.
    case trailers(HeaderBlock)
    /// The connection of the transfer is about to be closed.
    case closingConnection
    /// The connection of the transfer is closed.
    case connectionClosed
    /// Everything arrived.
    case finished
    /// libcurl gave up, or a limit ran out. The operation in the error is a placeholder: the machine knows which.
    case failed(HandleError, SecureFailure)
}
