/// Who the client says it is, and how it may prove that.
///
/// Nothing prints the secret: neither `description` nor a debugger's dump, nor any event or error. The user's name is not
/// printed either, because for many services it is a key.
///
/// Counterpart of `WinHttpSetCredentials`.
public struct Credentials: Sendable, Hashable {
    package enum Secret: Sendable, Hashable {
        case password(user: String, String)
        case token(String)
        /// What the process was given by the system, for example a Kerberos ticket.
        case ambient
    }

    package let secret: Secret
    /// The ways in which they may be used. Of several, the strongest that the server offers is taken.
    public let schemes: Set<AuthenticationScheme>

    /// The password itself, sent with the first request. (`CURLAUTH_BASIC`)
    ///
    /// - Parameters:
    ///   - user: Any text without a colon, sent as UTF-8.
    ///   - password: Any text, sent as UTF-8.
    public static func basic(user: String, password: String) -> Credentials {
        .password(user: user, password: password, schemes: [.basic])
    }

    /// A proof of the password, sent when the server has asked. (`CURLAUTH_DIGEST`)
    public static func digest(user: String, password: String) -> Credentials {
        .password(user: user, password: password, schemes: [.digest])
    }

    /// Windows' own, sent when the server has asked; a user of a domain is "DOMAIN\user". (`CURLAUTH_NTLM`)
    public static func ntlm(user: String, password: String) -> Credentials {
        .password(user: user, password: password, schemes: [.ntlm])
    }

    /// In the strongest way that the server asks for: Digest, then NTLM, then Basic.
    ///
    /// - Parameters:
    ///   - user: Who.
    ///   - password: The secret.
    ///   - schemes: The ways that are allowed, of these three. A server that asks for Basic gets the password itself; where
    ///     nothing else is allowed, it gets it at once.
    public static func password(
        user: String,
        password: String,
        schemes: Set<AuthenticationScheme> = [.digest, .ntlm, .basic]
    ) -> Credentials {
        Credentials(secret: .password(user: user, password), schemes: schemes)
    }

    /// The Kerberos ticket of the process, shown when the server has asked. (`CURLAUTH_NEGOTIATE`)
    ///
    /// Getting a ticket for the server may take a while, and the whole session waits for it.
    public static let negotiate = Credentials(secret: .ambient, schemes: [.negotiate])

    /// A token, sent with the first request. (`CURLOPT_XOAUTH2_BEARER`)
    public static func bearer(_ token: String) -> Credentials {
        Credentials(secret: .token(token), schemes: [.bearer])
    }

    /// Whether they are sent only to a server that has asked for them, in which case libcurl answers it by itself.
    package var awaitChallenge: Bool { schemes != [.basic] && schemes != [.bearer] }

    /// Why they cannot be used. Says nothing of what is secret.
    package var problem: String? {
        let known: Set<AuthenticationScheme> =
            switch secret {
            case .password: [.basic, .digest, .ntlm]
            case .token: [.bearer]
            case .ambient: [.negotiate]
            }
        if let other = schemes.subtracting(known).first { return "no password can be used with \(other)" }
        if schemes.isEmpty { return "no scheme is allowed" }
        switch secret {
        case .password(let user, let password):
            if (user + password).unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
                return "it contains a control character"
            }
            return schemes.contains(.basic) && user.utf8.contains(UInt8(ascii: ":"))
                ? "the user's name contains a colon" : nil
        case .token(let token):
            let isToken = !token.isEmpty && token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            return isToken ? nil : "that is not a token"
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

/// Answers servers that ask who the client is.
///
///     let provider = CredentialProvider { question in
///         guard question.host == "files.example", !question.hasRefused else { return nil }
///         return .password(user: "me", password: await askUser(question.challenges.first?.realm))
///     }
///
/// It is asked in a task of its own, which has the priority and the task-local values of the task that called `send` or
/// `fetch`. Equal providers are the same one.
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
    /// - Parameter answer: Runs in a task of its own, never on the session's thread, which is cancelled when the request
    ///   ends. `nil`, or what was refused just now, hands out the 401 to the caller.
    public init(_ answer: @escaping @Sendable (AuthenticationQuestion) async -> Credentials?) {
        storage = Storage(answer)
    }

    package func answer(_ question: AuthenticationQuestion) async -> Credentials? {
        await storage.answer(question)
    }

    /// Whether both are the same one.
    public static func == (left: CredentialProvider, right: CredentialProvider) -> Bool {
        left.storage === right.storage
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(storage))
    }
}

/// What a server that answered 401 wants to know, and of whom.
public struct AuthenticationQuestion: Sendable, Hashable {
    /// The URL that was asked for.
    public let url: String
    /// Whether the answer goes over TLS.
    public let isSecure: Bool
    /// The server's name or address.
    public let host: String
    /// The server's port.
    public let port: Int
    /// The ways that the server offers, in its order.
    public let challenges: [AuthenticationChallenge]
    /// Whether credentials were sent, and refused: the option's, or the last answer.
    public let hasRefused: Bool

    package init(url: RequestURL, challenges: [AuthenticationChallenge], hasRefused: Bool) {
        self.url = url.text
        isSecure = url.isSecure
        host = url.host
        port = url.port
        self.challenges = challenges
        self.hasRefused = hasRefused
    }
}
