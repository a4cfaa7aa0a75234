import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
import HTTPTypes

/// The object of a `RequestHandle`, with the present exchange if there is one.
final class RequestObject: HandleObject {
    /// Its header fields may change between exchanges.
    @safe @exclusivity(unchecked) private(set) var message: RequestMessage
    /// The file of a download.
    private let file: String?
    let session: SessionObject
    /// The present exchange, or the last one. Closing the handle drops it.
    @safe @exclusivity(unchecked) private(set) var exchange: Exchange?

    // These are read on any thread, and used by all exchanges of the handle.
    let download = DownloadBuffer()
    let received = Lock(ReceivedFields())

    @safe @exclusivity(unchecked) private var progress = ProgressReport()
    /// What was known when the handle was closed, if the option `keepsFacts` was set.
    @safe @exclusivity(unchecked) private var keptFacts: ExchangeFacts?

    init(_ base: consuming HandleBase, _ message: RequestMessage, file: String?, of session: SessionObject) {
        self.session = session
        self.file = file
        self.message = message
        super.init(base, options: .none)
    }

    var server: Server { Server(host: message.url.origin.host, port: message.url.origin.port) }

    /// From `send` on.
    override var isInFlight: Bool { exchange != nil }

    override var facts: ExchangeFacts { exchange?.facts ?? ExchangeFacts() }

    override var summary: RequestSummary? {
        RequestSummary(method: message.method, url: message.url.text, file: file)
    }

    // MARK: Calls

    func send(
        _ body: TransferRequest.Body,
        for caller: Caller,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<Void>
    ) {
        do throws(HandleError) {
            let exchange = try newExchange(body, for: caller, thenReceive: false, engine)
            exchange.sender = continuation
            exchange.begin(for: caller, engine)
        } catch {
            continuation.resume(returning: .failure(error), engine)
        }
    }

    /// Sends, and receives as soon as that is done.
    func sendAndReceive(
        _ body: TransferRequest.Body,
        for caller: Caller,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<ResponseHead>
    ) {
        do throws(HandleError) {
            let exchange = try newExchange(body, for: caller, thenReceive: true, engine)
            exchange.receiver = continuation
            exchange.begin(for: caller, engine)
        } catch {
            continuation.resume(returning: .failure(error), engine)
        }
    }

    func receiveResponse(_ engine: TransferEngine, _ continuation: OperationContinuation<ResponseHead>) {
        if let exchange { return exchange.receiveResponse(engine, continuation) }
        let refusal = isClosed ? HandleError.closed(.receiveResponse) : ExchangeStateMachine.nothingSent
        if !isClosed { emit(.requestError(refusal)) }
        continuation.resume(returning: .failure(refusal), engine)
    }

    /// The reader has taken something on its own thread.
    func bodyWasRead(_ engine: TransferEngine, mustResume: Bool) {
        exchange?.bodyWasRead(engine, mustResume: mustResume)
    }

    /// The producer has written something, or everything, on its own thread.
    func bodyWasWritten(_ engine: TransferEngine) {
        exchange?.bodyWasWritten(engine)
    }

    // MARK: Upgrades

    func completeWebSocketUpgrade(
        _ context: HandleContext?,
        _ engine: TransferEngine
    ) throws(HandleError) -> WebSocketHandle {
        let upgraded = try takeUpgraded(toWebSocket: true)
        let base = HandleBase(.webSocket, in: base.tree, context: context)
        let settings = exchangeOptions.values.webSocketSettings
        let object = WebSocketObject(base, upgraded, settings, engine.random, at: engine.now)
        begin(object, engine)
        return WebSocketHandle(DriverBound(object))
    }

    func completeUpgrade(_ context: HandleContext?, _ engine: TransferEngine) throws(HandleError) -> UpgradedHandle {
        let upgraded = try takeUpgraded(toWebSocket: false)
        let base = HandleBase(.upgraded, in: base.tree, context: context)
        let object = UpgradedObject(base, upgraded, exchangeOptions.values.receiveBuffer)
        begin(object, engine)
        return UpgradedHandle(DriverBound(object))
    }

    private var exchangeOptions: OptionSnapshot { exchange?.options ?? options }

    private func takeUpgraded(toWebSocket: Bool) throws(HandleError) -> UpgradedConnection {
        if isClosed { throw .closed(.completeUpgrade) }
        guard let exchange, parent != nil else { throw .wrongState(.completeUpgrade, "no request was sent") }
        return try exchange.takeUpgraded(toWebSocket: toWebSocket)
    }

