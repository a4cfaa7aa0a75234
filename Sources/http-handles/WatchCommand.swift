import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPTypes

/// `http-handles watch`: repeats requests, and shows what the session does.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Repeat requests, and show the handles, connections and events of the session.",
        discussion: """
            On a terminal the view is live; otherwise each request is a line. Ctrl-C closes all handles and ends. Bodies are \
            read and dropped. Exit status: that of the last request that failed, in curl's numbers; otherwise 0.
            """
    )

    @Argument(help: "A URL.")
    var url: String?

    @Option(help: ArgumentHelp("The time from the start of a round to the next one.", valueName: "seconds"))
    var every: Seconds?

    @Option(help: ArgumentHelp("The number of rounds; without it, until Ctrl-C.", valueName: "number"))
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "A file of requests, in place of the URL: each line is a method and a URL, or a URL. - is standard input.",
            valueName: "file"
        )
    )
    var script: String?

    @OptionGroup var header: HeaderOptions

    @OptionGroup var authentication: AuthenticationOptions

    @OptionGroup var network: NetworkOptions

    @OptionGroup var proxy: ProxyOptions

    @OptionGroup var tls: TLSArguments

    func validate() throws {
        guard (url == nil) != (script == nil) else { throw ValidationError("Either a URL or --script is needed.") }
        guard count ?? 1 >= 1 else { throw ValidationError("--count must be at least 1.") }
    }

    /// A request that was checked.
    private struct Request: Sendable {
        let method: HTTPRequest.Method
        let url: String
        let fields: HTTPFields
        let credentials: Credentials?
    }

    func run() async throws {
        let requests = try requests()
        let settings = [.set(.proxy, to: try proxy.setting())] + (try tls.options()) + (try network.settings())
        let session = try usage { () throws(HandleError) in
            try SessionHandle(userAgent: "http-handles/0.1", options: settings)
        }
        let display = WatchDisplay(session, rounds: count)
        // Before the first request: a signal that comes earlier ends the process. One that comes now is kept until it is read.
        let (signals, received) = AsyncStream.makeStream(of: Void.self)
        let interrupts = Interrupts { received.yield() }
        let work = Task { await send(requests, session, display) }
        Task { for await _ in signals { work.cancel() } }
        let failure = await work.value
        _ = try? session.closeAll()
        await session.closed()
        try await display.finish()
        interrupts.end()
        received.finish()
        if let failure { throw Ended(status: failure.status) }
    }

    private func requests() throws -> [Request] {
        var scripted = url.map { [RequestScript.Request(url: $0)] } ?? []
        if let script {
            let text = String(decoding: try InputFile.contents(script), as: UTF8.self)
            scripted = try syntax { () throws(SyntaxError) in try RequestScript.requests(in: text, of: script) }
        }
        return try scripted.map { request in
            guard let method = HTTPRequest.Method(request.method) else {
                throw ValidationError("\"\(request.method)\" is not a valid method.")
            }
            let url = TransferURL(request.url)
            let login = url.user.map { Netrc.Login(user: $0, password: url.password ?? "") }
            return Request(
                method: method,
                url: try usage { () throws(HandleError) in try HTTPURL(url.text).text },
                fields: try usage { () throws(HandleError) in try header.fields() },
                credentials: try authentication.credentials(for: login)
            )
        }
    }

    /// Returns the last failure. Cancellation ends it, and is none.
    private func send(
        _ requests: [Request],
        _ session: SessionHandle,
        _ display: WatchDisplay
    ) async -> TransferFailure? {
        var failure: TransferFailure?
        var round = 0
        while !Task.isCancelled, round < count ?? .max {
            round += 1
            let start = ContinuousClock.now
            display.begin(round)
            for request in requests where !Task.isCancelled && !display.hasFailed {
                let error = await send(request, session)
                if Task.isCancelled { break }
                display.count(error)
                failure = error.map { TransferFailure($0) } ?? failure
            }
            guard !display.hasFailed else { break }
            guard round < count ?? .max else { break }
            guard (try? await Task.sleep(until: start + (every?.duration ?? .seconds(1)), clock: .continuous)) != nil
            else { break }
        }
        return failure
    }

    private func send(_ request: Request, _ session: SessionHandle) async -> HandleError? {
        do throws(HandleError) {
            let handle = try await session.openRequest(request.method, request.url, headerFields: request.fields)
            try await handle.setOption(.credentials, to: request.credentials)
            try await handle.send()
            _ = try await handle.receiveResponse()
            while try await !handle.body.read(upTo: 1 << 16).isEmpty {}
            try? handle.close()
            return nil
        } catch {
            return error
        }
    }
}
