import ExamplesTestSupport
import HTTPHandles
import HTTPHandlesTesting
import Testing
import WinHTTPAsync

@Suite("winhttp-async", .timeLimit(.minutes(2)))
struct WinHTTPAsyncTests {
    private static func describe(_ results: [Result<[UInt8], HandleError>]) -> [String] {
        results.map { result in
            switch result {
            case .success(let bytes):
                bytes.count > 100 ? "\(bytes.count) bytes" : String(decoding: bytes, as: UTF8.self)
            case .failure(let error): error.code.name
            }
        }
    }

    @Test func `downloads by the status callback, with its events in WinHTTP's order`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.answer(body: "snow")
        }
        let log = Record<String>()
        let sample = AsyncSample(try SessionHandle()) { log.note($0) }
        #expect(Self.describe(await sample.run([server.url("/")])) == ["snow"])
        #expect(
            log.all
                == [
                    "handleCreated", "connectingToServer", "connectedToServer", "sendingRequest", "requestSent",
                    "sendRequestComplete", "receivingResponse", "responseReceived", "headersAvailable", "dataAvailable",
                    "readComplete", "dataAvailable", "handleClosing",
                ].map { "0: \($0)" }
        )
    }

    @Test func `several resources at the same time, one of them large`() async throws {
        let bothAreAsked = Gate()
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            if connection.number == 0 { bothAreAsked.wait() } else { bothAreAsked.open() }
            let isLarge = request.head.target == "/large"
            try connection.answer(body: isLarge ? String(repeating: "x", count: 3 << 20) : "small")
        }
        let sample = AsyncSample(try SessionHandle())
        #expect(
            Self.describe(await sample.run([server.url("/large"), server.url("/small")])) == ["3145728 bytes", "small"]
        )
    }

    @Test func `failures: each ends its own request only`() async throws {
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            switch request.head.target {
            case "/missing": try connection.answer("404 Not Found")
            case "/broken": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
            case "/nonsense": try connection.send("what?\r\n\r\n")
            case "/endless":
                try connection.send("HTTP/1.1 200 OK\r\n\r\n")
                while true { try connection.send(String(repeating: "x", count: 10_000)) }
            default: try connection.answer(body: "fine")
            }
        }
        let targets = ["/missing", "/broken", "/nonsense", "/endless", "/fine"]
        let sample = AsyncSample(try SessionHandle(), limit: 1 << 20)
        let results = await sample.run(targets.map { server.url($0) } + ["http://127.0.0.1:1/", "x:y"])
        #expect(
            Self.describe(results) == [
                "unsuccessfulStatus", "connectionError", "invalidServerResponse", "insufficientBuffer", "fine",
                "cannotConnect", "unrecognizedScheme",
            ]
        )
    }

    @Test func `nothing to download`() async throws {
        let session = try SessionHandle()
        #expect(await AsyncSample(session).run(["x:y"]).count == 1)
        await session.closed()
    }

    @Test(arguments: [true, false])
    func `cancellation, and WinHttpCloseHandle of everything`(_ byTask: Bool) async throws {
        let isAsked = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            isAsked.open()
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let run = Task { await AsyncSample(session).run([server.url("/1"), server.url("/2")]) }
        await isAsked.passed()
        if byTask { run.cancel() } else { try session.closeAll() }
        #expect(Self.describe(await run.value) == ["operationCancelled", "operationCancelled"])
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }
}