    /// Puts a socket into the tree: beside this request, which it does not need any more.
    private func begin(_ socket: SocketObject, _ engine: TransferEngine) {
        parent?.adopt(socket)
        socket.begin(in: session, exchangeOptions, connection, engine)
    }

    override func engineFailed(_ engine: TransferEngine) {
        exchange?.engineFailed(engine)
    }

    override func close(_ engine: TransferEngine) {
        guard !isClosed else { return }
        if let exchange {
            if exchange.options.keepsFacts { keptFacts = exchange.facts }
            exchange.close(engine)
            self.exchange = nil
        } else {
            // There is no reader, because nothing was sent.
            _ = download.close()
        }
        progress.end()
        super.close(engine)
        session.noteClosed(base.id, engine)
    }

    /// An exchange that takes the place of the present one and is to begin. Throws where the request cannot be sent now, and
    /// changes nothing then.
    private func newExchange(
        _ body: TransferRequest.Body,
        for caller: Caller,
        thenReceive: Bool,
        _ engine: TransferEngine
    ) throws(HandleError) -> Exchange {
        if isClosed { throw .closed(.sendRequest) }
        try session.requireAccepting(.sendRequest)
        if download.hasReader { throw .wrongState(.sendRequest, "readData has not finished yet") }
        if let refusal = exchange?.machine.sendRefusal { throw refusal }
        var (message, body, options) = (message, body, options)
        if options.asksForUpgrade { (message, body, options) = try Exchange.asking(message, body, options, driver) }
        let next = try Exchange(
            of: self,
            message,
            announced(body),
            options,
            session.exchangeResources,
            for: caller,
            thenReceive: thenReceive,
            at: engine.now
        )
        engine.setDelegate(session)
        // A read that has just ended on the reader's thread may not have been reported yet.
        let left = download.reset(options.values.receiveBuffer)
        report(left.reports)
        if let reader = left.waiter { reader.resume(reader.outcome) }
        exchange?.end(engine)
        exchange = next
        return next
    }

    /// The header field `Trailer` announces trailer fields of a body that the caller writes.
    private func announced(_ body: TransferRequest.Body) -> TransferRequest.Body {
        guard case .stream(let upload, nil, false) = body, upload.isCallers, message.knownFields.contains(.trailer)
        else { return body }
        return .stream(upload, length: nil, hasTrailers: true)
    }

    // MARK: Between exchanges

    /// Sets the options that the request was opened with. They were checked.
    func apply(_ settings: [OptionSetting]) {
        guard !settings.isEmpty else { return }
        var values = options.values
        try? values.apply(settings, on: .request, for: .openRequest)
        options = OptionSnapshot(values)
    }

    func changeHeaderFields(_ change: (inout HTTPFields) throws(HandleError) -> Void) throws(HandleError) {
        try base.requireOpen(.accessHeaderFields)
        var fields = message.headerFields
        try change(&fields)
        do {
            message = try .checked(message.method, message.url, fields)
        } catch {
            throw error.seen(by: .accessHeaderFields)
        }
    }

    /// A fact of the last exchange, also after the handle was closed.
    func fact<Value: Sendable>(_ option: HandleOption<Value>) throws(HandleError) -> Value {
        guard isClosed else { return try self.option(option) }
        guard let keptFacts else {
            let reason = "the request is closed, and the option keepsFacts was not set"
            throw .wrongState(.queryOption, reason)
        }
        return try options.values.value(of: option, on: .request) { keptFacts }
    }

    // MARK: Progress

    func watch(_ listener: AsyncStream<TransferProgress>.Continuation) {
        if let present = exchange?.progress { progress.update(present) }
        progress.add(listener)
    }
}

// MARK: - What an exchange sees of it

extension RequestObject: ExchangeHandle {
    var isHeard: Bool { base.tree.isHeard }

    func changeReceived(_ change: (inout ReceivedFields) -> Void) {
        received.withLock { change(&$0) }
    }

    var isProgressWatched: Bool { progress.isWatched }

    func progressed(_ present: TransferProgress) { progress.update(present) }

    func keep(_ credentials: Credentials, inPlaceOf known: Credentials?, from provider: CredentialProvider?) -> Bool {
        let present = options.values
        guard present.credentials == known, present.credentialProvider == provider else { return false }
        options = options.with(credentials)
        return true
    }
}
