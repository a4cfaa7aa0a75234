import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

private let systemClose = HTTPHandlesSystem.close

/// What is known of the descriptors that libcurl uses, by descriptor.
///
/// libcurl reports opened and closed sockets through callbacks that also fire while it removes a transfer or cleans
/// up, and some versions close a socket without one. So the table never decides anything on a descriptor's number
/// alone: each opening begins a new generation, and what was known of the number before is discarded. It outlives the
/// multi handle, whose last callbacks still point here.
final class SocketTable {
    /// How a connection is used.
    enum Sharing {
        /// By one transfer at a time, and silent in between: HTTP/1.
        case exclusive(isSecure: Bool)
        /// By several transfers, and there may be traffic when there is none: HTTP/2.
        case shared
    }

    struct Socket {
        /// Counts the openings of this number; 0 for a descriptor that libcurl never announced.
        var generation: UInt32 = 0
        /// Announced by the open-socket callback and not closed since.
        var isOpen = false
        var isConnected = false
        /// Its connection was ended by us, and libcurl has yet to notice.
        var isDead = false
        var sharing = Sharing.exclusive(isSecure: false)
        /// How many transfers use the connection; none where it is idle.
        var users = 0
        /// The transfer that uses the connection, where it is one: it takes itself out before it goes.
        @safe unowned(unsafe) var user: Transfer?
        /// What the connection is found by when it is used again; `nil` before it is ready. Without the addresses, so that a
        /// copy of a `Socket` copies no strings: small requests make several.
        var ports: UInt32?
        /// The `ProxyRoute` that a tunnel was made with; 0 where it is none.
        var tunnel: UInt32 = 0
        /// How many requests were begun on the connection.
        var requests: UInt32 = 0
        /// The number of its connection: see `ConnectionID`.
        var number: UInt64 = 0
        var openedAt = MonotonicTime(nanoseconds: 0)
    }

    /// Is told of every socket that is opened and closed. It refers to this table in turn: the engine sets it to `nil`.
    var backend: (any EventBackend)?
    /// The connections that were closed and that no transfer used, since this was last emptied.
    @safe @exclusivity(unchecked) var closedIdleConnections: [ConnectionID] = []
    /// How old a connection may be that gets a request.
    @safe @exclusivity(unchecked) var maximumAge: Duration?
    /// How many connections were ended by us that libcurl still has.
    @safe @exclusivity(unchecked) private(set) var deadConnections = 0
    /// The connections that are not HTTP any more.
    @safe @exclusivity(unchecked) var upgraded: Set<Int32> = []
    /// The connections that no transfer uses.
    let idle = IdleConnections()

    // Exclusive access is not checked at run time: see `Transfer`.
    @safe @exclusivity(unchecked) private var sockets: [Socket] = []
    /// By both ports. Different servers can have a connection with the same two, so the addresses are compared.
    @safe @exclusivity(unchecked) private var connectionsByPorts:
        [UInt32: [(descriptor: Int32, ends: ConnectionEnds)]] = [:]
    /// Of those that are ready.
    @safe @exclusivity(unchecked) private(set) var records: [Int32: ConnectionRecord] = [:]
    private var connectionsBegun: UInt64 = 0

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

    // MARK: Coming and going

    func opened(_ descriptor: Int32, by transfer: Transfer?, at now: MonotonicTime = .now) {
        forget(descriptor)
        connectionsBegun += 1
        var socket = Socket()
        socket.generation = self[descriptor].generation &+ 1
        socket.isOpen = true
        socket.users = transfer == nil ? 0 : 1
        socket.user = transfer
        socket.number = connectionsBegun
        socket.openedAt = now
        self[descriptor] = socket
        backend?.opened(descriptor)
    }

    func connected(_ descriptor: Int32) {
        self[descriptor].isConnected = true
    }

    /// Looks whether the socket is connected, and tells its transfer: libcurl has no callback for that. Not by SO_ERROR,
    /// which libcurl has yet to read.
    func noteConnection(_ descriptor: Int32) {
        guard self[descriptor].isOpen, !self[descriptor].isConnected else { return }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isConnected = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe getpeername(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
        }
        guard isConnected else { return }
        connected(descriptor)
        self[descriptor].user?.connected(descriptor, SocketAddress(address))
    }

    func generation(of descriptor: Int32) -> UInt32 {
        Int(descriptor) < sockets.count ? sockets[Int(descriptor)].generation : 0
    }

