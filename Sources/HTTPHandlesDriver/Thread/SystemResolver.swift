import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPHandlesLock
import HTTPHandlesSystem

/// The system's resolver on threads of this library, for a libcurl that waits for its own threads when a transfer is removed.
///
/// It is asked like a resolver of the caller: while the transfer waits outside of libcurl, which so never starts a thread.
/// Nothing waits for the thread of a request that has ended.
package enum SystemResolver {
    /// c-ares has no threads. `HTTP_HANDLES_RESOLVER=own` is for tests.
    package static let isNeeded: Bool = {
        if let value = unsafe getenv("HTTP_HANDLES_RESOLVER"), unsafe String(cString: value) == "own" { return true }
        return !CurlLibrary.hasQuickExit && !CurlLibrary.usesCares
    }()

    /// Returns no addresses for a name that the system does not know.
    package static let shared = CustomResolver { host in
        let lookup = Lookup()
        return await withTaskCancellationHandler {
            await lookup.addresses(of: host)
        } onCancel: {
            lookup.end([])
        }
    }

    private final class Lookup: Sendable {
        private struct State {
            var waiting: TaskContinuation<[String]>?
            var isOver = false
        }

        private let state = Lock(State())

        func addresses(of host: String) async -> [String] {
            await TaskContinuation.suspend { continuation in
                let isOver = state.withLock { state in
                    if !state.isOver { state.waiting = continuation }
                    return state.isOver
                }
                if isOver { return continuation.resume(returning: []) }
                let result = SystemThread.start { self.end(SystemResolver.lookUp(host)) }
                // There is no thread.
                if result != 0 { end([]) }
            }
        }

        func end(_ addresses: [String]) {
            let waiting = state.withLock { state in
                state.isOver = true
                return state.waiting.take()
            }
            waiting?.resume(returning: addresses)
        }
    }

    /// Blocks.
    private static func lookUp(_ host: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = SocketType.stream
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            var storage = sockaddr_storage()
            if let address = unsafe entry.pointee.ai_addr {
                let length = min(MemoryLayout<sockaddr_storage>.size, Int(unsafe entry.pointee.ai_addrlen))
                unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                    unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
                }
            }
            let text = SocketAddress(storage).host
            if !text.isEmpty, !addresses.contains(text) { addresses.append(text) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }
}
