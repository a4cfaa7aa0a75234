import ArgumentParser
import HTTPHandles

/// Who the user says he is, as curl users say it.
struct AuthenticationOptions: ParsableArguments {
    /// How a name and a password are used.
    enum Way: String, CaseIterable, ExpressibleByArgument, EnumerableFlag {
        case basic, digest, ntlm, negotiate
        case any = "anyauth"

        init?(argument: String) {
            self.init(rawValue: argument == "any" ? "anyauth" : argument)
        }

        static func name(for value: Way) -> NameSpecification { .customLong(value.rawValue) }

        static func help(for value: Way) -> ArgumentHelp? {
            value == .basic ? "The same as --auth, as curl has it." : nil
        }
    }

    @Option(
        name: [.customShort("u"), .customLong("user")],
        help: ArgumentHelp("Who you are.", valueName: "name:password")
    )
    var user: String?

    @Option(
        help: ArgumentHelp(
            "How to prove it: basic (the default), digest, ntlm, negotiate (with a ticket, without --user), or any.",
            valueName: "scheme"
        )
    )
    var auth: Way?

    @Flag(exclusivity: .exclusive) var way: Way?

    @Option(name: .customLong("oauth2-bearer"), help: ArgumentHelp("A token to show.", valueName: "token"))
    var token: String?

    func credentials() throws -> Credentials? {
        if let token {
            guard user == nil else { throw ValidationError("--user and --oauth2-bearer exclude each other.") }
            return .bearer(token)
        }
        let way = auth ?? self.way
        if way == .negotiate { return .negotiate }
        guard let user else {
            if let way { throw ValidationError("\(way.rawValue) needs --user.") }
            return nil
        }
        let parts = user.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 2 else { throw ValidationError("--user is a name, a colon and a password.") }
        return switch way {
        case .basic, .negotiate, nil: .basic(user: parts[0], password: parts[1])
        case .digest: .digest(user: parts[0], password: parts[1])
        case .ntlm: .ntlm(user: parts[0], password: parts[1])
        case .any: .password(user: parts[0], password: parts[1])
        }
    }
}
