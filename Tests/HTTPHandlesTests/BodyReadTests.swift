import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Reads of a certain number of bytes, into an array of the caller's, and of what is not wanted.
@Suite("Reads of bodies", .timeLimit(.minutes(5)))
struct BodyReadTests {
    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    /// Sends the pieces one by one, each when the one before it was read.
    private static func serve(_ pieces: [String], _ gates: [Gate]) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for (index, piece) in pieces.enumerated() {
                    if index > 0, index <= gates.count { gates[index - 1].wait() }
                    try connection.sendChunk(piece)
                }
                try connection.sendChunk("")
            }
        }
    }

    @Test func `a read is filled from several pieces`() async throws {
        let gate = Gate()
        let server = try Self.serve(["abc", "defgh"], [gate])
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request, .readComplete)
        try await request.send()
        _ = try await request.receiveResponse()
        let reading = Task { try await request.body.read(exactly: 5) }
        try await recorder.first(.readComplete(bytes: 3))
        gate.open()
        #expect(try await reading.value == Array("abcde".utf8))
        #expect(try await request.body.read(exactly: 0) == [])
        #expect(try await request.body.read(exactly: 100) == Array("fgh".utf8))
        #expect(try await request.body.read(exactly: 100) == [])
    }

    @Test(arguments: ["identity", "gzip"])
    func `a read appends to an array of the caller's`(coding: String) async throws {
        let nginx = try Nginx.shared.get()
        let fields: HTTPFields = coding == "identity" ? [.acceptEncoding: coding] : [:]
        let whole = try await session.get(nginx.http("/big"), headerFields: fields).body.collect(upTo: nginx.bigSize)
        let response = try await session.get(nginx.http("/big"), headerFields: fields)
        var bytes: [UInt8] = []
        var buffer: [UInt8] = []
        while true {
            buffer.removeAll(keepingCapacity: true)
            let count = try await response.body.read(appendingTo: &buffer, upTo: 10_000)
            #expect(count == buffer.count && count <= 10_000)
            guard count > 0 else { break }
            bytes += buffer
        }
        #expect(bytes == whole)
    }

    @Test(arguments: ["identity", "gzip"])
    func `a read copies into memory of the caller's`(coding: String) async throws {
        let nginx = try Nginx.shared.get()
        let fields: HTTPFields = coding == "identity" ? [.acceptEncoding: coding] : [:]
        let whole = try await session.get(nginx.http("/big"), headerFields: fields).body.collect(upTo: nginx.bigSize)
        let response = try await session.get(nginx.http("/big"), headerFields: fields)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 10_000)
        while true {
            let count = try await Self.read(response.body, into: &buffer)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        #expect(bytes == whole)
        buffer = []
        let error = await #expect(throws: HandleError.self) { try await Self.read(response.body, into: &buffer) }
        #expect(error == .invalidParameter(.readData, "the memory must have at least 1 byte"))
    }

    private static func read(_ body: ResponseBody, into buffer: inout [UInt8]) async throws(HandleError) -> Int {
        var span = buffer.mutableSpan
        return try await body.read(into: &span)
    }

    @Test func `bytes are skipped, with events`() async throws {
        let server = try Self.serve(["0123456789"], [])
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        var buffer: [UInt8] = Array("x".utf8)
        #expect(try await request.body.skip(3) == 3)
        #expect(try await request.body.read(appendingTo: &buffer, upTo: 2) > 0)
        #expect(buffer.starts(with: "x3".utf8))
        #expect(try await request.body.skip(.max) == Int64(10 - 3 - (buffer.count - 1)))
        #expect(try await request.body.skip(1) == 0)
        try request.close()
        let read = try await recorder.finish().reduce(0) { sum, event in
            if case .readComplete(let bytes) = event.kind { sum + bytes } else { sum }
        }
        #expect(read == 10)
    }

    @Test func `wrong numbers are refused, and states as in other reads`() async throws {
        let server = try Self.serve(["0123456789"], [])
        let response = try await session.get(server.url())
        var buffer: [UInt8] = []
        await #expect(throws: HandleError.invalidParameter(.readData, "the count must be at least 0, but is -1")) {
            try await response.body.read(exactly: -1)
        }
        await #expect(throws: HandleError.invalidParameter(.readData, "the count must be at least 0, but is -1")) {
            try await response.body.skip(-1)
        }
        await #expect(throws: HandleError.invalidParameter(.readData, "the limit must be at least 1, but is 0")) {
            try await response.body.read(appendingTo: &buffer, upTo: 0)
        }
        try response.request.close()
        await #expect(throws: HandleError.closed(.readData)) {
            try await response.body.read(appendingTo: &buffer, upTo: 1)
        }
        let unsent = try await session.openRequest(.get, server.url())
        await #expect(throws: HandleError.wrongState(.readData, "no response was received")) {
            try await unsent.body.read(appendingTo: &buffer, upTo: 1)
        }
        #expect(buffer.isEmpty)
    }

    @Test(arguments: [(64 << 10, 2), (0, 2), (2 << 20, 1), (Int.max, 1)])
    func `the unwanted body of a redirect is drained up to a limit`(limit: Int, connections: Int) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let body = String(repeating: "x", count: request.head.target == "/" ? 1 << 20 : 5)
                let head = request.head.target == "/" ? "302 Found\r\nLocation: /end" : "200 OK"
                try connection.send("HTTP/1.1 \(head)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
        let options = [OptionSetting.set(.maximumDrainSize, to: limit)]
        let response = try await session.get(server.url(), options: options)
        #expect(try await response.body.collect(upTo: 5).count == 5)
        #expect(server.connectionsAccepted == connections)
    }
}
