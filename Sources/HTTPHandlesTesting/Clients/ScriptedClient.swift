public import HTTPHandles
import HTTPHandlesCore
import HTTPHandlesLock
public import HTTPTypes

/// A client that answers from a script, without a socket.
///
///     let client = ScriptedClient([
///         .response(.serviceUnavailable).after(.seconds(1)),
///         .response(body: "hello"),
///         .failure(HandleError(.connectionError, .receiveResponse, reason: "lost")),
///     ])
///
/// Each request, with its whole body, is in `requests`. A cancelled task, `ClientResponse.close()` and `closeAll()` end what
/// waits, with the errors of a session. What a session does beyond one exchange is not there: redirects, cookies, credentials,
/// retries, decoding, time limits, limits on connections, events. The options of a request are recorded and have no effect.
public final class ScriptedClient: ExchangeClient {
    /// Answers a request. It may wait, and throw.
    public typealias Script =
        @Sendable (_ request: ScriptedRequest) async throws(HandleError) -> ScriptedAnswer

    private struct State {
        var isClosed = false
        var requests: [ScriptedRequest] = []
        var pending: [Int: EndableCall<ClientResponse>] = [:]
        var bodies: [OpenBody] = []
        var count = 0
    }

    /// A body belongs to its response.
    private struct OpenBody {
        weak var body: MadeBody?
    }

    private let baseURL: HTTPURL?
    private let clock: any Clock<Duration>
    private let script: Script
    private let state = Lock(State())

    /// Makes a client that asks a closure for each answer.
    ///
    /// - Parameters:
    ///   - baseURL: What relative URLs are resolved against.
    ///   - clock: Measures the delays of the answers.
    ///   - script: Answers the requests; at the same time if there are several.
    public init(
        baseURL: HTTPURL? = nil,
        clock: any Clock<Duration> = ContinuousClock(),
        _ script: @escaping Script
    ) {
        self.baseURL = baseURL
        self.clock = clock
        self.script = script
    }

    /// Makes a client that gives these answers, in the order in which the requests come. Further requests fail with
    /// `.cannotConnect`.
    public convenience init(
        baseURL: HTTPURL? = nil,
        clock: any Clock<Duration> = ContinuousClock(),
        _ answers: [ScriptedAnswer]
    ) {
        let left = Lock(answers)
        self.init(baseURL: baseURL, clock: clock) { request async throws(HandleError) in
            let next = left.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            guard let next else {
                throw HandleError(.cannotConnect, .sendRequest, reason: "the script has no answer for \(request)")
            }
            return next
        }
    }

    /// The requests so far, in the order in which they came.
    public var requests: [ScriptedRequest] { state.withLock { $0.requests } }

    /// Refuses further requests with `.invalidHandle`, as a closed session does. What is going on goes on.
    public func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Refuses further requests, and ends those that are going on with `.operationCancelled`.
    public func closeAll() {
        let (pending, bodies) = state.withLock { state in
            state.isClosed = true
            defer {
                state.pending = [:]
                state.bodies = []
            }
            return (Array(state.pending.values), state.bodies.compactMap(\.body))
        }
        for call in pending { call.end(.cancelled(.receiveResponse)) }
        for body in bodies { body.close() }
    }

    /// Answers a request.
    public nonisolated(nonsending) func send(_ request: ClientRequest) async throws(HandleError) -> ClientResponse {
        if Task.isCancelled { throw .cancelled(.openRequest) }
        let url = try request.url(relativeTo: baseURL)
        let call = EndableCall<ClientResponse>()
        let number: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.count += 1
            state.pending[state.count] = call
            return state.count
        }
        guard let number else { throw .closed(.openRequest) }
        let outcome = await withTaskCancellationHandler {
            await call.run { [self] () async throws(HandleError) in try await answer(request, url) }
        } onCancel: {
            call.end(.cancelled(.receiveResponse))
        }
        _ = state.withLock { $0.pending.removeValue(forKey: number) }
        return try outcome.get()
    }

    private func answer(_ request: ClientRequest, _ url: HTTPURL) async throws(HandleError) -> ClientResponse {
        let body = try await request.body.collected(upTo: .max)
        let received = ScriptedRequest(
            method: request.method,
            url: url,
            headerFields: request.headerFields,
            body: body.bytes,
            trailers: body.trailers,
            options: request.options,
            context: request.context
        )
        state.withLock { $0.requests.append(received) }
        let response = try await script(received).response(to: received, clock)
        // After `closeAll` the call has ended, and the response is dropped.
        guard let body = response.body.made else { return response }
        state.withLock { state in
            state.bodies.removeAll { $0.body == nil }
            state.bodies.append(OpenBody(body: body))
        }
        return response
    }
}

