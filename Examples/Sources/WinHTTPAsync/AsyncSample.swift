package import HTTPHandles

/// Microsoft's sample for WinHTTP in asynchronous mode, with handles and events: downloads several resources at the same time.
///
/// The sample has no control flow but its status callback: each completion starts the next operation. Here the callback is called by
/// a loop over the events of the session and of all its descendants, which is what `WinHttpSetStatusCallback` on a session means.
///
/// A program that is not ported needs none of this: it is `session.get(url).body.collect(upTo:)`, in a task for each resource.
package struct AsyncSample: Sendable {
    private let session: SessionHandle
    private let limit: Int
    private let print: @Sendable (String) -> Void

    /// - Parameters:
    ///   - session: `WinHttpOpen` with `WINHTTP_FLAG_ASYNC`.
    ///   - limit: The most bytes of a resource.
    ///   - print: Writes a line of the log, which the sample shows in its window.
    package init(
        _ session: SessionHandle,
        limit: Int = 16 << 20,
        print: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.session = session
        self.limit = limit
        self.print = print
    }

    /// Downloads the resources, and closes the session. Returns their bodies when all handles are gone.
    ///
    /// Cancelling the task closes all handles. So does `session.closeAll()`.
    package func run(_ urls: [String]) async -> [Result<[UInt8], HandleError>] {
        let events = session.statusEvents(scope: .tree)
        let contexts = urls.indices.map { RequestContext(number: $0, limit: limit) }
        var open = 0
        for (url, context) in zip(urls, contexts) where await begin(url, context) { open += 1 }
        if open == 0 { try? session.close() }
        await withTaskCancellationHandler {
            // Ends after handleClosing of the session.
            for await event in events {
                guard let context = event.context as? RequestContext else { continue }
                print("\(context.number): \(event.kind.name)")
                await context.statusCallback(event)
                guard event.kind == .handleClosing else { continue }
                open -= 1
                if open == 0 { try? session.close() }
            }
        } onCancel: {
            try? session.closeAll()
        }
        var results: [Result<[UInt8], HandleError>] = []
        for context in contexts { results.append(await context.result) }
        return results
    }

    /// `false` if there will be no events.
    private func begin(_ text: String, _ context: RequestContext) async -> Bool {
        do throws(HandleError) {
            // WinHttpCrackUrl, WinHttpConnect, WinHttpOpenRequest. The connection handle may be released: its request goes on.
            let url = try HTTPURL(text)
            let connection = try await session.connect(to: url.host, port: url.port)
            let request = try await connection.openRequest(.get, url.target, secure: url.isSecure, context: context)
            await context.send(request)
            return true
        } catch {
            await context.end(.failure(error))
            return false
        }
    }
}
