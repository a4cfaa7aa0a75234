import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Progress, cancellation and refusal of downloads. (Resuming: `FileDownloadTests`.)
@Suite("Downloads", .timeLimit(.minutes(5)))
struct DownloadTaskTests {
    let scratch: Scratch
    let session: SessionHandle

    init() throws {
        scratch = try Scratch()
        session = try SessionHandle()
    }

    /// Sends five bytes of ten, and the others when the gate is open.
    static func serve(_ gate: Gate) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if request.head.target == "/missing" {
                    try connection.send("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone")
                    continue
                }
                let isPart = request.head["Range"] != nil
                let status = isPart ? "206 Part\r\nContent-Range: bytes 5-9/10" : "200 OK"
                try connection.send("HTTP/1.1 \(status)\r\nETag: \"1\"\r\nContent-Length: \(isPart ? 5 : 10)\r\n\r\n")
                if !isPart {
                    try connection.send("hello")
                    gate.wait()
                }
                try connection.send("world")
            }
        }
    }

    @Test func `a download shows its progress`() async throws {
        let gate = Gate()
        let server = try Self.serve(gate)
        let progress = Record<DownloadProgress>()
        let download = try await session.download(server.url(), to: scratch.path("a")) { present in
            progress.note(present)
            if present.received == 5 { gate.open() }
        }
        #expect(download.length == 10)
        let received = [0, 5, 10].map { DownloadProgress(received: $0, expected: 10) }
        #expect(progress.all == received)
        #expect(progress.all.map(\.fraction) == [0, 0.5, 1])
    }

    @Test func `a download can be cancelled alone, and goes on later`() async throws {
        let gate = Gate()
        let server = try Self.serve(gate)
        defer { gate.open() }
        let first = session.startDownload(server.url(), to: scratch.path("a"))
        let second = session.startDownload(server.url(), to: scratch.path("b"))
        for await present in first.progress() where present.received == 5 { break }
        first.cancel()
        let error = await #expect(throws: HandleError.self) { try await first.value }
        #expect(error?.code == .operationCancelled)
        // It is over, and so are its listeners; the last one gets the latest value first.
        let left = await first.progress().reduce(into: []) { $0.append($1) }
        #expect(left == [DownloadProgress(received: 5, expected: 10)])
        #expect(scratch.contents("a.partial") == Array("hello".utf8))
        first.cancel()

        let progress = Record<DownloadProgress>()
        let download = try await session.download(server.url(), to: scratch.path("a")) { progress.note($0) }
        #expect(download.resumedFrom == 5)
        let resumed = [5, 10].map { DownloadProgress(received: $0, expected: 10, resumedFrom: 5) }
        #expect(progress.all == resumed)
        #expect(scratch.contents("a") == Array("helloworld".utf8))
        gate.open()
        #expect(try await second.value.length == 10)
        #expect(scratch.contents("b") == Array("helloworld".utf8))
    }

    @Test func `closing the tree of its session ends it`() async throws {
        let gate = Gate()
        let server = try Self.serve(gate)
        defer { gate.open() }
        let download = session.startDownload(server.url(), to: scratch.path("a"))
        for await present in download.progress() where present.received == 5 { break }
        try session.closeAll()
        let error = await #expect(throws: HandleError.self) { try await download.value }
        #expect(error?.code == .operationCancelled)
    }

    @Test func `a response that is no success is an error, and nothing is written`() async throws {
        let server = try Self.serve(Gate())
        let path = scratch.path("a")
        let error = await #expect(throws: HandleError.self) {
            try await session.download(server.url("/missing"), to: path)
        }
        #expect(error?.code == .unsuccessfulStatus)
        #expect(error?.reason == "the response is 410 from \(server.url("/missing"))")
        #expect(error?.response?.bodyText == "gone")
        #expect(scratch.names == [])
        let started = session.startDownload(server.url("/missing"), to: path)
        await #expect(throws: try #require(error)) { try await started.value }
        #expect(await started.progress().first { _ in true } == nil)
    }
}
