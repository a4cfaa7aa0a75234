import HTTPHandlesSystem
import Testing

@testable import HTTPHandlesDriver

#if os(Linux)

/// The bytes that end a direction of TLS, on their way to the system.
@Suite("The end of TLS")
struct CloseNotifyTests {
    private static func socketPair() throws -> [Int32] {
        var ends: [Int32] = [-1, -1]
        let type = SocketType.stream | SocketType.closesOnExec | O_NONBLOCK
        try #require(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        return ends
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = unsafe read(descriptor, &piece, piece.count), count > 0 { all += piece[..<count] }
        return all
    }

    @Test func `it waits for room, and goes out once`() throws {
        let ends = try Self.socketPair()
        defer { for end in ends { close(end) } }
        // Full, to the last byte.
        var sent = 0
        for size in [65_536, 1] {
            let piece = [UInt8](repeating: 7, count: size)
            while case let count = unsafe write(ends[0], piece, size), count > 0 { sent += count }
        }
        let bytes = (0..<31).map { UInt8($0) }
        var end = CloseNotify(rest: bytes)
        for _ in 0..<3 {
            let isSent = end.send(on: ends[0])
            #expect(!isSent && Array(end.rest) == bytes)
        }
        #expect(Self.readAll(ends[1]).count == sent)
        for _ in 0..<2 {
            let isSent = end.send(on: ends[0])
            #expect(isSent && end.rest.isEmpty)
        }
        #expect(Self.readAll(ends[1]) == bytes)
    }

    @Test func `without TLS there is nothing, and a broken connection is found by libcurl`() throws {
        let ends = try Self.socketPair()
        defer { close(ends[0]) }
        var nothing = CloseNotify()
        let isNothingSent = nothing.send(on: ends[0])
        #expect(isNothingSent)
        #expect(Self.readAll(ends[1]) == [])
        close(ends[1])
        // As on the driver's thread.
        var (signals, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, &before)
        defer {
            var none = timespec()
            _ = unsafe sigtimedwait(&signals, nil, &none)
            unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        var end = CloseNotify(rest: [1, 2, 3])
        let isOver = end.send(on: ends[0])
        #expect(isOver)
    }
}
#endif
