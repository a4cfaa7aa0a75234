public import HTTPHandles
import HTTPHandlesCore
import HTTPHandlesLock
import HTTPHandlesSystem
import HTTPTypes

/// Middleware that records exchanges, to be replayed by a `ReplayingClient` or looked at with tools for HAR files.
///
///     let recorder = ExchangeRecorder()
///     let client = session.behind([recorder])
///     …
///     let har = recorder.archive.har
///
/// As the last middleware it records what is sent; a redirect that the session follows is one exchange with it. An exchange is
/// recorded when its body was read to its end, was closed, or has failed. Bodies of requests are collected in memory before they
/// are sent. Secret header fields and the values of queries are hidden, unless that is asked for.
public final class ExchangeRecorder: ExchangeMiddleware {
    private struct State {
        var begun = 0
        var exchanges: [(number: Int, exchange: ArchivedExchange)] = []
    }

    private let redaction: Redaction
    private let recordsBodies: Bool
    private let limit: Int
    private let state = Lock(State())

    /// Makes a recorder.
    ///
    /// - Parameters:
    ///   - withSecrets: Whether to record secret header fields and the values of queries as they are.
    ///   - withBodies: Whether to record the bodies of responses, in which there may be secrets too.
    ///   - limit: The longest body that is recorded. A longer one of a request is an error, a longer one of a response is left
    ///     out.
    public init(withSecrets: Bool = false, withBodies: Bool = true, upTo limit: Int = 1 << 20) {
        redaction = withSecrets ? .none : .standard
        recordsBodies = withBodies
        self.limit = limit
    }

    /// What was recorded so far, in the order in which the requests were sent.
    public var archive: HTTPArchive {
        HTTPArchive(state.withLock { $0.exchanges }.sorted { $0.number < $1.number }.map(\.exchange))
    }

    /// Sends a request on, and records it with its response.
    public nonisolated(nonsending) func send(
        _ request: ClientRequest,
        to next: any ExchangeClient
    ) async throws(HandleError) -> ClientResponse {
        var request = request
        request.body = try await request.body.buffered(upTo: limit)
        let body = try await request.body.collect(upTo: limit)
        let start = ContinuousClock.now
        let exchange = ArchivedExchange(
            request.method,
            redaction.url(request.url?.text ?? request.message.path ?? ""),
            requestFields: redaction.fields(request.headerFields),
            requestBody: body,
            status: nil,
            responseBody: nil,
            startedAt: HTTPDate(secondsSince1970: Int64(time(nil)))
        )
        let recording = Recording(
            exchange,
            start,
            limit: recordsBodies ? limit : -1,
            of: self,
            state.withLock { state in
                state.begun += 1
                return state.begun
            }
        )
        do throws(HandleError) {
            let response = try await next.send(request)
            recording.received(response, isAbsolute: request.url != nil, redaction)
            let body = response.body
            let recorded = ResponseBody.made(from: body, onClose: { recording.end(trailers: [:], nil) }) {
                () async throws(HandleError) in
                do throws(HandleError) {
                    let piece = try await body.read(upTo: .max)
                    guard piece.isEmpty else {
                        recording.append(piece)
                        return .bytes(piece)
                    }
                    recording.end(trailers: response.trailers, nil)
                    return .end(trailers: response.trailers)
                } catch {
                    recording.end(trailers: [:], error)
                    throw error
                }
            }
            return ClientResponse(head: response.head, body: recorded)
        } catch {
            recording.end(trailers: [:], error)
            throw error
        }
    }

    fileprivate func add(_ exchange: ArchivedExchange, _ number: Int) {
        state.withLock { $0.exchanges.append((number, exchange)) }
    }
}

/// One exchange that is being recorded.
private final class Recording: Sendable {
    private struct State {
        var exchange: ArchivedExchange
        /// `nil` if it is longer than the limit.
        var body: [UInt8]? = []
        var isOver = false
    }

    private let state: Lock<State>
    private let start: ContinuousClock.Instant
    private let limit: Int
    private let recorder: ExchangeRecorder
    private let number: Int

    init(
        _ exchange: ArchivedExchange,
        _ start: ContinuousClock.Instant,
        limit: Int,
        of recorder: ExchangeRecorder,
        _ number: Int
    ) {
        state = Lock(State(exchange: exchange, body: limit < 0 ? nil : []))
        self.start = start
        self.limit = limit
        self.recorder = recorder
        self.number = number
    }

    /// The body was not read to its end.
    deinit {
        end(trailers: [:], nil)
    }

    /// - Parameter isAbsolute: Whether the request has a whole URL; otherwise the session knows it.
    func received(_ response: ClientResponse, isAbsolute: Bool, _ redaction: Redaction) {
        let head = response.head
        let end = redaction.url(head.url)
        let start = isAbsolute ? nil : response.request?.hops.first.map { redaction.url($0.url) } ?? end
        state.withLock { state in
            state.exchange.status = head.status
            state.exchange.responseFields = redaction.fields(head.headerFields)
            if let start { state.exchange.url = start }
            state.exchange.responseURL = end == state.exchange.url ? nil : end
        }
    }

    func append(_ piece: [UInt8]) {
        state.withLock { state in
            guard let body = state.body else { return }
            if body.count + piece.count <= limit { state.body?.append(contentsOf: piece) } else { state.body = nil }
        }
    }

    func end(trailers: HTTPFields, _ error: HandleError?) {
        let exchange: ArchivedExchange? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.exchange.responseBody = state.exchange.status == nil ? [] : state.body
            state.exchange.trailers = trailers
            state.exchange.duration = ContinuousClock.now - start
            if let error { state.exchange.failure = .init(code: error.code, reason: error.reason) }
            if error == nil, state.exchange.status == nil {
                state.exchange.failure = .init(code: .operationCancelled, reason: "the exchange was not over")
            }
            return state.exchange
        }
        if let exchange { recorder.add(exchange, number) }
    }
}
