import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem
import Testing

@testable import HTTPHandlesDriver

#if os(Linux)

@Suite("Sockets of an engine")
struct SocketTableTests {
    private static func ends(_ local: (String, Int), _ remote: (String, Int)) -> ConnectionEnds {
        ConnectionEnds(
            local: SocketAddress(host: local.0, port: local.1),
            remote: SocketAddress(host: remote.0, port: remote.1)
        )
    }

    /// A client may use one port for connections to different servers, also from different addresses.
    @Test func `a connection is identified by both addresses and both ports`() {
        let table = SocketTable()
        let connections = [
            Self.ends(("127.0.0.1", 40_000), ("127.0.0.1", 80)), Self.ends(("127.0.0.1", 40_000), ("127.0.0.2", 80)),
            Self.ends(("127.0.0.3", 40_000), ("127.0.0.1", 80)), Self.ends(("127.0.0.1", 40_001), ("127.0.0.1", 80)),
            Self.ends(("127.0.0.1", 40_000), ("127.0.0.1", 81)), Self.ends(("::1", 40_000), ("::1", 80)),
        ]
        // No socket of the process has these numbers; they are not used.
        let first: Int32 = 5000
        for (descriptor, ends) in zip(first..., connections) {
            table.opened(descriptor, by: nil)
            table.named(descriptor, ends, .exclusive(isSecure: false))
        }
        for (descriptor, ends) in zip(first..., connections) { #expect(table.descriptor(of: ends) == descriptor) }
        #expect(table.descriptor(of: Self.ends(("127.0.0.3", 40_000), ("127.0.0.2", 80))) == nil)
        // The number is reused by another connection.
        table.opened(first + 1, by: nil)
        #expect(table.descriptor(of: connections[1]) == nil)
        #expect(table.descriptor(of: connections[0]) == first)
    }

    /// The end that closes with a byte unread resets the connection.
    @Test func `a look at a connection of a transfer leaves bytes and errors there`() throws {
        let table = SocketTable()
        var ends: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, SocketType.stream, 0, &ends) == 0)
        #expect(table.arrivalForTransfer(on: ends[0]) == .nothing)
        var byte: UInt8 = 1
        try #require(unsafe send(ends[1], &byte, 1, 0) == 1)
        for _ in 0..<2 { #expect(table.arrivalForTransfer(on: ends[0]) == .bytes) }
        #expect(unsafe recv(ends[0], &byte, 1, 0) == 1)
        try #require(unsafe send(ends[0], &byte, 1, 0) == 1)
        close(ends[1])
        for _ in 0..<2 { #expect(table.arrivalForTransfer(on: ends[0]) == .end) }
        let count = unsafe recv(ends[0], &byte, 1, 0)
        let reason = errno
        #expect(count == -1 && reason == ECONNRESET)
        close(ends[0])
    }

    /// epoll refuses regular files, in the same way as too many sockets.
    @Test func `a socket that cannot be watched ends the session with the system's error`() throws {
        let multi = try #require(CurlMulti())
        let sockets = SocketTable()
        let backend = try EpollBackend(multi: multi, waker: Waker(), sockets: sockets)
        sockets.backend = backend
        let file = unsafe open("/proc/self/stat", O_RDONLY)
        try #require(file >= 0)
        sockets.opened(file, by: nil)
        backend.socketChanged(file, CURL_POLL_IN)
        let now = MonotonicTime.now
        let failure = #expect(throws: MultiFailure.self) { try backend.sleep(until: now, now: now) }
        #expect(failure?.systemError == SystemErrorNumber(rawValue: EPERM))
        #expect(failure?.text == "epoll: Operation not permitted")
        sockets.close(file)
        sockets.backend = nil
        multi.end()
    }
}
#endif