    /// Whether libcurl has announced the socket and it is connected.
    func isConnected(_ descriptor: Int32) -> Bool {
        Int(descriptor) < sockets.count && sockets[Int(descriptor)].isOpen && sockets[Int(descriptor)].isConnected
    }

    /// A request begins on the connection. Where that is HTTP/2, it gets the stream that is returned: libcurl takes one
    /// after the other.
    func requestBegins(on descriptor: Int32) -> HTTP2Stream {
        sockets[Int(descriptor)].requests += 1
        let socket = sockets[Int(descriptor)]
        return HTTP2Stream(descriptor: descriptor, generation: socket.generation, id: socket.requests &* 2 &- 1)
    }

    /// Closes a socket for libcurl. The back end forgets it first: afterwards the system may give its number away.
    func close(_ descriptor: Int32) {
        // The poll back end does not see that a connection is made: where TLS fails, it is only known here.
        if self[descriptor].user?.progress == .connecting { noteConnection(descriptor) }
        let socket = self[descriptor]
        backend?.closing(descriptor)
        forget(descriptor)
        let user = socket.user
        if socket.isConnected { user?.connectionCloses() } else { user?.addressFailed() }
        _ = systemClose(descriptor)
        // The end of a dead one was reported already.
        guard socket.isConnected, !socket.isDead else { return }
        if let user {
            user.record(.connectionClosed)
        } else {
            closedIdleConnections.append(ConnectionID(socket.number))
        }
    }

    private func forget(_ descriptor: Int32) {
        let index = Int(descriptor)
        guard index < sockets.count else { return }
        if let ports = sockets[index].ports {
            connectionsByPorts[ports]?.removeAll { $0.descriptor == descriptor }
            if connectionsByPorts[ports]?.isEmpty == true { connectionsByPorts[ports] = nil }
        }
        if sockets[index].ports != nil { records[descriptor] = nil }
        if sockets[index].isDead { deadConnections -= 1 }
        idle.remove(descriptor)
        if !upgraded.isEmpty { upgraded.remove(descriptor) }
        let generation = sockets[index].generation
        sockets[index] = Socket()
        sockets[index].generation = generation
    }

    /// Whether a descriptor is a socket for datagrams.
    static func isDatagramSocket(_ descriptor: Int32) -> Bool {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SocketType.datagram
    }

    // MARK: Users

    /// The new connection of `descriptor` is ready, and found by its ends from now on.
    func named(_ descriptor: Int32, _ ends: ConnectionEnds, _ sharing: Sharing, _ record: ConnectionRecord? = nil) {
        records[descriptor] = record
        self[descriptor].ports = ends.ports
        self[descriptor].sharing = sharing
        // One to a Unix socket has no ports.
        guard ends.remote.port > 0 else { return }
        connectionsByPorts[ends.ports, default: []].append((descriptor, ends))
    }

    /// The descriptor of a connection that libcurl has in its pool.
    func descriptor(of ends: ConnectionEnds) -> Int32? {
        connectionsByPorts[ends.ports]?.first { $0.ends == ends }?.descriptor
    }

    /// A connection that is there already is used by `transfer` too.
    func join(_ descriptor: Int32, _ transfer: Transfer) {
        let index = Int(descriptor)
        sockets[index].users += 1
        if sockets[index].users == 1 { idle.remove(descriptor) }
        // A shared connection that serves several transfers at once has no single user. Of two that an exclusive one
        // serves, the first is over and not yet taken out.
        if case .shared = sockets[index].sharing, sockets[index].users > 1 {
            sockets[index].user = nil
        } else {
            sockets[index].user = transfer
        }
    }

    /// `transfer` does not use the connection any more, which is idle if it was the last one. Not one that was never ready:
    /// libcurl 7.88 closes those without a callback.
    func leave(_ connection: Connection, _ transfer: Transfer, at now: MonotonicTime) {
        let index = Int(connection.descriptor)
        guard index < sockets.count, sockets[index].isOpen, sockets[index].generation == connection.generation else {
            return
        }
        sockets[index].users -= 1
        if sockets[index].user === transfer { sockets[index].user = nil }
        guard sockets[index].users == 0, sockets[index].ports != nil, !sockets[index].isDead else { return }
        idle.append(connection.descriptor, at: now)
    }

    func connection(of descriptor: Int32) -> Connection {
        Connection(descriptor: descriptor, generation: generation(of: descriptor), number: self[descriptor].number)
    }

    // MARK: Upgraded connections

