import HTTPHandlesCore
import HTTPHandlesSystem

extension Transfer {
    /// Sets what the request wants of a socket that is not connected yet. `false` if the system refuses it.
    func setTrafficClass(of descriptor: Int32, _ family: Int32) -> Bool {
        guard let traffic = exchange.request?.options.values.trafficClass else { return true }
        var isSet = true
        func set(_ level: Int32, _ name: Int32, _ value: Int) {
            var value = Int32(value)
            let size = socklen_t(MemoryLayout<Int32>.size)
            guard isSet, unsafe setsockopt(descriptor, level, name, &value, size) != 0 else { return }
            attempt.socketError = errno
            isSet = false
        }
        if let dscp = traffic.dscp {
            // Two bits of the octet are for congestion.
            switch family {
            case AF_INET: set(Int32(IPPROTO_IP), IP_TOS, dscp << 2)
            case AF_INET6: set(Int32(IPPROTO_IPV6), IPV6_TCLASS, dscp << 2)
            default: break
            }
        }
        #if os(Linux)
        if let priority = traffic.priority { set(SOL_SOCKET, SO_PRIORITY, priority) }
        #endif
        return isSet
    }
}
