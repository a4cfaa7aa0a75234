package import HTTPHandles
import HTTPHandlesFoundation

/// A note, as the server has it.
package struct Note: Codable, Sendable, Hashable {
    package let id: Int
    package let text: String

    package init(id: Int, text: String) {
        self.id = id
        self.text = text
    }
}

/// A client for a REST service with notes.
///
///     let client = session.behind([BearerToken(tokens, for: base), RequestLog { print($0) }])
///     let notes = NotesClient(client, at: base)
///     print(try await notes.add("snow").id)
package struct NotesClient: Sendable {
    private struct Draft: Encodable {
        let text: String
    }

    /// A server could answer with more pages without end.
    private static let maximumPages = 1000
    private static let maximumBody = 1 << 20

    private let client: any ExchangeClient
    private let base: HTTPURL

    /// - Parameters:
    ///   - client: What sends the requests: a session, one behind middleware, or a script.
    ///   - base: The URL of the service, with a slash at its end.
    package init(_ client: any ExchangeClient, at base: HTTPURL) {
        self.client = client
        self.base = base
    }

    /// What a session for the service starts with.
    package static var sessionOptions: [OptionSetting] {
        [.set(.totalTimeout, to: .seconds(60)), .set(.retryPolicy, to: RetryPolicy()), .set(.usesCookies, to: false)]
    }

    package func note(_ id: Int) async throws(NotesError) -> Note {
        try await exchange { () async throws(HandleError) in
            try await send(.get, "notes/\(id)").body.collectJSON(upTo: Self.maximumBody)
        }
    }

    package func add(_ text: String) async throws(NotesError) -> Note {
        try await exchange { () async throws(HandleError) in
            try await send(.post, "notes", body: .json(Draft(text: text))).body.collectJSON(upTo: Self.maximumBody)
        }
    }

    package func delete(_ id: Int) async throws(NotesError) {
        try await exchange { () async throws(HandleError) in
            try await send(.delete, "notes/\(id)").close()
        }
    }

    /// All notes: follows the links to the next page (`Link: <…>; rel="next"`).
    package func all() async throws(NotesError) -> [Note] {
        try await exchange { () async throws(HandleError) in
            var notes: [Note] = []
            var page = try base.resolving("notes")
            for _ in 0..<Self.maximumPages {
                let response = try await client.get(page).requireSuccess()
                notes += try await response.body.collectJSON([Note].self, upTo: Self.maximumBody)
                guard let next = response.head.links.first(where: { $0.relations.contains("next") }) else {
                    return notes
                }
                page = try HTTPURL(response.head.url).resolving(next.target)
            }
            let reason = "the list has more than \(Self.maximumPages) pages"
            throw HandleError(.insufficientBuffer, .readData, reason: reason)
        }
    }

    private func send(
        _ method: HTTPRequest.Method,
        _ reference: String,
        body: RequestBody = .none
    ) async throws(HandleError) -> ClientResponse {
        try await client.fetch(method, base.resolving(reference), body: body).requireSuccess()
    }

    /// Every call goes through here, so that callers see one type of error.
    private func exchange<Value>(
        _ body: () async throws(HandleError) -> Value
    ) async throws(NotesError) -> Value {
        do throws(HandleError) {
            return try await body()
        } catch {
            throw NotesError(error)
        }
    }
}
