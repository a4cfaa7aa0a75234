public import HTTPTypes

/// The caller's own say in each redirect, asked while the request waits.
///
///     let decider = RedirectDecider { proposal in proposal.url.hasPrefix("https://example.com/") ? .follow : .stop }
///     try await request.setOption(.redirectDecider, to: decider)
///
/// It is asked about redirects that `redirectPolicy` and `maximumRedirects` allow, in a task of its own, which has
/// the priority and the task-local values of the task that called `send` or `fetch`, and is cancelled when the request
/// ends; the time limits go on meanwhile. Two deciders are equal if one is a copy of the other.
///
/// What WinHTTP users do in `WINHTTP_CALLBACK_STATUS_REDIRECT`.
public struct RedirectDecider: Sendable, Hashable {
    private final class Storage: Sendable {
        let decide: @Sendable (RedirectProposal) async -> RedirectDecision

        init(_ decide: @escaping @Sendable (RedirectProposal) async -> RedirectDecision) {
            self.decide = decide
        }
    }

    private let storage: Storage

    /// Has `decide` asked.
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

/// A redirect that could be followed.
public struct RedirectProposal: Sendable {
    /// The status of the response.
    public let status: HTTPResponse.Status
    /// The header fields of the response.
    public let responseFields: HTTPFields
    /// The method of the next request.
    public let method: HTTPRequest.Method
    /// The URL of the next request.
    public let url: String
    /// The header fields of the next request: those of the last one, without what must not go there.
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

/// What becomes of a redirect.
public enum RedirectDecision: Sendable, Hashable {
    /// The next request is made.
    case follow
    /// The redirect itself is the response.
    case stop
    /// The request fails with `.redirectFailed`.
    case refuse
}
