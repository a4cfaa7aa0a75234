import HTTPHandlesSystem

/// An error of a socket call.
public struct SocketError: Error, CustomStringConvertible {
    /// The name of the call and its error.
    public let description: String

    init(_ call: String) {
        description = unsafe "\(call): \(String(cString: strerror(errno)))"
    }

    init(text: String) {
        description = text
    }
}

/// The socket calls that a server on loopback needs. The only file of this module with unsafe pointers.
struct ServerSocket: Sendable {
    let descriptor: Int32

    private static func make(_ family: Int32 = AF_INET) throws(SocketError) -> ServerSocket {
        let descriptor = socket(family, SocketType.stream, 0)
        guard descriptor >= 0 else { throw SocketError("socket") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return ServerSocket(descriptor: descriptor)
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A non-blocking socket that starts to connect to a port of 127.0.0.1.
    static func connecting(to port: Int) throws(SocketError) -> ServerSocket {
        let socket = try make()
        _ = fcntl(socket.descriptor, F_SETFL, O_NONBLOCK)
        var address = loopback(port)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(socket.descriptor, address, length)
            }
        }
        return socket
    }

    /// A socket that listens on a port of a loopback address; 0 for a free port.
    static func listening(
        at loopbackAddress: String = "127.0.0.1",
        port: Int = 0,
        backlog: Int32,
        limitsReceiveBuffers: Bool = false
    ) throws(SocketError) -> (socket: ServerSocket, port: Int) {
        let isVersion6 = loopbackAddress.utf8.contains(UInt8(ascii: ":"))
        let listener = try make(isVersion6 ? AF_INET6 : AF_INET)
        if limitsReceiveBuffers { listener.takeLittle() }
        let bound = isVersion6 ? listener.bindVersion6(port) : listener.bindVersion4(loopbackAddress, port)
        guard let bound, listen(listener.descriptor, backlog) == 0 else {
            let error = SocketError("bind")
            listener.close()
            throw error
        }
        return (listener, bound)
    }

    /// A socket that listens at a path, or at a name in the abstract namespace, which begins with "@".
    static func listening(atUnixSocket name: String, backlog: Int32) throws(SocketError) -> ServerSocket {
        let listener = try make(AF_UNIX)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = name.utf8.first == UInt8(ascii: "@")
        let bytes = isAbstract ? [0] + name.utf8.dropFirst() : Array(name.utf8)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let size = MemoryLayout<sockaddr_un>.size
        guard bytes.count < size - offset else {
            listener.close()
            throw SocketError(text: "the path of the socket is too long")
        }
        unsafe withUnsafeMutableBytes(of: &address) { raw in
            unsafe raw[offset...].copyBytes(from: bytes)
        }
        let length = socklen_t(isAbstract ? offset + bytes.count : size)
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listener.descriptor, address, length) == 0
            }
        }
        guard isBound, listen(listener.descriptor, backlog) == 0 else {
            let error = SocketError("bind")
            listener.close()
            throw error
        }
        return listener
    }

    /// Binds to a port of an IPv4 address; `nil` on failure.
    private func bindVersion4(_ text: String, _ port: Int) -> Int? {
        var address = Self.loopback(port)
        guard unsafe inet_pton(AF_INET, text, &address.sin_addr) == 1 else { return nil }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }

    /// Binds to a port of ::1.
    private func bindVersion6(_ port: Int) -> Int? {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = UInt16(port).bigEndian
        address.sin6_addr = in6addr_loopback
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        return isBound ? Int(UInt16(bigEndian: address.sin6_port)) : nil
    }

    /// The next connection; `nil` when the listener is shut down.
    func accept() -> ServerSocket? {
        while true {
            let descriptor = HTTPHandlesSystem.accept(self.descriptor, nil, nil)
            if descriptor >= 0 {
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                var yes: Int32 = 1
                _ = unsafe setsockopt(
                    descriptor,
                    Int32(IPPROTO_TCP),
                    TCP_NODELAY,
                    &yes,
                    socklen_t(MemoryLayout<Int32>.size)
                )
                #if canImport(Darwin)
                let size = socklen_t(MemoryLayout<Int32>.size)
                _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, size)
                #endif
                return ServerSocket(descriptor: descriptor)
            }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    /// Reads at most `count` bytes; empty at the end of the stream.
    func read(upTo count: Int) throws(SocketError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            let result = unsafe recv(descriptor, &buffer, count, 0)
            if result >= 0 { return Array(buffer[..<result]) }
            if errno != EINTR { throw SocketError("recv") }
        }
    }

    func write(_ bytes: some Collection<UInt8>) throws(SocketError) {
        var rest = Array(bytes)
        while !rest.isEmpty {
            #if canImport(Darwin)
            // `accept` has set SO_NOSIGPIPE.
            let flags: Int32 = 0
            #else
            let flags = Int32(MSG_NOSIGNAL)
            #endif
            let sent = unsafe send(descriptor, rest, rest.count, flags)
            if sent >= 0 {
                rest.removeFirst(sent)
            } else if errno != EINTR {
                throw SocketError("send")
            }
        }
    }

    /// Makes `close` send a reset (RST) instead of a FIN.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Sets the size of the receive buffer.
    func setReceiveBuffer(_ bytes: Int32) {
        var bytes = bytes
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// For a listener: makes the buffers of its connections small. The sender's buffer grows with the segment size, so that
    /// is limited too.
    private func takeLittle() {
        setReceiveBuffer(4096)
        var bytes: Int32 = 536
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    func shutDownSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends blocked reads, writes and accepts.
    func shutDown() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    func close() {
        _ = HTTPHandlesSystem.close(descriptor)
    }
}

/// Runs `body` on a new thread, because scripts block.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let result = SystemThread.start(stackSize: 256 * 1024, body)
    precondition(result == 0, "A thread for a test server could not be created.")
}
