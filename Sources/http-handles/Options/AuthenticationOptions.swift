import ArgumentParser
import HTTPHandles
import HTTPHandlesCommandLine

/// The options for credentials, with curl's names.
struct AuthenticationOptions: ParsableArguments {
    /// How user and password are sent.
    enum Scheme: String, CaseIterable, ExpressibleByArgument, EnumerableFlag {
        case basic, digest, ntlm, negotiate
        case any = "anyauth"

        init?(argument: String) {
            self.init(rawValue: argument == "any" ? "anyauth" : argument)
        }

        static func name(for value: Scheme) -> NameSpecification { .customLong(value.rawValue) }

        static func help(for value: Scheme) -> ArgumentHelp? {
            value == .basic ? "The same as --auth, with curl's names." : nil
        }
    }

    @Option(
        name: [.customShort("u"), .customLong("user")],
        help: ArgumentHelp("The user name and the password.", valueName: "name:password")
    )
    var user: String?

    @Option(
        help: ArgumentHelp(
            "The authentication scheme: basic (the default), digest, ntlm, negotiate (with a ticket, without --user), or any.",
            valueName: "scheme"
        )
    )
    var auth: Scheme?

    @Flag(exclusivity: .exclusive) var scheme: Scheme?

    @Option(name: .customLong("oauth2-bearer"), help: ArgumentHelp("A bearer token.", valueName: "token"))
    var token: String?

    /// - Parameter login: User and password of the URL or of a netrc file; `--user` takes precedence.
    func credentials(for login: Netrc.Login? = nil) throws -> Credentials? {
        if let token {
            guard user == nil else { throw ValidationError("--user and --oauth2-bearer cannot be combined.") }
            return .bearer(token)
        }
        let scheme = auth ?? self.scheme
        if scheme == .negotiate { return .negotiate }
        guard let user else {
            guard let login else {
                if let scheme { throw ValidationError("\(scheme.rawValue) needs --user.") }
                return nil
            }
            return credentials(login.user, login.password, scheme)
        }
        let parts = user.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 2 else { throw ValidationError("--user must be NAME:PASSWORD.") }
        return credentials(parts[0], parts[1], scheme)
    }

    private func credentials(_ user: String, _ password: String, _ scheme: Scheme?) -> Credentials {
        switch scheme {
        case .basic, .negotiate, nil: .basic(user: user, password: password)
        case .digest: .digest(user: user, password: password)
        case .ntlm: .ntlm(user: user, password: password)
        case .any: .password(user: user, password: password)
        }
    }
}