/// A request that a `ScriptedClient` got.
public struct ScriptedRequest: Sendable {
    /// The method.
    public let method: HTTPRequest.Method
    /// The URL.
    public let url: HTTPURL
    /// The header fields.
    public let headerFields: HTTPFields
    /// The whole body.
    public let body: [UInt8]
    /// What followed the body.
    public let trailers: HTTPFields
    /// The options.
    public let options: [OptionSetting]
    /// The value for the caller's own use.
    public let context: (any Sendable)?

    /// The body as UTF-8.
    public var bodyText: String { String(decoding: body, as: UTF8.self) }
}

extension ScriptedRequest: CustomStringConvertible {
    /// Method and URL.
    public var description: String { "\(method.rawValue) \(url.text)" }
}

/// An answer of a `ScriptedClient`: a response, or a failure, maybe after a delay.
public struct ScriptedAnswer: Sendable {
    /// What a body consists of.
    public enum Piece: Sendable {
        /// Some bytes.
        case bytes([UInt8])
        /// The bytes of a text.
        case text(String)
        /// Nothing for some time.
        case pause(Duration)
        /// Nothing until the gate is open.
        case gate(Gate)
        /// The body ends with an error.
        case failure(HandleError)
    }

    private enum Kind: Sendable {
        case response(HTTPResponse.Status, HTTPFields, [Piece], HTTPFields)
        case failure(HandleError)
    }

    private let kind: Kind
    private var delay = Duration.zero
    /// The URL that answers; `nil` for that of the request.
    private var url: String?

    private init(_ kind: Kind) {
        self.kind = kind
    }

    /// A response with a text as its body.
    public static func response(
        _ status: HTTPResponse.Status = .ok,
        _ headerFields: HTTPFields = [:],
        body: String = ""
    ) -> ScriptedAnswer {
        response(status, headerFields, pieces: body.isEmpty ? [] : [.text(body)])
    }

    /// A response whose body comes in pieces.
    public static func response(
        _ status: HTTPResponse.Status = .ok,
        _ headerFields: HTTPFields = [:],
        pieces: [Piece],
        trailers: HTTPFields = [:]
    ) -> ScriptedAnswer {
        ScriptedAnswer(.response(status, headerFields, pieces, trailers))
    }

    /// No response.
    public static func failure(_ error: HandleError) -> ScriptedAnswer { ScriptedAnswer(.failure(error)) }

    /// The same answer after a delay.
    public func after(_ delay: Duration) -> ScriptedAnswer {
        var answer = self
        answer.delay += delay
        return answer
    }

    /// The same answer as if it came from this URL, after redirects.
    func from(_ url: String?) -> ScriptedAnswer {
        var answer = self
        answer.url = url
        return answer
    }

    func response(
        to request: ScriptedRequest,
        _ clock: any Clock<Duration>
    ) async throws(HandleError) -> ClientResponse {
        if delay > .zero { try await clock.pause(delay, .receiveResponse) }
        switch kind {
        case .failure(let error): throw error
        case .response(let status, let headerFields, let pieces, let trailers):
            let head = ResponseHead(status: status, headerFields: headerFields, url: url ?? request.url.text)
            let script = PieceScript(request.method == .head ? [] : pieces, trailers, clock)
            return ClientResponse(head: head, body: .made { () async throws(HandleError) in try await script.next() })
        }
    }
}

/// The pieces of a body that are left.
private final class PieceScript: Sendable {
    private let left: Lock<[ScriptedAnswer.Piece]>
    private let trailers: HTTPFields
    private let clock: any Clock<Duration>

    init(_ pieces: [ScriptedAnswer.Piece], _ trailers: HTTPFields, _ clock: any Clock<Duration>) {
        left = Lock(pieces)
        self.trailers = trailers
        self.clock = clock
    }

    func next() async throws(HandleError) -> MadePiece {
        let piece = left.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        switch piece {
        case nil: return .end(trailers: trailers)
        case .bytes(let bytes): return .bytes(bytes)
        case .text(let text): return .bytes(Array(text.utf8))
        case .failure(let error): throw error
        case .gate(let gate): await gate.passed()
        case .pause(let duration): try await clock.pause(duration, .readData)
        }
        return .bytes([])
    }
}

extension Clock<Duration> {
    fileprivate func pause(_ duration: Duration, _ operation: HandleOperation) async throws(HandleError) {
        do {
            try await sleep(until: now.advanced(by: duration), tolerance: nil)
        } catch {
            throw .cancelled(operation)
        }
    }
}
