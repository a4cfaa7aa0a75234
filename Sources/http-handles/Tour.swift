import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPHandlesTimeline

/// `http-handles tour`: demonstrates handles with a server inside this process.
struct Tour: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "A demonstration with an embedded loopback server: handles of three levels, GET, streaming, cancellation, events."
    )

    func run() async throws {
        do {
            try await show()
        } catch let error as HandleError {
            throw TransferFailure(error)
        }
    }

    private func show() async throws {
        let server = try TourServer()

        title("1. Open a session, read an option, close")
        let first = try SessionHandle(userAgent: "A WinHTTP Example Program/1.0")
        let timeout: Duration = try await first.option(.connectTimeout)
        print("   connect timeout: \(Int(timeout / .milliseconds(1))) ms")
        try first.close()
        await first.closed()
        print("   closed")

        title("2. Three levels, and every event as it happens")
        let session = try SessionHandle(userAgent: "http-handles tour")
        var printer = OrderedPrinter(session)
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/hello")
        try await request.send()
        let head = try await request.receiveResponse()
        let body = try await request.body.collect(upTo: 1000)
        await printer.printEvents(until: .readComplete(bytes: 0), of: request)
        print("   -> \(head.status.code) \(String(decoding: body, as: UTF8.self))")

        title("3. The phases of the request")
        for line in Waterfall(printer.timeline, on: Terminal.screen(of: STDOUT_FILENO)).lines { print("   " + line) }

        title("4. A streamed download with back-pressure")
        let download = try await connection.openRequest(.get, "/stream")
        try await download.send()
        let length = try await download.receiveResponse().headerFields[.contentLength].flatMap { Int($0) } ?? 0
        await printer.printEvents(until: .headersAvailable, of: download)
        var received = 0
        var pieces = 0
        var quarters = 0
        for try await piece in download.body {
            received += piece.count
            pieces += 1
            guard length > 0, received * 4 / length > quarters else { continue }
            quarters = received * 4 / length
            print("   " + ProgressLine.text(UInt64(received), of: UInt64(length)))
        }
        print("   -> \(pieces) pieces, each a readComplete event")
        try download.close()
        await printer.printEvents(until: .handleClosing, of: download, without: "readComplete")

        title("5. Cancellation: closing the handle of a pending request")
        let endless = try await connection.openRequest(.get, "/never")
        try await endless.send()
        let waiting = Task.immediate { try await endless.receiveResponse() }
        try endless.close()
        let outcome = await waiting.result
        await printer.printEvents(until: .handleClosing, of: endless)
        if case .failure(let error) = outcome { print("   -> receiveResponse threw \(error)") }

        title("6. Closing: request, connection and session, each with handleClosing as its last event")
        try request.close()
        try connection.close()
        try session.close()
        await printer.printRemainingEvents()
    }

    private func title(_ text: String) {
        print("\n\(text)")
    }
}

/// Prints a session's events between the output of the tour, in order.
private struct OrderedPrinter {
    private let start = ContinuousClock.now
    private var events: AsyncStream<StatusEvent>.Iterator
    private(set) var timeline = Timeline()

    init(_ session: SessionHandle) {
        events = session.statusEvents(scope: .tree).makeAsyncIterator()
    }

    /// Prints events up to and including a certain one.
    mutating func printEvents(until kind: StatusEvent.Kind, of request: RequestHandle, without hidden: String = "")
        async
    {
        while let event = await events.next(isolation: #isolation) {
            timeline.add(event)
            if event.kind.name != hidden { printEvent(event) }
            if event.handle == request.id, event.kind == kind { return }
        }
    }

    mutating func printRemainingEvents() async {
        while let event = await events.next(isolation: #isolation) { printEvent(event) }
    }

    private func printEvent(_ event: StatusEvent) {
        print("   " + EventPrinter.text(event, since: start))
    }
}

/// The embedded server.
private struct TourServer {
    private let server: ScriptedServer

    init() throws {
        server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                switch request.head.target {
                case "/hello":
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nHello, handles :)")
                case "/stream":
                    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1024 * 1024)
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(8 * piece.count)\r\n\r\n")
                    for _ in 0..<8 { try connection.send(piece) }
                default:
                    connection.waitForClose()
                }
            }
        }
    }

    var port: Int { server.port }
}
