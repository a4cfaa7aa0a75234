import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Single bytes of a body", .timeLimit(.minutes(5)))
struct ByteSequenceTests {
    @Test(arguments: [0, 1, 255, 1_000_000])
    func `every byte is given once, in order`(count: Int) async throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n")
            try connection.send(bytes)
        }
        let session = try SessionHandle()
        let response = try await session.get(server.url())
        var received: [UInt8] = []
        var iterator = response.body.bytes.makeAsyncIterator()
        while let byte = try await iterator.next() { received.append(byte) }
        #expect(received == bytes)
        #expect(try await iterator.next() == nil)
        await response.request.closed()
    }

    @Test func `an actor reads them too`() async throws {
        actor Adder {
            var sum = 0

            func add(_ bytes: ResponseBody.Bytes) async throws(HandleError) -> Int {
                for try await byte in bytes { sum += Int(byte) }
                return sum
            }
        }
        #expect(try await Adder().add(ResponseBody.bytes([UInt8](repeating: 3, count: 1000)).bytes) == 3000)
    }

    @Test func `another iterator goes on behind the pieces that were taken`() async throws {
        let pieces = PieceSource([[1, 2], [], [3], [4, 5]])
        let body = ResponseBody.pieces { () async throws(HandleError) in await pieces.next() }
        var first = body.bytes.makeAsyncIterator()
        #expect(try await first.next() == 1)
        var second = body.bytes.makeAsyncIterator()
        #expect(try await second.next() == 3)
        #expect(try await first.next() == 2)
        #expect(try await first.next() == 4)
        #expect(try await second.next() == nil)
        #expect(try await first.next() == 5)
    }

    @Test func `cancelling gives the rest of the piece, then operationCancelled`() async throws {
        let isWaiting = Gate()
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            _ = try connection.readRequest()
        }
        let session = try SessionHandle()
        let reading = Task {
            var received: [UInt8] = []
            let response = try await session.get(server.url())
            do throws(HandleError) {
                for try await byte in response.body.bytes {
                    received.append(byte)
                    if received.count == 3 { isWaiting.open() }
                }
                return (received, nil as HandleError?)
            } catch {
                return (received, error)
            }
        }
        await isWaiting.passed()
        reading.cancel()
        let (received, error) = try await reading.value
        #expect(received == Array("abc".utf8))
        #expect(error == HandleError.cancelled(.readData))
    }

    @Test func `closing in the middle of a piece gives the rest of it`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            _ = try connection.readRequest()
        }
        let session = try SessionHandle()
        let response = try await session.get(server.url())
        #expect(try await response.body.available() == 3)
        var iterator = response.body.bytes.makeAsyncIterator()
        #expect(try await iterator.next() == UInt8(ascii: "a"))
        try response.request.close()
        #expect(try await iterator.next() == UInt8(ascii: "b"))
        #expect(try await iterator.next() == UInt8(ascii: "c"))
        let error = await #expect(throws: HandleError.self) { try await iterator.next() }
        #expect(error == HandleError.closed(.readData))
    }

    @Test func `a body that ends too early is an error behind its bytes`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc")
        }
        let session = try SessionHandle()
        var received: [UInt8] = []
        var iterator = try await session.get(server.url()).body.bytes.makeAsyncIterator()
        for _ in 0..<3 { received.append(try #require(try await iterator.next())) }
        #expect(received == Array("abc".utf8))
        let error = await #expect(throws: HandleError.self) { try await iterator.next() }
        #expect(error?.code == .connectionError)
        #expect(try await iterator.next() == nil)
    }
}

private actor PieceSource {
    private var pieces: [[UInt8]]

    init(_ pieces: [[UInt8]]) {
        self.pieces = pieces
    }

    func next() -> [UInt8]? { pieces.isEmpty ? nil : pieces.removeFirst() }
}
