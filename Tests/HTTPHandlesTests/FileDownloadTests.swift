import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Bodies into files", .timeLimit(.minutes(5)))
struct FileDownloadTests {
    let scratch: Scratch
    let session: SessionHandle

    init() throws {
        scratch = try Scratch()
        session = try SessionHandle()
    }

    // MARK: write(to:)

    @Test func `a body replaces a file`() async throws {
        let nginx = try Nginx.shared.get()
        let path = try scratch.file("down", pattern(10))
        let response = try await session.get(nginx.http("/big"))
        #expect(try await response.body.write(to: path) == UInt64(nginx.bigSize))
        #expect(scratch.contents("down")?.count == nginx.bigSize)
        #expect(scratch.names == ["down"])
        await response.request.closed()
    }

    @Test func `a truncated body does not replace the file`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        }
        let path = try scratch.file("down", [1, 2, 3])
        let error = await #expect(throws: HandleError.self) {
            try await session.get(server.url()).body.write(to: path)
        }
        #expect(error?.code == .connectionError)
        #expect(scratch.contents("down") == [1, 2, 3])
        #expect(scratch.names == ["down"])
    }

    @Test func `closing and cancelling while a file is written`() async throws {
        for isCancelled in [false, true] {
            let server = try ScriptedServer { connection in
                _ = try connection.readRequest()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
                connection.waitForClose()
            }
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.get, "/")
            let recorder = EventRecorder(of: request)
            try await request.send()
            _ = try await request.receiveResponse()
            let path = scratch.path("down")
            let writing = Task.immediate { try await request.body.write(to: path) }
            try await recorder.first(.readComplete(bytes: 5))
            if isCancelled { writing.cancel() } else { try request.close() }
            let error = await #expect(throws: HandleError.self) { try await writing.value }
            // The close may happen between two reads; then the next one fails because the handle is closed.
            #expect(error?.code == .operationCancelled || error?.code == .invalidHandle)
            await request.closed()
            #expect(scratch.names == [])
            #expect(try await recorder.finish().last?.kind == .handleClosing)
        }
    }

    @Test func `a file that cannot be written is an error, and nothing is read`() async throws {
        let nginx = try Nginx.shared.get()
        _ = unsafe mkfifo(scratch.path("pipe"), 0o600)
        for (name, reason) in [
            ("no/where", "No such file or directory"), ("", "it is not a regular file"),
            ("pipe", "it is not a regular file"), ("a\0b", "the path contains a NUL"),
        ] {
            let path = scratch.path(name)
            let response = try await session.get(nginx.http("/hello"))
            let error = HandleError(
                .fileNotWritable,
                .readData,
                reason: "the file \(path) cannot be written: \(reason)"
            )
            await #expect(throws: error) { try await response.body.write(to: path) }
            // So it can still be read.
            #expect(try await !response.body.collect(upTo: 1000).isEmpty)
        }
        #expect(scratch.names == ["pipe"])
    }

    @Test func `a file keeps its mode, and only regular files are replaced`() async throws {
        let nginx = try Nginx.shared.get()
        let path = try scratch.file("down", pattern(10))
        _ = unsafe chmod(path, 0o600)
        try await session.get(nginx.http("/hello")).body.write(to: path)
        #expect(try scratch.mode("down") == 0o600)
        _ = unsafe symlink(path, scratch.path("link"))
        _ = unsafe symlink(scratch.path("pipe"), scratch.path("piped"))
        for name in ["link", "piped"] {
            let link = scratch.path(name)
            let reason = "the file \(link) cannot be written: it is a symbolic link"
            let error = HandleError(.fileNotWritable, .readData, reason: reason)
            let response = try await session.get(nginx.http("/big"))
            await #expect(throws: error) { try await response.body.write(to: link) }
            await #expect(throws: error) { try await session.download(nginx.http("/big"), to: link) }
            await #expect(throws: HandleError(.fileNotWritable, .accessCookies, reason: reason)) {
                try await session.cookies.save(to: link)
            }
        }
        #expect(scratch.contents("down") == Array("hello".utf8))
        #expect(scratch.names == ["down", "link", "piped"])
    }

    // MARK: Resumable downloads

    /// Files that another user of the folder can have created before.
    @Test(arguments: [
        "ln -s other down.partial", "ln other down.partial", "mkfifo down.partial",
        "cp other down.partial; chmod 666 down.partial",
    ])
    func `a partial file of another user is not written to`(_ plant: String) async throws {
        let (resource, server) = try resource { $0.bytes = pattern(1000) }
        _ = try scratch.file("other", pattern(10))
        try runShell("cd \"$1\"; " + plant, scratch.folder)
        let error = await #expect(throws: HandleError.self) {
            try await session.download(server.url(), to: scratch.path("down"))
        }
        #expect(error?.code == .fileNotWritable)
        #expect(scratch.contents("other") == pattern(10))
        #expect(scratch.names == ["down.partial", "other"])
        #expect(resource.state.with { $0.asked } == [])
    }

    @Test(arguments: [
        "ln -s note down.partial.version", "ln note down.partial.version",
        "cp note down.partial.version; chmod 622 down.partial.version",
    ])
    func `a version file of another user is ignored`(_ plant: String) async throws {
        let (resource, server) = try resource {
            $0.bytes = pattern(1000)
            $0.breaks = [500]
        }
        _ = try scratch.file("down.partial", [UInt8](repeating: 0xFF, count: 100))
        _ = try scratch.file("note", "\(server.url())\n\"1\"\n".utf8)
        try runShell("cd \"$1\"; " + plant, scratch.folder)
        let error = await #expect(throws: HandleError.self) {
            try await session.download(server.url(), to: scratch.path("down"))
        }
        #expect(resource.state.with { $0.asked } == ["- -"])
        #expect(scratch.contents("note") == Array("\(server.url())\n\"1\"\n".utf8))
        // A file is replaced, a link is not.
        let isLink = plant.hasPrefix("ln -s")
        #expect(error?.code == (isLink ? .fileNotWritable : .connectionError))
        guard !isLink else { return }
        #expect(try scratch.mode("down.partial.version") == 0o600)
        #expect(try await session.download(server.url(), to: scratch.path("down")).resumedFrom == 500)
        #expect(scratch.contents("down") == pattern(1000))
    }

    /// A server of one resource that supports ranges, truncates bodies on request, and records the requests.
    final class Resource: Sendable {
        struct State {
            var bytes: [UInt8] = []
            var tag: String? = "\"1\""
            var honoursRanges = true
            var maximumPart = Int.max
            /// The number of bytes after which the body of each connection is truncated.
            var breaks: [Int] = []
            var asked: [String] = []
        }

        let state = Locked(State())

        func serve(_ connection: ServerConnection) throws {
            while let request = try connection.readRequest() {
                let (head, body, cut) = state.with { state -> (String, [UInt8], Int?) in
                    let range = request.head["range"]
                    let condition = request.head["if-range"]
                    state.asked.append("\(range ?? "-") \(condition ?? "-")")
                    let cut = state.breaks.isEmpty ? nil : state.breaks.removeFirst()
                    let tag = state.tag.map { "ETag: \($0)\r\n" } ?? ""
                    let first = range.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
                    guard let first, state.honoursRanges, condition == nil || condition == state.tag else {
                        return ("200 OK\r\n\(tag)", state.bytes, cut)
                    }
                    guard first < state.bytes.count else {
                        return ("416 No\r\nContent-Range: bytes */\(state.bytes.count)\r\n", [], cut)
                    }
                    let part = Array(state.bytes[first...].prefix(state.maximumPart))
                    let sent = "\(first)-\(first + part.count - 1)/\(state.bytes.count)"
                    return ("206 Part\r\n\(tag)Content-Range: bytes \(sent)\r\n", part, cut)
                }
                try connection.send("HTTP/1.1 \(head)Content-Length: \(body.count)\r\n\r\n")
                try connection.send(body.prefix(cut ?? .max))
                if cut != nil { return }
            }
        }
    }

    func resource(_ change: (inout Resource.State) -> Void) throws -> (Resource, ScriptedServer) {
        let resource = Resource()
        resource.state.with { change(&$0) }
        return (resource, try ScriptedServer { try resource.serve($0) })
    }

    @Test func `a truncated download is resumed`() async throws {
        let bytes = pattern(500_000)
        let (resource, server) = try resource {
            $0.bytes = bytes
            $0.breaks = [100_000, 200_000]
        }
        let path = scratch.path("down")
        for length in [100_000, 300_000] {
            let error = await #expect(throws: HandleError.self) { try await session.download(server.url(), to: path) }
            #expect(error?.code == .connectionError)
            #expect(scratch.names == ["down.partial", "down.partial.version"])
            #expect(scratch.contents("down.partial") == Array(bytes[..<length]))
        }
        let download = try await session.download(server.url(), to: path)
        #expect(download.length == 500_000)
        #expect(download.resumedFrom == 300_000)
        #expect(download.head.status == .partialContent)
        #expect(scratch.names == ["down"])
        #expect(scratch.contents("down") == bytes)
        #expect(resource.state.with { $0.asked } == ["- -", "bytes=100000- \"1\"", "bytes=300000- \"1\""])
    }

    @Test(arguments: [true, false])
    func `a resource that has changed is fetched from the start`(serverKnowsIfRange: Bool) async throws {
        let (resource, server) = try resource {
            $0.bytes = pattern(1000)
            $0.breaks = [100]
        }
        let path = scratch.path("down")
        await #expect(throws: HandleError.self) { try await session.download(server.url(), to: path) }
        let new = [UInt8](repeating: 7, count: 300)
        resource.state.with {
            $0.bytes = new
            $0.tag = "\"2\""
        }
        if serverKnowsIfRange {
            let download = try await session.download(server.url(), to: path)
            #expect(download.resumedFrom == 0)
        } else {
            let ignorant = try ScriptedServer { connection in
                while let request = try connection.readRequest() {
                    let isPart = request.head["range"] != nil
                    let status = isPart ? "206 Part\r\nContent-Range: bytes 100-299/300" : "200 OK"
                    let body = new.dropFirst(isPart ? 100 : 0)
                    try connection.send("HTTP/1.1 \(status)\r\nETag: \"2\"\r\nContent-Length: \(body.count)\r\n\r\n")
                    try connection.send(body)
                }
            }
            // The version file has the URL with another port.
            let note = "\(ignorant.url())\n\"1\"\n"
            _ = try scratch.file("down.partial.version", note.utf8)
            let download = try await session.download(ignorant.url(), to: path)
            #expect(download.head.status == .ok)
            #expect(download.resumedFrom == 0)
        }
        #expect(scratch.contents("down") == new)
        #expect(scratch.names == ["down"])
    }

    @Test func `a resource that became shorter, or whose partial file is complete, is fetched from the start`()
        async throws
    {
        for length in [50, 100] {
            let (resource, server) = try resource { $0.bytes = pattern(length) }
            _ = try scratch.file("down.partial", pattern(100))
            _ = try scratch.file("down.partial.version", "\(server.url())\n\"1\"\n".utf8)
            let download = try await session.download(server.url(), to: scratch.path("down"))
            #expect(download.resumedFrom == 0)
            #expect(scratch.contents("down") == pattern(length))
            #expect(resource.state.with { $0.asked } == ["bytes=100- \"1\"", "- -"])
        }
    }

    @Test func `without ranges, without a strong tag, or for another URL, it starts from the beginning`() async throws {
        let cases: [(@Sendable (inout Resource.State) -> Void, String, String)] = [
            ({ $0.honoursRanges = false }, "/", "bytes=100- \"1\""), ({ $0.tag = "W/\"1\"" }, "/", "- -"),
            ({ $0.tag = nil }, "/", "- -"), ({ _ in }, "/other", "- -"),
        ]
        for (change, second, asked) in cases {
            let (resource, server) = try resource {
                $0.bytes = pattern(1000)
                $0.breaks = [100]
                change(&$0)
            }
            let path = scratch.path("down")
            await #expect(throws: HandleError.self) { try await session.download(server.url(), to: path) }
            let download = try await session.download(server.url(second), to: path)
            #expect(download.resumedFrom == 0)
            #expect(scratch.contents("down") == pattern(1000))
            #expect(scratch.names == ["down"])
            #expect(resource.state.with { $0.asked } == ["- -", asked])
        }
    }

    @Test func `after a shorter range than requested the rest is requested again`() async throws {
        let (resource, server) = try resource {
            $0.bytes = pattern(1000)
            $0.breaks = [100]
            $0.maximumPart = 400
        }
        let path = scratch.path("down")
        await #expect(throws: HandleError.self) { try await session.download(server.url(), to: path) }
        let download = try await session.download(server.url(), to: path)
        #expect(download.resumedFrom == 100)
        #expect(scratch.contents("down") == pattern(1000))
        #expect(resource.state.with { $0.asked.count } == 4)
    }

    @Test func `a part with another length than its Content-Range is an error, and is not kept`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 206 Part\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 2\r\n\r\nxy")
        }
        _ = try scratch.file("down.partial", [1, 2, 3])
        _ = try scratch.file("down.partial.version", "\(server.url())\n\"1\"\n".utf8)
        let reason = "the number of bytes received differs from the Content-Range of the response"
        await #expect(throws: HandleError(.invalidServerResponse, .readData, reason: reason)) {
            try await session.download(server.url(), to: scratch.path("down"))
        }
        #expect(scratch.contents("down.partial")?.isEmpty ?? true)
    }

    @Test func `the body of an error response is not written`() async throws {
        let nginx = try Nginx.shared.get()
        let error = await #expect(throws: HandleError.self) {
            try await session.download(nginx.http("/missing"), to: scratch.path("down"))
        }
        #expect(error?.response?.status == .notFound)
        #expect(scratch.names == [])
    }

    @Test func `resuming with nginx`() async throws {
        let nginx = try Nginx.shared.get()
        let tag = try #require(try await session.get(nginx.http("/big")).head.entityTag)
        _ = try scratch.file("down.partial", (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) })
        _ = try scratch.file("down.partial.version", "\(nginx.http("/big"))\n\(tag)\n".utf8)
        let download = try await session.download(nginx.http("/big"), to: scratch.path("down"))
        #expect(download.resumedFrom == 1_000_000)
        #expect(scratch.contents("down") == (0..<nginx.bigSize).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test func `two downloads to one file are not mixed, and a cancelled one can be resumed`() async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            let isPart = request.head["range"] != nil
            let status = isPart ? "206 Part\r\nContent-Range: bytes 5-9/10" : "200 OK"
            try connection.send("HTTP/1.1 \(status)\r\nETag: \"1\"\r\nContent-Length: \(isPart ? 5 : 10)\r\n\r\n")
            try connection.send(isPart ? "world" : "hello")
            if !isPart {
                gate.wait()
                connection.waitForClose()
            }
        }
        let recorder = EventRecorder(of: session, [.readComplete], scope: .tree)
        let path = scratch.path("down")
        let first = Task { try await session.download(server.url(), to: path) }
        try await recorder.first { $0.kind == .readComplete(bytes: 5) }
        let reason = "the file \(path).partial cannot be written: another download is writing it"
        await #expect(throws: HandleError(.fileNotWritable, .readData, reason: reason)) {
            try await session.download(server.url(), to: path)
        }
        gate.open()
        // The bytes were read; they are certainly written only when the task has ended.
        first.cancel()
        let error = await #expect(throws: HandleError.self) { try await first.value }
        #expect(error?.isCancellation == true)
        let download = try await session.download(server.url(), to: path)
        #expect(download.length == 10)
        #expect(scratch.contents("down") == Array("helloworld".utf8))
    }

    @Test func `range fields of the caller are refused`() async throws {
        let error = HandleError.invalidParameter(.openRequest, "a download sets Range and If-Range by itself")
        for fields in [HTTPFields.range(.last(1)), [.ifRange: "\"1\""]] {
            await #expect(throws: error) {
                try await session.download("http://127.0.0.1:1/", to: scratch.path("down"), headerFields: fields)
            }
        }
    }
}

/// A value protected by a lock, for servers with state.
final class Locked<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func with<Result>(_ body: (inout Value) -> Result) -> Result { lock.withLock { body(&value) } }
}
