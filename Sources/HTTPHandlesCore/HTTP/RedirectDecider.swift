public import HTTPTypes

/// A closure that decides whether a redirect is followed. The request waits for it.
///
///     let decider = RedirectDecider { proposal in proposal.url.hasPrefix("https://example.com/") ? .follow : .stop }
///     try await request.setOption(.redirectDecider, to: decider)
///
/// It is called for redirects that `redirectPolicy` and `maximumRedirects` allow, in a separate task. The task has the
/// priority and the task-local values of the task that called `send` or `fetch`, and is cancelled when the request ends.
/// Time limits continue to run. Two deciders are equal if one is a copy of the other.
///
/// Counterpart of a callback for `WINHTTP_CALLBACK_STATUS_REDIRECT`.
public struct RedirectDecider: Sendable, Hashable {
    private final class Storage: Sendable {
        let decide: @Sendable (RedirectProposal) async -> RedirectDecision

        init(_ decide: @escaping @Sendable (RedirectProposal) async -> RedirectDecision) {
            self.decide = decide
        }
    }

    private let storage: Storage

    /// Makes a decider that calls `decide`.
    public init(_ decide: @escaping @Sendable (RedirectProposal) async -> RedirectDecision) {
        storage = Storage(decide)
    }

    package func callAsFunction(_ proposal: RedirectProposal) async -> RedirectDecision {
        await storage.decide(proposal)
    }

    /// Whether both are the same decider.
    public static func == (one: RedirectDecider, other: RedirectDecider) -> Bool { one.storage === other.storage }

    /// Hashes the decider's identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(storage)) }
}

/// A redirect for a decider.
public struct RedirectProposal: Sendable {
    /// The status of the response.
    public let status: HTTPResponse.Status
    /// The header fields of the response.
    public let responseFields: HTTPFields
    /// The method of the next request.
    public let method: HTTPRequest.Method
    /// The URL of the next request.
    public let url: String
    /// The header fields of the next request: those of the last one, without the ones that must not be sent there.
    public let headerFields: HTTPFields
    /// Whether the body is sent again.
    public let keepsBody: Bool

    package init(
        _ head: HeaderBlock,
        method: HTTPRequest.Method,
        url: String,
        headerFields: HTTPFields,
        keepsBody: Bool
    ) {
        status = HTTPResponse.Status(code: head.status, reasonPhrase: head.reasonPhrase)
        responseFields = head.fields()
        self.method = method
        self.url = url
        self.headerFields = headerFields
        self.keepsBody = keepsBody
    }
}

/// What a decider decides.
public enum RedirectDecision: Sendable, Hashable {
    /// The redirect is followed.
    case follow
    /// The redirect is not followed; the caller gets it as the response.
    case stop
    /// The request fails with `.redirectFailed`.
    case refuse
}
