/// What happens to a transfer and its connection before the head comes, and to the connection afterwards.
package enum TransferMilestone: Sendable, Hashable {
    /// The host's name is being resolved.
    case resolving(host: String)
    /// The first address is known.
    case resolved(address: String)
    /// A connection to an address is being made.
    case connecting(SocketAddress, ConnectionID? = nil)
    /// The connection to an address was made; where `secure`, the TLS handshake begins.
    case connected(SocketAddress, secure: Bool, ConnectionID? = nil)
    /// A proxy has refused a tunnel with this head.
    case tunnelRefused(HeaderBlock)
    /// The tunnel through a proxy is there; where `secure`, the TLS handshake with the server begins.
    case tunnelEstablished(secure: Bool)
    /// The TLS handshake is done.
    case secured
    /// A connection of the pool is used.
    case reused(SocketAddress, ConnectionID? = nil)
    /// The connection is ready and the request goes out now. Again when libcurl sends once more because a pooled
    /// connection was dead.
    case sending
    /// The request head was handed to the network; the body follows piece by piece.
    case headSent(bytes: Int)
    /// Head and body were handed to the network.
    case requestSent(bytes: Int)
    /// A piece of a streamed body was handed to the network.
    case pieceSent(bytes: Int)
    /// The connection of the transfer is about to be closed.
    case closingConnection
    /// The connection of the transfer is closed.
    case connectionClosed
}