    /// What libcurl waits for on a connection has changed.
    func waits(on descriptor: Int32, for wanted: Int32) {
        guard upgraded.contains(descriptor), let user = self[descriptor].user else { return }
        if wanted & CURL_POLL_IN == 0 { user.upgradedInputEnded(on: descriptor) }
        if wanted & CURL_POLL_OUT == 0 { user.upgradedOutputLeft() }
    }

    /// For a back end that is not told.
    func lookAtUpgraded() {
        // Some versions close a socket without a callback: its number may belong to something else.
        for descriptor in upgraded {
            guard let user = self[descriptor].user else { continue }
            waits(on: descriptor, for: user.hasInputEnded(on: descriptor) ? 0 : CURL_POLL_IN)
        }
    }

    // MARK: Idle connections

    /// What has come on a connection that nothing was asked on.
    enum Arrival {
        case nothing
        case bytes
        /// The server has closed the connection, or it is broken.
        case end
    }

    func arrival(on descriptor: Int32) -> Arrival {
        var byte: UInt8 = 0
        switch unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) {
        case 0: return .end
        case 1...: return .bytes
        default: return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? .nothing : .end
        }
    }

    /// The same on a connection that a transfer uses. An error stays there for libcurl: `recv` would take it, and a connection
    /// that was reset would look like one that has ended.
    func arrivalForTransfer(on descriptor: Int32) -> Arrival {
        #if canImport(Darwin)
        return arrival(on: descriptor)
        #else
        if chttphandles_unread_bytes(descriptor) > 0 { return .bytes }
        var entry = pollfd(fd: descriptor, events: chttphandles_peer_has_ended, revents: 0)
        // POLLERR and POLLHUP come unasked.
        return unsafe poll(&entry, 1, 0) > 0 ? .end : .nothing
        #endif
    }

    /// What becomes of an idle connection on which something has come.
    enum Verdict {
        /// A transfer uses it: libcurl reads what comes.
        case inUse
        /// Nothing has come.
        case untouched
        /// What has come need not be data of HTTP; from now on only the end of the connection is watched for.
        case touched
        /// It was ended.
        case ended
    }

    /// Something has come on a connection that libcurl does not listen to. An HTTP/1 connection on which a server says
    /// something that it was not asked for is ended (RFC 9112, section 9.2): the next request would take it for its answer.
    ///
    /// - Parameter isOver: The connection has ended, though bytes may wait before its end: the close_notify of TLS.
    func somethingCame(on descriptor: Int32, isOver: Bool = false) -> Verdict {
        guard idle.contains(descriptor) else { return .inUse }
        switch (isOver ? .end : arrival(on: descriptor), self[descriptor].sharing) {
        case (.nothing, _): return .untouched
        case (.bytes, .shared), (.bytes, .exclusive(isSecure: true)): return .touched
        case (.bytes, .exclusive), (.end, _):
            end(descriptor)
            return .ended
        }
    }

    /// Ends an idle connection. libcurl has no call for that, so its descriptor is replaced by one whose other end is
    /// closed: the connection is closed at once, and libcurl finds a dead one when it looks.
    func end(_ descriptor: Int32) {
        backend?.closing(descriptor)
        idle.remove(descriptor)
        Self.replaceByClosedSocket(descriptor)
        self[descriptor].isDead = true
        deadConnections += 1
        closedIdleConnections.append(ConnectionID(self[descriptor].number))
    }

    private static func replaceByClosedSocket(_ descriptor: Int32) {
        var ends: [Int32] = [-1, -1]
        let type = SocketType.stream | SocketType.closesOnExec
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            // No descriptor is left. What has come stays readable then, and the look before the next use finds it.
            _ = shutdown(descriptor, Int32(SHUT_RDWR))
            return
        }
        _ = systemClose(ends[1])
        #if canImport(Darwin)
        _ = dup2(ends[0], descriptor)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #else
        _ = chttphandles_replace_descriptor(ends[0], descriptor)
        #endif
        _ = systemClose(ends[0])
    }
}

/// A descriptor for as long as it belongs to one connection.
struct Connection: Equatable {
    let descriptor: Int32
    let generation: UInt32
    let number: UInt64
}

/// Both ends of a connection.
struct ConnectionEnds: Equatable {
    let local: SocketAddress
    let remote: SocketAddress

    /// What a connection is looked up by.
    var ports: UInt32 {
        UInt32(truncatingIfNeeded: local.port) << 16 | UInt32(truncatingIfNeeded: remote.port) & 0xFFFF
    }
}
