import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The statements of Microsoft's page about `WinHttpCloseHandle` that no other suite tests. All statements with their tests:
/// `Docs/FromWinHTTP.md`.
@Suite("Page of WinHttpCloseHandle", .timeLimit(.minutes(5)))
struct CloseHandlePageTests {
    @Test func `close returns while the driver thread is busy, and the events come later`() async throws {
        let server = try CloseTests.silent()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        let (isBusy, mayGoOn) = (Gate(), Gate())
        let blocker = Task(executorPreference: session.executor) {
            isBusy.open()
            mayGoOn.wait()
        }
        await isBusy.passed()
        try request.close()
        #expect(!recorder.events.contains { $0.kind == .handleClosing })
        mayGoOn.open()
        await request.closed()
        #expect(try await recorder.finish().last?.kind == .handleClosing)
        await blocker.value
    }

    @Test func `handleClosing is delivered without a context, and with an empty mask`() async throws {
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: 80)
        let request = try await connection.openRequest(.get, "/")
        let recorders = [
            EventRecorder(of: session, []), EventRecorder(of: connection, []), EventRecorder(of: request, []),
        ]
        try session.closeAll()
        for recorder in recorders { #expect(try await recorder.finish().map(\.kind) == [.handleClosing]) }
    }

    @Test func `an ended listener gets no more events, and the context is kept until the handle ends`()
        async throws
    {
        let released = Gate()
        let session = try SessionHandle(context: SessionTests.Token(released))
        let listening = Task.immediate {
            var heard = 0
            for await _ in session.statusEvents() { heard += 1 }
            return heard
        }
        listening.cancel()
        #expect(await listening.value == 0)
        #expect(session.context is SessionTests.Token)
        try session.close()
        await session.closed()
        #expect(session.context == nil)
        await released.passed()
    }

    @Test func `of many threads that close a handle in use, one succeeds`() async throws {
        let server = try CloseTests.silent()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        for _ in 0..<200 {
            let request = try await connection.openRequest(.get, "/")
            let recorder = EventRecorder(of: request)
            let exchange = Task.immediate {
                try await request.send()
                _ = try await request.receiveResponse()
            }
            let errors = await withTaskGroup(of: HandleError?.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        do throws(HandleError) {
                            try request.close()
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors.filter { $0 == nil }.count == 1)
            #expect(errors.compactMap(\.self).allSatisfy { $0 == .closed(.closeHandle) })
            let error = await #expect(throws: HandleError.self) { try await exchange.value }
            // The second error if the close happened between the two calls.
            #expect(error?.code == .operationCancelled || error == .closed(.receiveResponse), "\(error as Any)")
            #expect(try await recorder.finish().last?.kind == .handleClosing)
        }
    }

    // MARK: The document

    @Test func `the document has every statement of the page, in order`() throws {
        let statements = try Document("Docs/FromWinHTTP.md").firstCells(in: "## The page of WinHttpCloseHandle")
        #expect(statements == (1...17).map { "F\($0)" })
    }

    @Test func `every function of winhttp.h is in the document`() throws {
        let document = try Document("Docs/FromWinHTTP.md").section("## Functions").joined(separator: "\n")
        let functions = """
            AddRequestHeaders AddRequestHeadersEx CheckPlatform CloseHandle Connect CrackUrl CreateProxyResolver CreateUrl
            DetectAutoProxyConfigUrl FreeProxyResult FreeProxyResultEx FreeProxySettings FreeProxySettingsEx
            FreeQueryConnectionGroupResult GetDefaultProxyConfiguration GetIEProxyConfigForCurrentUser GetProxyForUrl
            GetProxyForUrlEx GetProxyForUrlEx2 GetProxyResult GetProxyResultEx GetProxySettingsEx GetProxySettingsResultEx
            GetProxySettingsVersion IsHostInProxyBypassList Open OpenRequest ProtocolCompleteUpgrade ProtocolReceive
            ProtocolSend QueryAuthParams QueryAuthSchemes QueryConnectionGroup QueryDataAvailable QueryHeaders
            QueryHeadersEx QueryOption ReadData ReadDataEx ReadProxySettings ReceiveResponse
            RegisterProxyChangeNotification ResetAutoProxy SendRequest SetCredentials SetDefaultProxyConfiguration
            SetOption SetProxySettingsPerUser SetStatusCallback SetTimeouts TimeFromSystemTime TimeToSystemTime
            UnregisterProxyChangeNotification WebSocketClose WebSocketCompleteUpgrade WebSocketQueryCloseStatus
            WebSocketReceive WebSocketSend WebSocketShutdown WriteData WriteProxySettings
            """.split(whereSeparator: \.isWhitespace)
        for function in functions { #expect(document.contains("`WinHttp\(function)`")) }
    }

    @Test(arguments: ["Docs/FromWinHTTP.md", "Docs/StatusEvents.md", "Docs/Concurrency.md"])
    func `every test that a document names exists`(_ path: String) throws {
        let tests = try Document(path).links.filter { $0.target.hasPrefix("../Tests/") }
        for test in tests {
            let source = try Document(String(test.target.dropFirst(3)))
            #expect(source.text.contains("func `\(test.text)`"), "\(test.target) has no \"\(test.text)\"")
        }
        if path == "Docs/FromWinHTTP.md" { #expect(tests.count > 20) }
    }
}
