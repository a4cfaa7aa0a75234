import Downloading
import ExamplesTestSupport
import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("downloader", .timeLimit(.minutes(2)))
struct DownloadingTests {
    private static let file: [UInt8] = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    /// Sends the file, or what `Range` asks for if `If-Range` has the tag.
    private static func send(
        _ request: ReceivedRequest,
        _ connection: ServerConnection,
        tag: String,
        upTo end: Int? = nil
    ) throws {
        let range = request.head["If-Range"] == tag ? request.head["Range"] : nil
        let start = range.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
        let status = range == nil ? "200 OK" : "206 Partial Content"
        let part = range == nil ? "" : "Content-Range: bytes \(start)-\(file.count - 1)/\(file.count)\r\n"
        try connection.send(
            "HTTP/1.1 \(status)\r\nETag: \(tag)\r\n\(part)Content-Length: \(file.count - start)\r\n\r\n"
        )
        try connection.send(file[start..<(end ?? file.count)])
    }

    @Test func `a lost connection, in the middle: the rest is asked for, with the validator`() async throws {
        let ranges = Record<String>()
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            ranges.note("\(request.head["Range"] ?? "-") \(request.head["If-Range"] ?? "-")")
            let end = [100_000, 200_000, nil][connection.number]
            try Self.send(request, connection, tag: "\"1\"", upTo: end)
        }
        let scratch = try Scratch()
        let (clock, steps) = (TestClock(), Record<String>())
        let session = try SessionHandle(options: Downloader.sessionOptions)
        let download = try await Downloader(session, attempts: 2, clock: clock).download(
            server.url("/f"),
            to: scratch.path("f")
        ) {
            if case .retry(let delay, let cause) = $0 { steps.note("\(delay) \(cause.code.name)") }
        }
        #expect(download.length == 300_000)
        #expect(scratch.contents("f") == Self.file)
        #expect(scratch.names == ["f"])
        #expect(ranges.all == ["- -", "bytes=100000- \"1\"", "bytes=200000- \"1\""])
        // Each attempt has received something, so that none of them counts as a second failure.
        #expect(steps.all == ["1.0 seconds connectionError", "1.0 seconds connectionError"])
        #expect(clock.sleeps == [.seconds(1), .seconds(1)])
    }

    @Test func `another version: it begins again`() async throws {
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            try Self.send(
                request,
                connection,
                tag: "\"\(connection.number)\"",
                upTo: connection.number == 0 ? 100_000 : nil
            )
        }
        let scratch = try Scratch()
        let session = try SessionHandle(options: Downloader.sessionOptions)
        let download = try await Downloader(session, clock: TestClock()).download(
            server.url("/f"),
            to: scratch.path("f")
        )
        #expect(download.resumedFrom == 0)
        #expect(scratch.contents("f") == Self.file)
    }

    @Test func `it survives being killed`() async throws {
        let ranges = Record<String>()
        let hasSentHalf = Gate()
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            ranges.note("\(request.head["Range"] ?? "-") \(request.head["If-Range"] ?? "-")")
            guard connection.number == 0 else { return try Self.send(request, connection, tag: "\"1\"") }
            try Self.send(request, connection, tag: "\"1\"", upTo: 150_000)
            hasSentHalf.open()
            connection.waitForClose()
        }
        let scratch = try Scratch()
        let tests = URL(fileURLWithPath: CommandLine.arguments[0])
        let killed = Process()
        killed.executableURL = tests.deletingLastPathComponent().appendingPathComponent("downloader")
        killed.arguments = [server.url("/f"), "--output", scratch.path("f")]
        // It shows its progress, after it was written.
        let output = Pipe()
        killed.standardError = output
        try killed.run()
        await hasSentHalf.passed()
        var shown = ""
        while !shown.contains("146.4 KiB of 292.9 KiB") {
            let piece = output.fileHandleForReading.availableData
            try #require(!piece.isEmpty, "it has ended by itself: \(shown)")
            shown += String(decoding: piece, as: UTF8.self)
        }
        kill(killed.processIdentifier, SIGKILL)
        killed.waitUntilExit()
        #expect(killed.terminationReason == .uncaughtSignal)
        #expect(scratch.names == ["f.partial", "f.partial.version"])

        let again = Process()
        again.executableURL = killed.executableURL
        again.arguments = killed.arguments
        again.standardError = FileHandle.nullDevice
        let result = Pipe()
        again.standardOutput = result
        try again.run()
        let text = try result.fileHandleForReading.readToEnd().map { String(decoding: $0, as: UTF8.self) }
        again.waitUntilExit()
        #expect(text == "\(scratch.path("f")) 300000 bytes, of which 150000 were there already\n")
        #expect(scratch.contents("f") == Self.file)
        #expect(scratch.names == ["f"])
        #expect(ranges.all == ["- -", "bytes=150000- \"1\""])
    }

    @Test func `cancellation keeps what was received`() async throws {
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            try Self.send(request, connection, tag: "\"1\"", upTo: 1000)
            connection.waitForClose()
        }
        let scratch = try Scratch()
        let session = try SessionHandle(options: Downloader.sessionOptions)
        let hasReceived = Gate()
        let download = Task {
            try await Downloader(session).download(server.url("/f"), to: scratch.path("f")) {
                if case .progress(let progress) = $0, progress.received == 1000 { hasReceived.open() }
            }
        }
        await hasReceived.passed()
        download.cancel()
        let error = await #expect(throws: HandleError.self) { try await download.value }
        #expect(error?.isCancellation == true)
        #expect(scratch.contents("f.partial") == Array(Self.file.prefix(1000)))
    }

    @Test func `hostile servers: the wrong part, no file, never a byte`() async throws {
        let scratch = try Scratch()
        let session = try SessionHandle(options: Downloader.sessionOptions)
        let clock = TestClock()
        let downloader = Downloader(session, attempts: 3, clock: clock)

        // The second response continues at another place than was asked for; then the whole file is asked for.
        let wrong = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                guard let range = request.head["Range"] else {
                    let isFirst = connection.number == 0
                    try Self.send(request, connection, tag: "\"1\"", upTo: isFirst ? 1000 : nil)
                    return isFirst ? connection.close() : ()
                }
                #expect(range == "bytes=1000-")
                let fields = ["ETag: \"1\"", "Content-Range: bytes 2000-299999/300000"]
                try connection.answer("206 Partial Content", fields: fields, bytes: Array(Self.file[2000...]))
            }
        }
        _ = try await downloader.download(wrong.url("/f"), to: scratch.path("wrong"))
        #expect(scratch.contents("wrong") == Self.file)

        let missing = try ScriptedServer { connection in
            try connection.forEachRequest { _ in try connection.answer("404 Not Found") }
        }
        let error = await #expect(throws: HandleError.self) {
            try await downloader.download(missing.url("/f"), to: scratch.path("missing"))
        }
        #expect(error?.response?.status == .notFound)

        let sleeps = clock.sleeps.count
        let failing = try ScriptedServer { connection in
            try connection.forEachRequest { _ in
                let fields = connection.number == 0 ? ["Retry-After: 1000000"] : []
                try connection.answer("503 Service Unavailable", fields: fields + ["Connection: close"])
            }
        }
        let last = await #expect(throws: HandleError.self) {
            try await downloader.download(failing.url("/f"), to: scratch.path("failing"))
        }
        #expect(last?.response?.status == .serviceUnavailable)
        #expect(clock.sleeps.dropFirst(sleeps) == [.seconds(3600), .seconds(2)])
        #expect(scratch.names.filter { $0.hasPrefix("failing") && !$0.hasSuffix(".partial") } == [])
    }

    @Test func `progress as text`() {
        var text = ProgressText()
        let half = DownloadProgress(received: 1 << 20, expected: 2 << 20, resumedFrom: 1 << 20)
        #expect(text.text(half, at: .seconds(10)) == "50 %  1.0 MiB of 2.0 MiB")
        let more = DownloadProgress(received: 1536 << 10, expected: 2 << 20, resumedFrom: 1 << 20)
        #expect(text.text(more, at: .seconds(12)) == "75 %  1.5 MiB of 2.0 MiB  256.0 KiB/s  00:00:02 left")
        #expect(text.text(DownloadProgress(received: .max, expected: nil), at: .seconds(13)).hasPrefix("16.0 EiB  "))
        var other = ProgressText()
        #expect(other.text(DownloadProgress(received: 5, expected: nil), at: .zero) == "5 B")
    }
}
