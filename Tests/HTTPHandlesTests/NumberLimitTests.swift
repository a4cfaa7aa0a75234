import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Numbers of servers and callers at their limits: none of them ends the process.
@Suite("Numbers from outside", .timeLimit(.minutes(5)))
struct NumberLimitTests {
    /// The limits of all integer types.
    static let limits = [
        "0", "1", "2147483647", "2147483648", "4294967295", "4294967296", "9007199254740993", "9223372036854775806",
        "9223372036854775807", "9223372036854775808", "18446744073709551614", "18446744073709551615",
        "18446744073709551616", "99999999999999999999", "340282366920938463463374607431768211456", "-1", "+1",
        "-9223372036854775808", " 1", "1 ", "1e300", "NaN", "",
    ]

    /// The maximum `Duration`.
    static let longest = Duration(attoseconds: .max)

    // MARK: From servers

    @Test(arguments: [
        "5-18446744073709551615/*", "5-18446744073709551614/*", "5-9223372036854775807/*", "5-9223372036854775806/*",
        "5-9223372036854775806/9223372036854775807", "5-18446744073709551615/18446744073709551615",
        "18446744073709551615-5/*", "5-4/*", "5-5/5",
    ])
    func `an invalid range is refused, and the download starts from the beginning`(range: String) async throws {
        let scratch = try Scratch()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isPart = request.head["range"] != nil
                try connection.send(
                    isPart
                        ? "HTTP/1.1 206 Part\r\nETag: \"1\"\r\nContent-Range: bytes \(range)\r\nContent-Length: 3\r\n\r\nxyz"
                        : "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 8\r\n\r\nall of i"
                )
            }
        }
        _ = try scratch.file("down.partial", [1, 2, 3, 4, 5])
        _ = try scratch.file("down.partial.version", "\(server.url())\n\"1\"\n".utf8)
        let session = try SessionHandle()
        do throws(HandleError) {
            let download = try await session.download(server.url(), to: scratch.path("down"))
            #expect(download.resumedFrom == 0)
            #expect(scratch.contents("down") == Array("all of i".utf8))
        } catch {
            // A valid range except for its length.
            #expect(error.code == .invalidServerResponse)
            #expect(scratch.contents("down") == nil)
        }
    }

    @Test(arguments: limits)
    func `a length, a range, a delay and the expiry of a cookie at every limit`(number: String) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let head =
                    switch request.head.target {
                    case "/length": "200 OK\r\nContent-Length: \(number)"
                    case "/range": "206 Part\r\nContent-Range: bytes \(number)-\(number)/\(number)\r\nContent-Length: 0"
                    case "/pause": "503 No\r\nRetry-After: \(number)\r\nContent-Length: 0"
                    default:
                        "200 OK\r\nSet-Cookie: a=b; Max-Age=\(number)\r\nSet-Cookie: c=d; Expires=\(number)\r\n"
                            + "ETag: \"\(number)\"\r\nAge: \(number)\r\nContent-Length: 0"
                    }
                try connection.send("HTTP/1.1 \(head)\r\n\r\n")
                if request.head.target == "/length" { return }
            }
        }
        let policy = RetryPolicy(maximumAttempts: 2, firstDelay: .zero, maximumDelay: .zero)
        let session = try SessionHandle(options: [.set(.retryPolicy, to: policy)])
        for path in ["/length", "/range", "/pause", "/cookie"] {
            do throws(HandleError) {
                let response = try await session.get(server.url(path))
                _ = response.head.contentRange?.bytes?.count
                _ = try await response.body.collect(upTo: .max)
            } catch {
                #expect([.invalidServerResponse, .connectionError].contains(error.code), "\(path): \(error)")
            }
        }
        _ = try await session.cookies.list()
    }

    @Test(arguments: [0, 64 << 10, Int.max - 1])
    func `memory is taken for what comes, not for the announced length or the mark`(low: Int) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nhello")
        }
        let session = try SessionHandle(options: [.set(.receiveBuffer, to: BufferMarks(low: low, high: .max))])
        let response = try await session.get(server.url())
        #expect(try await response.body.read(upTo: .max) == Array("hello".utf8))
        let error = await #expect(throws: HandleError.self) { try await response.body.read(upTo: .max) }
        #expect(error?.code == .connectionError)
    }

    // MARK: From callers

    @Test func `options at their limits are applied`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            }
        }
        for time in [.zero, .nanoseconds(1), .seconds(Int64.max), Self.longest] as [Duration] {
            // Nothing can finish within a nanosecond.
            let isShort = time == .nanoseconds(1)
            let session = try SessionHandle(options: [
                .set(.queueTimeout, to: time), .set(.resolveTimeout, to: time), .set(.connectTimeout, to: time),
                .set(.sendTimeout, to: time), .set(.responseTimeout, to: time), .set(.receiveTimeout, to: time),
                .set(.totalTimeout, to: time), .set(.maximumRedirects, to: .max), .set(.maximumConnections, to: .max),
                .set(.maximumConnectionsPerServer, to: .max), .set(.maximumDecodingRatio, to: .max),
                .set(.receiveBuffer, to: BufferMarks(low: 0, high: .max)),
                .set(.sendBuffer, to: BufferMarks(low: .max - 1, high: .max)),
                .set(
                    .retryPolicy,
                    to: RetryPolicy(
                        maximumAttempts: isShort ? 1 : .max,
                        firstDelay: time,
                        maximumDelay: time,
                        jitter: .none,
                        budget: RetryBudget(share: .greatestFiniteMagnitude, reserve: .max)
                    )
                ),
            ])
            do throws(HandleError) {
                let response = try await session.get(server.url())
                #expect(try await response.body.collect(upTo: .max) == Array("hello".utf8))
            } catch {
                #expect(isShort && error.code == .timeout, "\(error)")
            }
        }
    }

    @Test func `an endless delay can be cancelled`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 503 No\r\nRetry-After: 9223372036854775807\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let policy = RetryPolicy(maximumDelay: Self.longest, jitter: .none)
        let session = try SessionHandle(options: [.set(.retryPolicy, to: policy)])
        let recorder = EventRecorder(of: session, [.retry], scope: .tree)
        let waiting = Task { try await session.get(server.url()) }
        let pause = Duration.nanoseconds(Int64.max)
        try await recorder.first(.retry(attempt: 2, after: pause, cause: .status(503)))
        waiting.cancel()
        await #expect(throws: HandleError.self) { try await waiting.value }
    }

    @Test(arguments: [longest, .seconds(Int64.max), .seconds(32_768), .milliseconds(1500), .zero, .seconds(-1)])
    func `TCP keep-alive times that the system does not support are refused`(time: Duration) async throws {
        let session = try SessionHandle()
        for value in [TCPKeepAlive(idle: time), TCPKeepAlive(interval: time)] {
            let error = await #expect(throws: HandleError.self) {
                try await session.setOption(.tcpKeepAlive, to: value)
            }
            #expect(error?.code == .invalidParameter)
        }
        #expect(throws: HandleError.self) { try SessionHandle(options: [.set(.totalTimeout, to: .seconds(-1))]) }
    }

    @Test(arguments: limits)
    func `times of the tool`(number: String) async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            }
        }
        for option in ["--timeout", "--cancel-after"] where number != "0" || option == "--timeout" {
            let run = try await TestProgram.run(["get", server.url(), "\(option)=\(number)"], of: "http-handles")
            // Success, timeout, or a usage error.
            #expect([0, 2, 28, 42].contains(run.status), "\(option) \(number): \(run)")
        }
    }
}
