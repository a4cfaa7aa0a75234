/// The entries of a netrc file: words separated by blanks and line ends, in quotation marks if they contain some.
package struct Netrc: Hashable, Sendable {
    package struct Login: Hashable, Sendable {
        package let user: String
        package let password: String

        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    private struct Entry: Hashable, Sendable {
        /// `nil` for `default`.
        var host: String?
        var user: String?
        var password: String?
    }

    private var entries: [Entry] = []

    package init(_ text: String) throws(SyntaxError) {
        var isMacro = false
        for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            // A macro ends with an empty line.
            if isMacro {
                isMacro = !line.allSatisfy(\.isSpace)
                continue
            }
            var words = try Self.words(in: line)[...]
            while let word = words.popFirst() {
                switch word {
                case "machine": expected = .machine
                case "default":
                    entries.append(Entry())
                    expected = nil
                case "login" where expected == nil: expected = .login
                case "password" where expected == nil: expected = .password
                case "account" where expected == nil: expected = .account
                case "macdef" where expected == nil:
                    isMacro = true
                    words = []
                default: try take(word)
                }
            }
        }
        guard expected == nil else { throw SyntaxError("the file ends where a value is expected") }
    }

    private enum Keyword { case machine, login, password, account }

    /// The keyword whose value comes next; it may be on the next line.
    private var expected: Keyword?

    private mutating func take(_ word: String) throws(SyntaxError) {
        defer { expected = nil }
        switch expected {
        case nil: throw SyntaxError("a word is not a keyword")
        case .machine: entries.append(Entry(host: word))
        case .account: break
        case .login, .password:
            guard !entries.isEmpty else { throw SyntaxError("there is a login or password without a machine") }
            if expected == .login {
                entries[entries.count - 1].user = word
            } else {
                entries[entries.count - 1].password = word
            }
        }
    }

    private static func words(in line: Substring.UTF8View) throws(SyntaxError) -> [String] {
        var words: [String] = []
        var rest = line.drop(while: \.isSpace)
        while let first = rest.first {
            if first == UInt8(ascii: "#") { break }
            var word: [UInt8] = []
            if first == UInt8(ascii: "\"") {
                rest = rest.dropFirst()
                var isClosed = false
                while !isClosed, let byte = rest.popFirst() {
                    switch byte {
                    case UInt8(ascii: "\""): isClosed = true
                    case UInt8(ascii: "\\"):
                        switch rest.popFirst() {
                        case UInt8(ascii: "n")?: word.append(0x0A)
                        case UInt8(ascii: "r")?: word.append(0x0D)
                        case UInt8(ascii: "t")?: word.append(0x09)
                        case let escaped?: word.append(escaped)
                        case nil: break
                        }
                    default: word.append(byte)
                    }
                }
                guard isClosed else { throw SyntaxError("quotation marks are not closed") }
            } else {
                word += rest.prefix { !$0.isSpace }
                rest = rest.drop { !$0.isSpace }
            }
            words.append(String(bytes: word))
            rest = rest.drop(while: \.isSpace)
        }
        return words
    }

    /// The login for a host, and for a user if one is given. The first entry that fits counts; `default` fits every host.
    package func login(for host: String, user: String? = nil) -> Login? {
        for entry in entries {
            let isForHost = entry.host.map { $0.utf8.lowercasedASCII == host.utf8.lowercasedASCII } ?? true
            guard isForHost, user == nil || entry.user == user else { continue }
            return Login(user: entry.user ?? user ?? "", password: entry.password ?? "")
        }
        return nil
    }
}
