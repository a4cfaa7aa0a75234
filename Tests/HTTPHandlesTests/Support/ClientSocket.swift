import Foundation

/// The client's end of a connection to a test server: both ends are in this process.
struct ClientSocket {
    let descriptor: Int32

    /// The connection to a port on 127.0.0.1, made from another one.
    init?(to port: Int) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        let found = names.compactMap { Int32($0) }.first { descriptor in
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getpeername(descriptor, $0, &size)
                }
            }
            return result == 0 && address.sin_family == UInt16(AF_INET) && UInt16(bigEndian: address.sin_port) == port
        }
        guard let found else { return nil }
        descriptor = found
    }

    /// The number of received bytes that were not read.
    var waitingBytes: Int32 {
        var count: Int32 = -1
        _ = unsafe ioctl(descriptor, UInt(FIONREAD), &count)
        return count
    }

    /// The flags of the descriptor itself, like FD_CLOEXEC.
    var descriptorFlags: Int32 { fcntl(descriptor, F_GETFD) }

    func option(_ level: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(descriptor, level, name, &value, &size)
        return value
    }

    /// The interface that the socket is bound to.
    var interface: String {
        var name = [UInt8](repeating: 0, count: 16)
        var size = socklen_t(name.count)
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, &name, &size)
        return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }
}
