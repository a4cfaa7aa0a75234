#if NIO
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import NIOCore
import Testing

/// Bodies of SwiftNIO's buffers, both ways.
@Suite("Bodies of buffers", .timeLimit(.minutes(5)))
struct ByteBufferTests {
    /// Sends the body of each request back.
    private static func echo(_ heads: Record<ReceivedHead> = Record()) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
                try connection.send(request.body)
            }
        }
    }

    private static func sequence(_ buffers: [ByteBuffer]) -> AsyncStream<ByteBuffer> {
        AsyncStream { continuation in
            for buffer in buffers { continuation.yield(buffer) }
            continuation.finish()
        }
    }

    /// Bytes that repeat only after 251 of them, so that a piece at the wrong place is seen.
    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }

    /// A buffer whose readable bytes are in the middle of its memory.
    private static func inner(_ bytes: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer(bytes: Array("before".utf8) + bytes + Array("after".utf8))
        buffer.moveReaderIndex(forwardBy: 6)
        buffer.moveWriterIndex(to: buffer.writerIndex - 5)
        return buffer
    }

    private static let sizes = [0, 1, 5, 70_000, 3_000_000]

    // MARK: One buffer

    @Test(arguments: sizes)
    func `a buffer is sent and received`(size: Int) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.echo(heads)
        let bytes = Self.bytes(size)
        try await withSession { session in
            let body = RequestBody.bytes(ByteBuffer(bytes: bytes))
            #expect(body.canBeSentAgain)
            let response = try await session.fetch(.put, server.url(), body: body)
            #expect(try await response.body.collectBuffer(upTo: size) == ByteBuffer(bytes: bytes))
        }
        #expect(heads.all.map { $0["content-length"] } == ["\(size)"])
    }

    @Test func `the readable bytes of a buffer and of a slice, as they were when the body was made`() async throws {
        let server = try Self.echo()
        try await withSession { session in
            var buffer = Self.inner(Array("middle".utf8))
            let body = RequestBody.bytes(buffer)
            buffer.clear()
            buffer.writeString("something else")
            for _ in 0..<2 {
                let response = try await session.fetch(.put, server.url(), body: body)
                #expect(try await response.body.collectBuffer(upTo: 100) == ByteBuffer(string: "middle"))
            }
            let slice = try #require(Self.inner(Array("0123456789".utf8)).getSlice(at: 9, length: 4))
            let response = try await session.fetch(.put, server.url(), body: .bytes(slice))
            #expect(try await response.body.collectString(upTo: 100) == "3456")
            #expect(try await RequestBody.bytes(slice).collect(upTo: 4) == Array("3456".utf8))
            #expect(try await RequestBody.bytes(ByteBuffer()).collect(upTo: 0) == [])
        }
    }

    @Test func `a buffer follows a redirect`() async throws {
        let bodies = Record<[UInt8]>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                bodies.note(request.body)
                let moved = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
                try connection.send(request.head.target == "/" ? moved : EventOrderTests.hello)
            }
        }
        try await withSession { session in
            let body = RequestBody.bytes(Self.inner([1, 2, 3]))
            let response = try await session.fetch(.put, server.url(), body: body)
            #expect(response.status == .ok)
        }
        #expect(bodies.all == [[1, 2, 3], [1, 2, 3]])
    }

    // MARK: Sequences

    @Test(arguments: sizes, [true, false])
    func `a sequence of buffers is sent, with and without a length`(size: Int, isKnown: Bool) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.echo(heads)
        let piece = Self.bytes(size)
        let whole = piece + piece + [7]
        let buffers = [Self.inner(piece), ByteBuffer(), ByteBuffer(bytes: piece), Self.inner([7])]
        try await withSession { session in
            let length = isKnown ? Int64(whole.count) : nil
            let bodies: [RequestBody] = [
                .stream(Self.sequence(buffers), length: length),
                .restartable(length: length) { Self.sequence(buffers) },
            ]
            for body in bodies {
                let response = try await session.fetch(.put, server.url(), body: body)
                #expect(try await response.body.collect(upTo: whole.count) == whole)
            }
            #expect(try await bodies[1].collect(upTo: whole.count) == whole)
        }
        #expect(heads.all.map { $0["content-length"] } == Array(repeating: isKnown ? "\(whole.count)" : nil, count: 2))
    }

    @Test func `buffers and trailer fields`() async throws {
        let received = Record<[UInt8]>()
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            received.note(try connection.read(exactly: "3\r\nabc\r\n0\r\nContent-Digest: d\r\n\r\n".utf8.count))
            try connection.send(EventOrderTests.hello)
        }
        try await withSession { session in
            let name = try #require(HTTPField.Name("Content-Digest"))
            let body = RequestBody.stream(Self.sequence([ByteBuffer(string: "abc")])) { [name: "d"] }
            _ = try await session.fetch(.put, server.url(), body: body)
        }
        #expect(received.all == [Array("3\r\nabc\r\n0\r\nContent-Digest: d\r\n\r\n".utf8)])
    }

    @Test func `buffers are written by hand`() async throws {
        let server = try Self.echo()
        let session = try SessionHandle()
        let request = try await session.openRequest(.put, server.url())
        let recorder = EventRecorder(of: request, [.writeComplete, .handles])
        try await request.send(.writes())
        #expect(try await request.write(Self.inner([1, 2])))
        #expect(try await request.write(ByteBuffer()))
        #expect(try await request.write(ByteBuffer(bytes: [3])))
        try await request.finishWriting()
        #expect(try await request.receiveResponse().status == .ok)
        #expect(try await request.body.collectBuffer(upTo: 3) == ByteBuffer(bytes: [1, 2, 3]))
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds == [.writeComplete(bytes: 2), .writeComplete(bytes: 1), .handleClosing])
        await #expect(throws: HandleError.closed(.writeData)) { try await request.write(ByteBuffer()) }
    }

    @Test func `a response as a sequence of buffers`() async throws {
        let server = try Self.echo()
        let bytes = Self.bytes(3_000_000)
        try await withSession { session in
            let response = try await session.fetch(.put, server.url(), body: .bytes(bytes))
            var received = ByteBuffer()
            for try await var buffer in response.body.buffers {
                #expect(buffer.readableBytes > 0)
                received.writeBuffer(&buffer)
            }
            #expect(received == ByteBuffer(bytes: bytes))
            await response.request.closed()
            let empty = try await session.fetch(.put, server.url(), body: .none)
            var iterator = empty.body.buffers.makeAsyncIterator()
            #expect(try await iterator.next() == nil)
            #expect(try await iterator.next() == nil)
        }
    }

    @Test func `a response is longer than the limit, and a limit that is none`() async throws {
        let server = try EventOrderTests.answering(EventOrderTests.hello)
        try await withSession { session in
            let long = HandleError(.insufficientBuffer, .readData, reason: "the body is longer than 4 bytes")
            let response = try await session.get(server.url())
            await #expect(throws: long) { try await response.body.collectBuffer(upTo: 4) }
            await response.request.closed()
            let bad = HandleError.invalidParameter(.readData, "the limit must be at least 0, but is -1")
            await #expect(throws: bad) { try await session.get(server.url()).body.collectBuffer(upTo: -1) }
        }
    }

    // MARK: Back-pressure and cancellation

    /// Counts what is taken of it, and never ends.
    private struct Endless: AsyncSequence, Sendable {
        let taken: Record<Int>
        let buffer: ByteBuffer
        let isTaken: Gate

        struct Iterator: AsyncIteratorProtocol {
            let source: Endless

            mutating func next() async throws -> ByteBuffer? {
                try Task.checkCancellation()
                source.taken.note(source.buffer.readableBytes)
                source.isTaken.open()
                return source.buffer
            }
        }

        func makeAsyncIterator() -> Iterator { Iterator(source: self) }
    }

    /// More than the system and the library keep together.
    private static let kept = 16 << 20

    @Test func `a server that does not read holds the sequence up, and cancellation ends it`() async throws {
        let isOver = Gate()
        defer { isOver.open() }
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            _ = try connection.readHead()
            isOver.wait()
        }
        let session = try SessionHandle(options: WebSocketTests.patient)
        let source = Endless(taken: Record(), buffer: ByteBuffer(bytes: Self.bytes(1 << 20)), isTaken: Gate())
        let recorder = EventRecorder(of: session, .handles, scope: .tree)
        let task = Task { try await session.fetch(.put, server.url(), body: .stream(source)) }
        await source.isTaken.passed()
        // It has time to go on, if it can: each call is a turn of the driver.
        for _ in 0..<200 { _ = try await session.option(.connectTimeout) }
        #expect(source.taken.all.reduce(0, +) <= Self.kept)
        task.cancel()
        #expect(await task.failure?.isCancellation == true)
        try await recorder.first { $0.handle.level == .request && $0.kind == .handleClosing }
        try session.closeAll()
        await session.closed()
    }

    @Test func `a reader that waits for a buffer is cancelled`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
            connection.waitForClose()
        }
        let session = try SessionHandle(options: WebSocketTests.patient)
        let response = try await session.get(server.url())
        var buffers = response.body.buffers.makeAsyncIterator()
        #expect(try await buffers.next() == ByteBuffer(string: "hello"))
        let reading = Task.immediate { try await response.body.collectBuffer(upTo: 4) }
        reading.cancel()
        #expect(await reading.failure == .cancelled(.readData))
        await #expect(throws: HandleError.closed(.readData)) { try await buffers.next() }
        await response.request.closed()
        await session.shutDown(gracePeriod: .zero)
    }

    @Test func `coded bodies are decoded into buffers`() async throws {
        let nginx = try Nginx.shared.get()
        try await withSession { session in
            let whole = try await session.get(nginx.http("/big")).body.collect(upTo: nginx.bigSize)
            let response = try await session.get(nginx.http("/big"))
            #expect(try await response.body.collectBuffer(upTo: nginx.bigSize) == ByteBuffer(bytes: whole))
        }
    }
}
#endif
