/// Types of sockets. The C libraries declare them with different Swift types.
package enum SocketType {
    #if canImport(Darwin)
    package static var stream: Int32 { SOCK_STREAM }
    package static var datagram: Int32 { SOCK_DGRAM }
    /// Darwin has no such flag: `fcntl` sets it.
    package static var closesOnExec: Int32 { 0 }
    #elseif canImport(Musl)
    package static var stream: Int32 { SOCK_STREAM }
    package static var datagram: Int32 { SOCK_DGRAM }
    package static var closesOnExec: Int32 { SOCK_CLOEXEC }
    #else
    package static var stream: Int32 { Int32(SOCK_STREAM.rawValue) }
    package static var datagram: Int32 { Int32(SOCK_DGRAM.rawValue) }
    /// A flag of the type: the socket is closed when the process executes another program. Atomically: another thread may
    /// start a program at any time.
    package static var closesOnExec: Int32 { Int32(SOCK_CLOEXEC.rawValue) }
    #endif
}
