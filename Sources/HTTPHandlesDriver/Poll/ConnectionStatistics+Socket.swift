import HTTPHandlesCore
import HTTPHandlesSystem

extension ConnectionStatistics {
    /// Asks the system about a socket; `nil` if it is not one of TCP, or the system is not Linux.
    init?(of descriptor: Int32) {
        #if os(Linux)
        // The C library's structure is older than the kernel's, whose layout only grows at its end (linux/tcp.h).
        var bytes = [UInt8](repeating: 0, count: 192)
        var length = socklen_t(bytes.count)
        let result = unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &bytes, &length)
        guard result == 0, length >= 152 else { return nil }
        func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type) -> Number {
            unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
        }
        self.init(
            roundTripTime: .microseconds(number(at: 68, UInt32.self)),
            minimumRoundTripTime: .microseconds(number(at: 148, UInt32.self)),
            bytesSent: Int64(clamping: number(at: 120, UInt64.self)),
            bytesReceived: Int64(clamping: number(at: 128, UInt64.self)),
            retransmissions: Int(number(at: 100, UInt32.self)),
            congestionWindow: Int(number(at: 80, UInt32.self)),
            maximumSegmentSize: Int(number(at: 16, UInt32.self))
        )
        #else
        return nil
        #endif
    }
}
