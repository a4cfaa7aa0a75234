import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Sending and receiving at the same time", .timeLimit(.minutes(5)))
struct TwoWayTests {
    /// Answers each chunk of a request as soon as it has arrived.
    static func echo(_ connection: ServerConnection) throws {
        guard let head = try connection.readHead() else { return }
        try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        guard head["transfer-encoding"] == "chunked" else { return }
        while true {
            var size: [UInt8] = []
            while size.suffix(2) != Array("\r\n".utf8)[...] { size += try connection.read(exactly: 1) }
            guard let count = Int(String(decoding: size.dropLast(2), as: UTF8.self), radix: 16) else { return }
            let chunk = String(decoding: try connection.read(exactly: count + 2).dropLast(2), as: UTF8.self)
            try connection.sendChunk(chunk)
            if count == 0 { break }
        }
        connection.waitForClose()
    }

    /// The protocol and the servers.
    enum Way: String, CaseIterable { case http1_1, http2 }

    /// A request whose chunks are echoed.
    static func request(_ way: Way, to server: ScriptedServer) async throws -> RequestHandle {
        switch way {
        case .http1_1: return try await SessionHandle().openRequest(.post, server.url())
        case .http2:
            let nginx = try Nginx.shared.get()
            let session = try SessionHandle(options: [.set(.httpVersions, to: .http2PriorKnowledge)])
            return try await session.openRequest(.post, nginx.clearHTTP2(to: server))
        }
    }

    @Test(arguments: Way.allCases)
    func `a conversation inside one request`(way: Way) async throws {
        let server = try ScriptedServer(Self.echo)
        let request = try await Self.request(way, to: server)
        let recorder = EventRecorder(of: request)
        try await request.send(.writes())
        let head = try await request.receiveResponse()
        #expect(head.status == .ok)
        #expect(head.version == (way == .http2 ? .http2 : .http1_1))
        for word in ["one", "two", "three"] {
            try await request.write(Array(word.utf8))
            #expect(try await request.body.read(upTo: 100) == Array(word.utf8))
        }
        try await request.finishWriting()
        #expect(try await request.body.read(upTo: 100) == [])
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        let expected: [StatusEvent.Kind] = [3, 3, 5].flatMap { [.writeComplete(bytes: $0), .readComplete(bytes: $0)] }
        #expect(
            kinds.filter { ["writeComplete", "readComplete"].contains($0.name) } == expected + [.readComplete(bytes: 0)]
        )
    }

    @Test(arguments: Way.allCases)
    func `closing in the middle of a conversation`(way: Way) async throws {
        let server = try ScriptedServer(Self.echo)
        let request = try await Self.request(way, to: server)
        let recorder = EventRecorder(of: request)
        try await request.send(.writes())
        _ = try await request.receiveResponse()
        try await request.write(Array("one".utf8))
        #expect(try await request.body.read(upTo: 100) == Array("one".utf8))
        let reading = Task.immediate { try await request.body.read(upTo: 100) }
        try request.close()
        await #expect(throws: HandleError.cancelled(.readData)) { try await reading.value }
        await #expect(throws: HandleError.closed(.writeData)) { try await request.write([1]) }
        await request.closed()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.suffix(2) == [.requestError(.cancelled(.readData)), .handleClosing])
    }
}
