import CHTTPHandlesCurl
import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
private let systemClose = Darwin.close
#else
import Glibc
private let systemClose = Glibc.close
#endif

/// What is known of the descriptors that libcurl uses, by descriptor.
///
/// libcurl tells of opening and closing sockets through callbacks that also fire while it removes a transfer or cleans
/// up, and some versions close a socket without telling. So the table never decides anything on a descriptor's number
/// alone: each opening begins a new generation, and what was known of the number before is discarded. It outlives the
/// multi handle, whose last callbacks still point here.
final class SocketTable {
    struct Socket {
        /// Counts the openings of this number; 0 for a descriptor that libcurl never announced.
        var generation: UInt32 = 0
        /// Announced by the open-socket callback and not closed since.
        var isOpen = false
        var isConnected = false
        /// The transfer that uses the connection, or used it last; and for which of its exchanges.
        var user: Transfer?
        var exchange = 0
        /// The ports that the connection is found by when it is used again.
        var ports: UInt32?
        /// How many requests were begun on the connection.
        var requests: UInt32 = 0
    }

    /// Has to hear of every socket that comes and goes. It has this table in turn: the engine takes it away in the end.
    var backend: (any EventBackend)?
    /// How many connections were closed that no transfer used, since this was last set to 0.
    var closedIdleConnections = 0

    // Exclusive access is not checked at run time: see `Transfer`.
    @safe @exclusivity(unchecked) private var sockets: [Socket] = []
    @safe @exclusivity(unchecked) private var descriptorsByPorts: [UInt32: Int32] = [:]

    subscript(descriptor: Int32) -> Socket {
        get {
            let index = Int(descriptor)
            return index < sockets.count ? sockets[index] : Socket()
        }
        set {
            let index = Int(descriptor)
            while index >= sockets.count { sockets.append(Socket()) }
            sockets[index] = newValue
        }
    }

    func opened(_ descriptor: Int32, by transfer: Transfer?) {
        forget(descriptor)
        let generation = self[descriptor].generation &+ 1
        self[descriptor] = Socket(
            generation: generation,
            isOpen: true,
            user: transfer,
            exchange: transfer?.exchange ?? 0
        )
        backend?.opened(descriptor)
    }

    func connected(_ descriptor: Int32) {
        self[descriptor].isConnected = true
    }

    /// Asks whether the socket is connected by now, and tells its transfer. libcurl says nothing of the moment. Not for
    /// SO_ERROR, which libcurl has yet to read.
    func noteConnection(_ descriptor: Int32) {
        guard self[descriptor].isOpen, !self[descriptor].isConnected else { return }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isConnected = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe getpeername(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
        }
        guard isConnected else { return }
        connected(descriptor)
        self[descriptor].user?.connected(SocketAddress(address))
    }

    func generation(of descriptor: Int32) -> UInt32 {
        Int(descriptor) < sockets.count ? sockets[Int(descriptor)].generation : 0
    }

    /// Whether libcurl has announced the socket and it is connected.
    func isConnected(_ descriptor: Int32) -> Bool {
        Int(descriptor) < sockets.count && sockets[Int(descriptor)].isOpen && sockets[Int(descriptor)].isConnected
    }

    /// The connection of `descriptor` got its ports, with which `use` finds it from now on.
    func named(_ descriptor: Int32, localPort: Int32, remotePort: Int32) {
        let ports = Self.key(localPort, remotePort)
        self[descriptor].ports = ports
        descriptorsByPorts[ports] = descriptor
    }

    /// A pooled connection is used by `transfer`. Returns its descriptor.
    func used(localPort: Int32, remotePort: Int32, by transfer: Transfer) -> Int32? {
        guard let descriptor = descriptorsByPorts[Self.key(localPort, remotePort)] else { return nil }
        // An HTTP/2 connection that serves several transfers at once is nobody's in particular.
        let isShared = currentUser(of: sockets[Int(descriptor)]).map { $0 !== transfer } ?? false
        sockets[Int(descriptor)].user = isShared ? nil : transfer
        sockets[Int(descriptor)].exchange = transfer.exchange
        return descriptor
    }

    /// A request begins on the connection. Where that is HTTP/2, it gets the stream that is returned: libcurl takes one
    /// after the other.
    func requestBegins(on descriptor: Int32) -> HTTP2Stream {
        sockets[Int(descriptor)].requests += 1
        let socket = sockets[Int(descriptor)]
        return HTTP2Stream(descriptor: descriptor, generation: socket.generation, id: socket.requests &* 2 &- 1)
    }

    /// The transfer that uses the connection at this moment.
    private func currentUser(of socket: Socket) -> Transfer? {
        guard let user = socket.user, user.isRunning, user.exchange == socket.exchange else { return nil }
        return user
    }

    /// Closes a socket for libcurl. The back end forgets it first: afterwards the number may be anybody's.
    func close(_ descriptor: Int32) {
        // The poll back end sees no connection being made: where TLS fails, this is the first that is heard of it.
        if currentUser(of: self[descriptor])?.progress == .connecting { noteConnection(descriptor) }
        let socket = self[descriptor]
        backend?.closing(descriptor)
        forget(descriptor)
        let user = currentUser(of: socket)
        if socket.isConnected { user?.connectionCloses() }
        _ = systemClose(descriptor)
        guard socket.isConnected else { return }
        if let user { user.record(.connectionClosed) } else { closedIdleConnections += 1 }
    }

    private func forget(_ descriptor: Int32) {
        let index = Int(descriptor)
        guard index < sockets.count else { return }
        if let ports = sockets[index].ports { descriptorsByPorts[ports] = nil }
        sockets[index] = Socket(generation: sockets[index].generation)
    }

    private static func key(_ localPort: Int32, _ remotePort: Int32) -> UInt32 {
        UInt32(truncatingIfNeeded: localPort) << 16 | UInt32(truncatingIfNeeded: remotePort) & 0xFFFF
    }
}
