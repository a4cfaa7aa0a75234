import ArgumentParser
import HTTPHandles

/// The options for sockets and names, with curl's names and formats.
struct NetworkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Connect to a Unix socket in place of the host.", valueName: "path"))
    var unixSocket: String?

    @Option(help: ArgumentHelp("Connect to a Unix socket in the abstract namespace.", valueName: "name"))
    var abstractUnixSocket: String?

    @Option(
        help: ArgumentHelp(
            "Connect to an address for a host and port; \"*\" is every host. Repeatable.",
            valueName: "host:port:address"
        )
    )
    var resolve: [String] = []

    @Option(
        help: ArgumentHelp(
            "Connect to another host and port; left out, the first two mean every one, the others the same. Repeatable.",
            valueName: "host1:port1:host2:port2"
        )
    )
    var connectTo: [String] = []

    @Option(help: ArgumentHelp("Resolve names with DNS over HTTPS.", valueName: "url"))
    var dohUrl: String?

    @Option(help: ArgumentHelp("The local interface, or IP address, of connections.", valueName: "name"))
    var interface: String?

    @Flag(name: [.customShort("4"), .customLong("ipv4")], help: "Use IPv4 addresses only.")
    var version4 = false

    @Flag(name: [.customShort("6"), .customLong("ipv6")], help: "Use IPv6 addresses only.")
    var version6 = false

    func validate() throws {
        guard unixSocket == nil || abstractUnixSocket == nil else {
            throw ValidationError("--unix-socket and --abstract-unix-socket cannot be combined.")
        }
        guard !version4 || !version6 else { throw ValidationError("-4 and -6 cannot be combined.") }
    }

    func settings() throws -> [OptionSetting] {
        var settings: [OptionSetting] = []
        if let unixSocket { settings.append(.set(.unixSocket, to: .path(unixSocket))) }
        if let abstractUnixSocket { settings.append(.set(.unixSocket, to: .abstract(abstractUnixSocket))) }
        // curl connects to other hosts first, and looks for addresses of those.
        let overrides = try connectTo.map(Self.connection) + resolve.map(Self.address)
        if !overrides.isEmpty { settings.append(.set(.resolveOverrides, to: overrides)) }
        if let dohUrl { settings.append(.set(.nameResolver, to: .dnsOverHTTPS(dohUrl))) }
        if let interface { settings.append(.set(.localAddress, to: Self.localAddress(interface))) }
        if version4 { settings.append(.set(.ipVersion, to: .v4)) }
        if version6 { settings.append(.set(.ipVersion, to: .v6)) }
        return settings
    }

    private static func localAddress(_ text: String) -> LocalAddress {
        if text.hasPrefix("if!") { return .interface(String(text.dropFirst(3))) }
        if text.hasPrefix("host!") { return .address(String(text.dropFirst(5))) }
        let isAddress = text.contains(":") || text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        return isAddress ? .address(text) : .interface(text)
    }

    /// The parts between colons; those in brackets are one part, without the brackets.
    private static func parts(_ text: String, _ option: String) throws -> [String?] {
        var parts = [""]
        var isBracketed = false
        for character in text {
            switch character {
            case "[" where parts.last == "": isBracketed = true
            case "]" where isBracketed: isBracketed = false
            case ":" where !isBracketed: parts.append("")
            default: parts[parts.count - 1].append(character)
            }
        }
        guard !isBracketed else { throw ValidationError("\(option) \(text): a bracket is not closed.") }
        return parts.map { $0.isEmpty ? nil : $0 }
    }

    private static func port(_ text: String?, _ option: String) throws -> Int? {
        try text.map { text in
            guard let port = Int(text) else { throw ValidationError("\(option): \"\(text)\" is not a port.") }
            return port
        }
    }

    private static func connection(_ text: String) throws -> ResolveOverride {
        let parts = try parts(text, "--connect-to")
        guard parts.count == 4 else { throw ValidationError("--connect-to \(text): four parts are needed.") }
        return ResolveOverride(
            host: parts[0],
            port: try port(parts[1], "--connect-to"),
            address: parts[2],
            addressPort: try port(parts[3], "--connect-to")
        )
    }

    private static func address(_ text: String) throws -> ResolveOverride {
        // curl's "+" is about how long the address is kept.
        let text = text.hasPrefix("+") ? String(text.dropFirst()) : text
        // An address need not be in brackets.
        let fields = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        let parts = try text.hasPrefix("[") ? parts(text, "--resolve") : fields
        guard parts.count == 3, let host = parts[0], let address = parts[2], parts[1] != nil else {
            throw ValidationError("--resolve \(text): a host, a port and an address are needed.")
        }
        guard !address.contains(",") else {
            throw ValidationError("--resolve \(text): more than one address is not supported.")
        }
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
        return ResolveOverride(
            host: host == "*" ? nil : host,
            port: try port(parts[1], "--resolve"),
            address: isBracketed ? String(address.dropFirst().dropLast()) : address
        )
    }
}
