import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The errors of cancelled tasks; and refused calls, which do not change a request.
@Suite("Cancelled and refused calls", .timeLimit(.minutes(5)))
struct CancellationTests {
    /// Answers with the head of a response and the first five bytes of its body; with the rest after the gate, if there is
    /// one, was opened.
    static func halfway(_ mayEnd: Gate? = nil) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let head = try connection.readHead() {
                if head["Transfer-Encoding"] == nil { _ = try connection.readBody(of: head) }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
                guard let mayEnd else { return connection.waitForClose() }
                mayEnd.wait()
                try connection.send("world")
            }
        }
    }

    // MARK: Cancelled

    enum Operation: CaseIterable, Sendable {
        case send, sendStream, write, finishWriting, receive, read, available, collect, text, lines, events, file
        case fetch, get, fetchStream, openRequest, download, cookies, setCookie, connect, option, setOption

        func run(_ session: SessionHandle, _ request: RequestHandle, _ url: String) async throws {
            switch self {
            case .send: try await request.send()
            case .sendStream: try await request.send(.stream(Endless()))
            case .write: try await request.write([1])
            case .finishWriting: try await request.finishWriting()
            case .receive: _ = try await request.receiveResponse()
            case .read: _ = try await request.body.read(upTo: 1)
            case .available: _ = try await request.body.available()
            case .collect: _ = try await request.body.collect(upTo: 100)
            case .text: _ = try await request.body.collectString(upTo: 100)
            case .lines: for try await _ in request.body.lines {}
            case .events: for try await _ in request.body.serverSentEvents {}
            case .file: try await request.body.write(to: "/nowhere/file")
            case .fetch: _ = try await session.fetch(.put, url, body: .string("body"))
            case .get: _ = try await session.get(url)
            case .fetchStream: _ = try await session.fetch(.put, url, body: .stream(Endless()))
            case .openRequest: _ = try await session.openRequest(.get, url)
            case .download:
                let scratch = try Scratch()
                _ = try await session.download(url, to: scratch.path("file"))
            case .cookies: _ = try await session.cookies.list()
            case .setCookie: try await session.cookies.removeAll()
            case .connect: _ = try await session.connect(to: "127.0.0.1", port: 1)
            case .option: _ = try await request.option(.sendTimeout)
            case .setOption: try await request.setOption(.sendTimeout, to: .seconds(1))
            }
        }
    }

    /// A sequence that waits until its task is cancelled, and throws.
    struct Endless: AsyncSequence, AsyncIteratorProtocol, Sendable {
        func makeAsyncIterator() -> Endless { self }

        func next() async throws -> [UInt8]? {
            try await Task.sleep(for: .seconds(1_000_000))
            return nil
        }
    }

    @Test(arguments: Operation.allCases)
    func `every call on a closed handle throws operationCancelled in a cancelled task`(_ operation: Operation)
        async throws
    {
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, "http://127.0.0.1:1/")
        try session.closeAll()
        await session.closed()
        let refusal = await #expect(throws: HandleError.self) {
            try await operation.run(session, request, "http://127.0.0.1:1/")
        }
        #expect(refusal?.code == .invalidHandle)
        let isCancelled = Gate()
        let task = Task {
            await isCancelled.passed()
            try await operation.run(session, request, "http://127.0.0.1:1/")
        }
        task.cancel()
        isCancelled.open()
        let error = await #expect(throws: HandleError.self) { try await task.value }
        #expect(error?.isCancellation == true, "\(error.debugDescription)")
    }

    /// One piece, and an end as soon as the task is cancelled, as `AsyncStream` has it.
    private struct EndsWhenCancelled: AsyncSequence, AsyncIteratorProtocol {
        let isWaiting: Gate
        private var hasBegun = false

        init(_ isWaiting: Gate) { self.isWaiting = isWaiting }

        func makeAsyncIterator() -> Self { self }

        mutating func next() async -> [UInt8]? {
            guard hasBegun else {
                hasBegun = true
                return Array("hello".utf8)
            }
            isWaiting.open()
            while !Task.isCancelled { await Task.yield() }
            return nil
        }
    }

    /// To the server the body would be complete. Repeated, because the end comes at the same time as the close.
    @Test func `a body whose sequence ends when its task is cancelled is not completed`() async throws {
        let (results, found) = AsyncStream.makeStream(of: Bool.self)
        let server = try ScriptedServer { connection in
            let request = try? connection.readRequest()
            found.yield(request != nil)
        }
        let session = try SessionHandle()
        var isComplete = results.makeAsyncIterator()
        for _ in 0..<(Sanitizer.isPresent ? 100 : 400) {
            let isWaiting = Gate()
            let request = try await session.openRequest(.put, server.url())
            let recorder = EventRecorder(of: request, [.requestError])
            let sending = Task { try await request.send(.stream(EndsWhenCancelled(isWaiting))) }
            await isWaiting.passed()
            sending.cancel()
            let error = HandleError.cancelled(.writeData)
            await #expect(throws: error) { try await sending.value }
            #expect(await isComplete.next() == false)
            #expect(try await recorder.finish().map(\.kind) == [.requestError(error), .handleClosing])
        }
    }

    /// Repeated, because the cancellation has to happen between two steps of the operation.
    @Test(arguments: [Operation.read, .available, .collect, .lines, .receive, .write, .sendStream, .get, .fetchStream])
    func `a task that is cancelled at any moment gets operationCancelled`(_ operation: Operation) async throws {
        let server = try Self.halfway()
        let session = try SessionHandle()
        let url = server.url()
        let tries = Sanitizer.isPresent ? 100 : 800
        try await withThrowingTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    var generator = SeededGenerator(seed: UInt64(worker))
                    for _ in 0..<(tries / 4) {
                        let request = try await session.openRequest(.put, url)
                        switch operation {
                        case .receive: try await request.send()
                        case .write: try await request.send(.writes())
                        case .sendStream, .get, .fetchStream: break
                        default:
                            try await request.send()
                            _ = try await request.receiveResponse()
                            // All available bytes: the next read waits.
                            _ = try await request.body.read(upTo: 5)
                        }
                        let task = Task {
                            // Until no operation is possible without waiting.
                            for _ in 0..<20 {
                                try await operation.run(session, request, url)
                                await Task.yield()
                            }
                        }
                        for _ in 0..<generator.one(of: [0, 0, 0, 1, 2, 10]) { await Task.yield() }
                        task.cancel()
                        do {
                            try await task.value
                        } catch let error as HandleError {
                            // Possible only once, and done already.
                            let isOver = error.code == .incorrectHandleState && operation == .receive
                            #expect(error.isCancellation || isOver, "\(error)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: Refused

    enum SecondReader: CaseIterable, Sendable {
        case collect, collectNothing, collectLess, read, readNothing, available, iterate, text, lines, events, file,
            noFile

        func run(_ body: ResponseBody) async throws {
            switch self {
            case .collect: _ = try await body.collect(upTo: 100)
            case .collectNothing: _ = try await body.collect(upTo: 0)
            case .collectLess: _ = try await body.collect(upTo: -1)
            case .read: _ = try await body.read(upTo: 1)
            case .readNothing: _ = try await body.read(upTo: 0)
            case .available: _ = try await body.available()
            case .iterate: for try await _ in body {}
            case .text: _ = try await body.collectString(upTo: 100)
            case .lines: for try await _ in body.lines {}
            case .events: for try await _ in body.serverSentEvents {}
            case .file:
                let scratch = try Scratch()
                try await body.write(to: scratch.path("file"))
            case .noFile: try await body.write(to: "/nowhere/file")
            }
        }

        var code: HandleErrorCode {
            switch self {
            case .collectLess, .readNothing: .invalidParameter
            case .noFile: .fileNotWritable
            default: .incorrectHandleState
            }
        }
    }

    @Test(arguments: SecondReader.allCases)
    func `a second reader is refused without affecting the first`(_ second: SecondReader) async throws {
        let mayEnd = Gate()
        let server = try Self.halfway(mayEnd)
        let session = try SessionHandle()
        let response = try await session.get(server.url())
        #expect(try await response.body.read(upTo: 5) == Array("hello".utf8))
        // Runs until it waits.
        let first = Task.immediate { try await response.body.collect(upTo: 100) }
        let error = await #expect(throws: HandleError.self) { try await second.run(response.body) }
        #expect(error?.code == second.code)
        mayEnd.open()
        #expect(try await first.value == Array("world".utf8))
    }

    @Test func `calls that are refused during a read have no effect`() async throws {
        let mayEnd = Gate()
        let server = try Self.halfway(mayEnd)
        let session = try SessionHandle()
        let response = try await session.get(server.url())
        #expect(try await response.body.read(upTo: 5).count == 5)
        let first = Task.immediate { try await response.body.collect(upTo: 100) }
        let request = response.request
        for call in [
            { try await request.send() }, { _ = try await request.receiveResponse() }, { try await request.write([1]) },
            { try await request.finishWriting() }, { try await request.send(.writes(length: -1)) },
        ] as [@Sendable () async throws -> Void] {
            await #expect(throws: HandleError.self) { try await call() }
        }
        mayEnd.open()
        #expect(try await first.value == Array("world".utf8))
    }
}
