#if os(Linux)
import Foundation
import HTTPHandlesLock
import HTTPHandlesTesting

/// A host name whose resolution waits until the gate is open, as with a name server that does not answer.
///
/// No name server is involved: the `getaddrinfo` below replaces the system's, which
/// it calls for all other names.
final class StalledName: Sendable {
    let host: String
    private let end = Gate()

    private static let made = Atomic(0)
    fileprivate static let all = Lock<[String: Gate]>([:])

    init() {
        let number = Self.made.wrappingAdd(1, ordering: .relaxed).newValue
        host = "stalled-\(number).test"
        let (host, end) = (host, end)
        Self.all.withLock { $0[host] = end }
    }

    deinit {
        end.open()
        let host = host
        _ = Self.all.withLock { $0.removeValue(forKey: host) }
    }

    fileprivate typealias Resolve =
        @convention(c) (
            UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafeRawPointer?, UnsafeMutableRawPointer?
        ) -> Int32
    fileprivate static let resolve = unsafe CurlCensus.next("getaddrinfo", as: Resolve.self)
}

/// A host name that the system's resolver has an address for, and whose lookups are counted.
final class CountedName: Sendable {
    let host: String

    private static let made = Atomic(0)
    private static let all = Lock<[String: (address: String, lookups: Int)]>([:])

    init(address: String) {
        let number = Self.made.wrappingAdd(1, ordering: .relaxed).newValue
        host = "counted-\(number).test"
        let host = host
        Self.all.withLock { $0[host] = (address, 0) }
    }

    deinit {
        let host = host
        _ = Self.all.withLock { $0.removeValue(forKey: host) }
    }

    var lookups: Int {
        let host = host
        return Self.all.withLock { $0[host]?.lookups ?? 0 }
    }

    /// The address of a name, if it is one of these.
    fileprivate static func look(up host: String) -> String? {
        all.withLock { all in
            all[host]?.lookups += 1
            return all[host]?.address
        }
    }
}

// libcurl is linked with a versioned symbol, the first one that the C library had for the processor.
#if arch(x86_64)
@_cdecl("getaddrinfo@@GLIBC_2.2.5")
#else
@_cdecl("getaddrinfo@@GLIBC_2.17")
#endif
func stallingResolve(
    _ node: UnsafePointer<CChar>?,
    _ service: UnsafePointer<CChar>?,
    _ hints: UnsafeRawPointer?,
    _ result: UnsafeMutableRawPointer?
) -> Int32 {
    let name = unsafe node.map { unsafe String(cString: $0) } ?? ""
    if let address = CountedName.look(up: name) { return unsafe StalledName.resolve(address, service, hints, result) }
    guard let end = StalledName.all.withLock({ $0[name] }) else {
        return unsafe StalledName.resolve(node, service, hints, result)
    }
    end.wait()
    return EAI_NONAME
}
#endif
