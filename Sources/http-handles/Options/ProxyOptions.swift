import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver

/// The options for proxies, with curl's names.
struct ProxyOptions: ParsableArguments {
    @Option(
        name: [.customShort("x"), .customLong("proxy")],
        help: ArgumentHelp(
            "The proxy: http, https, socks4, socks4a, socks5 or socks5h; an empty text for none. That of the environment by default.",
            valueName: "[scheme://][user:password@]host[:port]"
        )
    )
    var proxy: String?

    @Option(help: ArgumentHelp("A SOCKS 4 proxy.", valueName: "host[:port]")) var socks4: String?
    @Option(help: ArgumentHelp("A SOCKS 4a proxy.", valueName: "host[:port]")) var socks4a: String?
    @Option(help: ArgumentHelp("A SOCKS 5 proxy.", valueName: "host[:port]")) var socks5: String?
    @Option(
        name: .customLong("socks5-hostname"),
        help: ArgumentHelp("A SOCKS 5 proxy that resolves the names of servers.", valueName: "host[:port]")
    )
    var socks5h: String?

    @Option(
        name: [.customShort("U"), .customLong("proxy-user")],
        help: ArgumentHelp("The user name and the password for the proxy.", valueName: "name:password")
    )
    var proxyUser: String?

    /// How they are sent.
    enum Scheme: String, CaseIterable, EnumerableFlag {
        case basic, digest, ntlm, negotiate
        case any = "anyauth"

        static func name(for value: Scheme) -> NameSpecification { .customLong("proxy-\(value.rawValue)") }

        static func help(for value: Scheme) -> ArgumentHelp? {
            value == .basic ? "The authentication scheme for the proxy; basic by default." : nil
        }
    }

    @Flag(exclusivity: .exclusive) var scheme: Scheme?

    @Option(help: ArgumentHelp("A header field for an HTTP proxy alone; repeatable.", valueName: "name: value"))
    var proxyHeader: [String] = []

    @Option(
        help: ArgumentHelp(
            "Hosts without a proxy, separated by commas; \"*\" for all. That of the environment by default.",
            valueName: "list"
        )
    )
    var noproxy: String?

    @Flag(
        name: [.customShort("p"), .customLong("proxytunnel")],
        help: "Have an HTTP proxy make a tunnel also without TLS."
    )
    var tunnels = false

    @Option(help: ArgumentHelp("The PEM file of the authorities for an https proxy.", valueName: "file"))
    var proxyCacert: String?

    @Flag(help: "Do not verify the certificate of an https proxy.")
    var proxyInsecure = false

    /// As in curl, one of them counts.
    private var url: String? {
        let socks = [("socks4", socks4), ("socks4a", socks4a), ("socks5", socks5), ("socks5h", socks5h)]
        return socks.lazy.compactMap { scheme, value in value.map { "\(scheme)://\($0)" } }.first ?? proxy
    }

    func validate() throws {
        let given = [proxy, socks4, socks4a, socks5, socks5h].count { $0 != nil }
        guard given <= 1 else { throw ValidationError("There can be one proxy only.") }
    }

    func setting() throws -> ProxySetting {
        let list = try noproxy.map { text in
            try usage { () throws(HandleError) in try ProxyBypassList(text) }
        }
        guard let url else { return list.map { Self.environment(except: $0) } ?? .environment }
        guard !url.isEmpty else { return .none }
        var proxy = try usage { () throws(HandleError) in try Proxy(url: url) }
        // As in curl, those of the URL take precedence.
        if proxyUser != nil && proxy.credentials == nil || scheme == .negotiate {
            proxy.credentials = try credentials()
        } else if let scheme {
            proxy.credentials = proxy.credentials?.under(scheme)
        }
        for header in proxyHeader {
            let colon = header.utf8.firstIndex(of: UInt8(ascii: ":")) ?? header.endIndex
            let value = header.utf8[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            try usage { () throws(HandleError) in
                try proxy.headerFields.append(name: String(header[..<colon]), value: String(Substring(value)))
            }
        }
        proxy.tunnels = tunnels
        proxy.tls.trust = proxyInsecure ? .unverified : proxyCacert.map { .authorities(inFile: $0) } ?? .system
        let environment = ProcessInfo.processInfo.environment
        let names = ["no_proxy", "NO_PROXY"]
        let bypass =
            list ?? ProxyBypassList(lenient: names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "")
        return .named(proxy, bypass: bypass)
    }

    /// The proxies of the environment with another bypass list.
    private static func environment(except list: ProxyBypassList) -> ProxySetting {
        let variables = ProcessInfo.processInfo.environment
        let environment = ProxyEnvironment { $0 == "no_proxy" || $0 == "NO_PROXY" ? nil : variables[$0] }
        if environment.isEmpty { return .none }
        return .choosing(
            ProxyChooser { question in
                if list.contains(host: question.host, port: question.port) { return [.direct] }
                let origin = Origin(isSecure: question.isSecure, host: question.host, port: question.port)
                return [try environment.proxy(for: origin).map { .proxy($0) } ?? .direct]
            }
        )
    }

    private func credentials() throws -> Credentials {
        if scheme == .negotiate { return .negotiate }
        let parts = (proxyUser ?? "").utf8
            .split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 2 else { throw ValidationError("--proxy-user must be NAME:PASSWORD.") }
        return Credentials.basic(user: parts[0], password: parts[1]).under(scheme ?? .basic)
    }
}

extension Credentials {
    fileprivate func under(_ scheme: ProxyOptions.Scheme) -> Credentials {
        guard case .password(let user, let password) = secret else { return self }
        return switch scheme {
        case .basic: .basic(user: user, password: password)
        case .digest: .digest(user: user, password: password)
        case .ntlm: .ntlm(user: user, password: password)
        case .negotiate: .negotiate
        case .any: .password(user: user, password: password)
        }
    }
}
