public import HTTPHandles
import HTTPHandlesCore
import HTTPHandlesLock
import HTTPTypes

/// A client that answers with the exchanges of an archive, without a socket.
///
///     let client = ReplayingClient(try HTTPArchive(har: bytes))
///
/// A request gets the first exchange with its method and URL that was not replayed yet; with `matchesBodies`, the body has to be the
/// same too. A request that the archive does not have fails with `.cannotConnect`. A recorded failure is thrown with its code.
/// What is true of a `ScriptedClient` is true here.
public final class ReplayingClient: ExchangeClient {
    private final class Left: Sendable {
        let exchanges: Lock<[ArchivedExchange]>

        init(_ exchanges: [ArchivedExchange]) {
            self.exchanges = Lock(exchanges)
        }
    }

    private let left: Left
    private let client: ScriptedClient

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - archive: The exchanges.
    ///   - baseURL: What relative URLs are resolved against.
    ///   - matchesBodies: Whether the body of a request has to be the recorded one.
    public init(_ archive: HTTPArchive, baseURL: HTTPURL? = nil, matchesBodies: Bool = false) {
        let left = Left(archive.exchanges)
        self.left = left
        client = ScriptedClient(baseURL: baseURL) { request throws(HandleError) in
            let url = request.url.text
            // The values of queries are hidden in most archives.
            let urls = [url, Redaction.standard.url(url)]
            let found = left.exchanges.withLock { left -> ArchivedExchange? in
                let index = left.firstIndex { exchange in
                    exchange.method == request.method && urls.contains(exchange.url)
                        && (!matchesBodies || exchange.requestBody == request.body)
                }
                return index.map { left.remove(at: $0) }
            }
            guard let found else {
                let place = "\(request.method.rawValue) \(Redaction.standard.url(url))"
                throw HandleError(.cannotConnect, .sendRequest, reason: "the archive has no exchange for \(place)")
            }
            return found.answer
        }
    }

    /// The exchanges that were not replayed yet.
    public var unused: [ArchivedExchange] { left.exchanges.withLock { $0 } }

    /// The requests so far.
    public var requests: [ScriptedRequest] { client.requests }

    /// See `ScriptedClient.close()`.
    public func close() { client.close() }

    /// See `ScriptedClient.closeAll()`.
    public func closeAll() { client.closeAll() }

    /// Answers a request.
    public nonisolated(nonsending) func send(_ request: ClientRequest) async throws(HandleError) -> ClientResponse {
        try await client.send(request)
    }
}

extension ArchivedExchange {
    fileprivate var answer: ScriptedAnswer {
        guard let status else {
            return .failure(
                error(.receiveResponse) ?? HandleError(.connectionError, .receiveResponse, reason: "recorded")
            )
        }
        var pieces: [ScriptedAnswer.Piece] = []
        if let responseBody {
            pieces.append(.bytes(responseBody))
        } else if failure == nil {
            pieces.append(.failure(HandleError(.notSupported, .readData, reason: "the archive does not have the body")))
        }
        if let error = error(.readData) { pieces.append(.failure(error)) }
        return .response(status, responseFields, pieces: pieces, trailers: trailers).from(responseURL)
    }

    private func error(_ operation: HandleOperation) -> HandleError? {
        failure.map { HandleError($0.code, operation, reason: $0.reason) }
    }
}
