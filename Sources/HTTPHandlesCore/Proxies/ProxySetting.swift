/// Which proxy requests go through.
///
/// Counterpart of the access types of `WinHttpOpen` and of `WINHTTP_OPTION_PROXY`.
@nonexhaustive
public enum ProxySetting: Sendable, Hashable {
    /// None. (`WINHTTP_ACCESS_TYPE_NO_PROXY`)
    case none
    /// That of the environment, as it was when the session was made: `http_proxy` (in lower case only), `https_proxy`,
    /// `all_proxy` and `no_proxy`, by curl's rules. (`WINHTTP_ACCESS_TYPE_DEFAULT_PROXY`)
    case environment
    /// This proxy, except for hosts of the bypass list. (`WINHTTP_ACCESS_TYPE_NAMED_PROXY`)
    case named(Proxy, bypass: ProxyBypassList = ProxyBypassList())
    /// Those that a closure answers for each URL, for example a PAC engine. (`WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY`,
    /// `WinHttpGetProxyForUrlEx`)
    case choosing(ProxyChooser)

    package var problem: String? {
        if case .named(let proxy, _) = self { proxy.problem } else { nil }
    }
}

/// One way to a server.
public enum ProxyChoice: Sendable, Hashable {
    /// Without a proxy.
    case direct
    /// Through this proxy.
    case proxy(Proxy)
}

/// A closure that chooses the proxies for a URL.
///
///     let chooser = ProxyChooser { question in
///         question.host.hasSuffix(".internal") ? [.direct] : [.proxy(first), .proxy(second)]
///     }
///     try await session.setOption(.proxy, to: .choosing(chooser))
///
/// It is called for each transfer: for a request, for each redirect that is followed, and for each attempt of a retry policy.
/// The first choice is tried first; where a proxy cannot be reached (its name is not resolved, it takes no connection, or not
/// within `connectTimeout`), the next one. It runs in a separate task, which has the priority and the task-local values of the
/// task that called `send` or `fetch`, and is cancelled when the request ends or `connectTimeout` has run out (`.timeout`, in
/// the phase `.proxy`). If it throws, or returns nothing, the request fails with `.autoProxyServiceError`. Two choosers are
/// equal if one is a copy of the other.
///
/// Counterpart of `WinHttpGetProxyForUrlEx`.
public struct ProxyChooser: Sendable, Hashable {
    private final class Storage: Sendable {
        let choose: @Sendable (ProxyQuestion) async throws -> [ProxyChoice]

        init(_ choose: @escaping @Sendable (ProxyQuestion) async throws -> [ProxyChoice]) {
            self.choose = choose
        }
    }

    private let storage: Storage

    /// Makes a chooser that calls `choose`.
    public init(_ choose: @escaping @Sendable (ProxyQuestion) async throws -> [ProxyChoice]) {
        storage = Storage(choose)
    }

    /// The choices; an error where there are none that can be used.
    package func choices(for url: RequestURL) async -> Result<[ProxyChoice], HandleError> {
        do {
            let choices = try await storage.choose(ProxyQuestion(url))
            if choices.isEmpty {
                return .failure(.noProxyChosen("the closure that chooses proxies has returned no choice"))
            }
            for case .proxy(let proxy) in choices {
                guard let problem = proxy.problem else { continue }
                return .failure(.noProxyChosen("the closure has chosen a proxy that cannot be used: \(problem)"))
            }
            return .success(choices)
        } catch {
            return .failure(.noProxyChosen("the closure that chooses proxies threw an error", underlying: error))
        }
    }

    /// Whether both are the same chooser.
    public static func == (one: ProxyChooser, other: ProxyChooser) -> Bool { one.storage === other.storage }

    /// Hashes the chooser's identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(storage)) }
}

/// What a chooser is asked about.
public struct ProxyQuestion: Sendable, Hashable {
    /// The URL of the request. For https only the server, as browsers do: the rest is secret.
    public let url: String
    /// Whether the request goes over TLS.
    public let isSecure: Bool
    /// The server's name or address.
    public let host: String
    /// The server's port.
    public let port: Int

    package init(_ url: RequestURL) {
        self.url = url.isSecure ? url.origin.urlPrefix + "/" : url.text
        isSecure = url.isSecure
        host = url.host
        port = url.port
    }
}

extension HandleError {
    fileprivate static func noProxyChosen(_ reason: String, underlying: (any Error)? = nil) -> HandleError {
        HandleError(.autoProxyServiceError, .sendRequest, reason: reason, underlying: underlying)
    }
}
