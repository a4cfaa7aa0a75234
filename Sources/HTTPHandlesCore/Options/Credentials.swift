/// Credentials of the client, with the authentication schemes in which they may be used.
///
/// Neither `description`, nor a debugger's dump, nor any event or error contains the secret or the user name (for many
/// services the user name is a key).
///
/// Counterpart of `WinHttpSetCredentials`.
public struct Credentials: Sendable, Hashable {
    package enum Secret: Sendable, Hashable {
        case password(user: String, String)
        case token(String)
        /// Credentials of the process, for example a Kerberos ticket.
        case ambient
    }

    package let secret: Secret
    /// The schemes in which they may be used. Of several, the strongest that the server offers is used.
    public let schemes: Set<AuthenticationScheme>

    /// The password itself, sent with the first request. (`CURLAUTH_BASIC`)
    ///
    /// - Parameters:
    ///   - user: Any text without a colon, sent as UTF-8.
    ///   - password: Any text, sent as UTF-8.
    public static func basic(user: String, password: String) -> Credentials {
        .password(user: user, password: password, schemes: [.basic])
    }

    /// A hash of the password, sent in answer to a challenge. (`CURLAUTH_DIGEST`)
    public static func digest(user: String, password: String) -> Credentials {
        .password(user: user, password: password, schemes: [.digest])
    }

    /// NTLM of Windows, sent in answer to a challenge; write a domain user as "DOMAIN\user". (`CURLAUTH_NTLM`)
    public static func ntlm(user: String, password: String) -> Credentials {
        .password(user: user, password: password, schemes: [.ntlm])
    }

    /// The strongest scheme that the server offers: Digest, then NTLM, then Basic.
    ///
    /// - Parameters:
    ///   - user: The user name.
    ///   - password: The password.
    ///   - schemes: The allowed schemes, of these three. With Basic the server gets the password itself; if only Basic is
    ///     allowed, with the first request.
    public static func password(
        user: String,
        password: String,
        schemes: Set<AuthenticationScheme> = [.digest, .ntlm, .basic]
    ) -> Credentials {
        Credentials(secret: .password(user: user, password), schemes: schemes)
    }

    /// The Kerberos ticket of the process, sent in answer to a challenge. (`CURLAUTH_NEGOTIATE`)
    ///
    /// Getting a ticket for the server blocks the session's thread and may take a while.
    public static let negotiate = Credentials(secret: .ambient, schemes: [.negotiate])

    /// A token, sent with the first request. (`CURLOPT_XOAUTH2_BEARER`)
    public static func bearer(_ token: String) -> Credentials {
        Credentials(secret: .token(token), schemes: [.bearer])
    }

    /// Whether they are sent only in answer to a challenge; libcurl then answers the challenge itself.
    package var awaitChallenge: Bool { schemes != [.basic] && schemes != [.bearer] }

    /// What is wrong with them; `nil` for valid ones. Contains no secret.
    package var problem: String? {
        let known: Set<AuthenticationScheme> =
            switch secret {
            case .password: [.basic, .digest, .ntlm]
            case .token: [.bearer]
            case .ambient: [.negotiate]
            }
        if let other = schemes.subtracting(known).first { return "the scheme \(other) does not use a password" }
        if schemes.isEmpty { return "there must be at least one scheme" }
        switch secret {
        case .password(let user, let password):
            if (user + password).unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
                return "the user name or the password contains a control character"
            }
            return schemes.contains(.basic) && user.utf8.contains(UInt8(ascii: ":"))
                ? "the user name contains a colon, which the scheme basic does not allow" : nil
        case .token(let token):
            let isToken = !token.isEmpty && token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            return isToken ? nil : "the token must be visible ASCII without spaces, and not empty"
        case .ambient: return nil
        }
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The schemes, never the secret.
    public var description: String {
        "credentials for \(schemes.map(\.rawValue).sorted().joined(separator: ", "))"
    }

    /// The schemes, never the secret.
    public var debugDescription: String { description }

    /// The schemes, never the secret.
    public var customMirror: Mirror { Mirror(self, children: ["schemes": schemes]) }
}

/// A closure that provides credentials for a challenge.
///
///     let provider = CredentialProvider { question in
///         guard question.host == "files.example", !question.hasRefusedCredentials else { return nil }
///         return .password(user: "me", password: await askUser(question.challenges.first?.realm))
///     }
///
/// It is called in a separate task, which has the priority and the task-local values of the task that called `send` or
/// `fetch`. Two providers are equal if one is a copy of the other.
public struct CredentialProvider: Sendable, Hashable {
    private final class Storage: Sendable {
        let answer: @Sendable (AuthenticationQuestion) async -> Credentials?

        init(_ answer: @escaping @Sendable (AuthenticationQuestion) async -> Credentials?) {
            self.answer = answer
        }
    }

    private let storage: Storage

    /// Makes a provider.
    ///
    /// - Parameter answer: Called in a separate task, which is cancelled when the request ends. If it returns `nil`, or the
    ///   credentials that were refused last, the caller gets the 401.
    public init(_ answer: @escaping @Sendable (AuthenticationQuestion) async -> Credentials?) {
        storage = Storage(answer)
    }

    package func answer(_ question: AuthenticationQuestion) async -> Credentials? {
        await storage.answer(question)
    }

    /// Whether both are the same provider.
    public static func == (left: CredentialProvider, right: CredentialProvider) -> Bool {
        left.storage === right.storage
    }

    /// Hashes the provider's identity.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(storage))
    }
}

/// The challenges of a 401 or 407 response, with the server or the proxy that sent them.
public struct AuthenticationQuestion: Sendable, Hashable {
    /// The URL of the request.
    public let url: String
    /// Whether the credentials will be sent over TLS.
    public let isSecure: Bool
    /// The name or address of the server, or of the proxy if that asks.
    public let host: String
    /// The port of the server, or of the proxy if that asks.
    public let port: Int
    /// The proxy that asks; `nil` if it is the server. (`WINHTTP_AUTH_TARGET_PROXY`)
    public let proxy: ProxyAddress?
    /// The challenges, in the server's order.
    public let challenges: [AuthenticationChallenge]
    /// Whether the server has refused credentials: those of the option, or the last answer.
    public let hasRefusedCredentials: Bool

    package init(
        url: RequestURL,
        proxy: ProxyAddress? = nil,
        challenges: [AuthenticationChallenge],
        hasRefusedCredentials: Bool
    ) {
        self.url = url.text
        self.proxy = proxy
        isSecure = proxy.map { $0.kind == .https } ?? url.isSecure
        host = proxy?.host ?? url.host
        port = proxy?.port ?? url.port
        self.challenges = challenges
        self.hasRefusedCredentials = hasRefusedCredentials
    }
}
