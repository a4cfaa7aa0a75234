/// The local end of connections.
public enum LocalAddress: Sendable, Hashable {
    /// A network interface by its name, for example "eth0".
    case interface(String)
    /// An IP address of this machine.
    case address(String)

    package var problem: String? {
        switch self {
        case .interface(let name):
            let isName = (1...15).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            return isName ? nil : "\(name.debugDescription) is not the name of a network interface"
        case .address(let address):
            return IPAddress.isAddress(address) ? nil : "\(address.debugDescription) is not an IP address"
        }
    }
}

/// Which version of the Internet Protocol connections use.
public enum IPVersion: Sendable, Hashable, CaseIterable {
    /// IPv4 and IPv6; the faster connection is used.
    case any
    /// IPv4 only.
    case v4
    /// IPv6 only.
    case v6
}

/// The times of TCP keep-alive probes. Unrelated to HTTP's persistent connections.
///
/// Counterpart of `tcp_keepalive`.
public struct TCPKeepAlive: Sendable, Hashable {
    /// The time without traffic before the first probe, in whole seconds. (`CURLOPT_TCP_KEEPIDLE`)
    public let idle: Duration
    /// The time between unanswered probes, in whole seconds. (`CURLOPT_TCP_KEEPINTVL`)
    public let interval: Duration

    /// Sets both times.
    public init(idle: Duration = .seconds(60), interval: Duration = .seconds(60)) {
        self.idle = idle
        self.interval = interval
    }

    package var problem: String? {
        let isRight = [idle, interval].allSatisfy { time in
            (.seconds(1) ... .seconds(32_767)).contains(time) && time.components.attoseconds == 0
        }
        return isRight
            ? nil : "the times must be whole seconds from 1 to 32767, but are \(idle) and \(interval)"
    }
}

/// Makes requests to some hosts and ports connect to another host or port. The request, `Host` and the expected name in the
/// server's certificate stay those of the URL.
///
/// Requests with and without an override never share connections.
///
/// Counterpart of `WINHTTP_OPTION_RESOLUTION_HOSTNAME`.
public struct ResolveOverride: Sendable, Hashable {
    /// The host of the URL, in ASCII; case is ignored. `nil` for every host.
    public let host: String?
    /// The port of the URL. `nil` for every port.
    public let port: Int?
    /// The IP address or name to connect to instead, without port, brackets or zone. `nil` for the host of the URL.
    public let address: String?
    /// The port to connect to instead. `nil` for the port of the URL.
    public let addressPort: Int?

    /// Makes requests to `host` and `port` connect to `address` and `addressPort`.
    public init(host: String?, port: Int?, address: String?, addressPort: Int? = nil) {
        self.host = host
        self.port = port
        self.address = address
        self.addressPort = addressPort
    }

    package var problem: String? {
        if let wrong = [port, addressPort].compactMap({ $0 }).first(where: { !(1...65535).contains($0) }) {
            return "the port must be from 1 to 65535, but is \(wrong)"
        }
        if address == nil, addressPort == nil { return "there must be an address or a port to connect to" }
        let hosts = [host, address].compactMap { $0 }
        guard let wrong = hosts.first(where: { !IPAddress.isAddress($0) && !Self.isName($0) }) else { return nil }
        guard wrong.utf8.allSatisfy({ $0 < 0x80 }) else {
            return "\"\(wrong)\" is not ASCII: write an internationalized name as A-labels (xn--…)"
        }
        return "\"\(wrong)\" is neither a name nor an IP address (without brackets, port and zone)"
    }

    /// Whether a text is an ASCII name that cannot be mistaken for an address.
    static func isName(_ text: String) -> Bool {
        var labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        let isSound = labels.allSatisfy { label in
            !label.isEmpty && label.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "-_".utf8.contains($0) }
        }
        guard isSound, let last = labels.last else { return false }
        // Resolvers and libcurl interpret a host whose last label is a number as an IPv4 address.
        let isHexadecimal = last.starts(with: "0x".utf8) || last.starts(with: "0X".utf8)
        return !last.allSatisfy(\.isASCIIDigit) && !(isHexadecimal && last.dropFirst(2).allSatisfy(\.isHexDigit))
    }

    /// The line for `CURLOPT_CONNECT_TO`: `HOST:PORT:HOST:PORT`, where the first two may be empty for every host and port,
    /// and the other two for those of the URL.
    package var line: String { Self.line(from: host, port, to: address, addressPort) }

    package static func line(from host: String?, _ port: Int?, to address: String?, _ addressPort: Int?) -> String {
        func text(_ host: String?, _ port: Int?) -> String {
            let host = host ?? ""
            let bracketed = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
            return "\(bracketed):\(port.map { "\($0)" } ?? "")"
        }
        return "\(text(host, port)):\(text(address, addressPort))"
    }

    package func applies(to origin: Origin) -> Bool {
        port ?? origin.port == origin.port && host?.isEqualIgnoringASCIICase(origin.host) ?? true
    }
}

/// What connections for a request go to, and what has to be resolved for that.
package struct ConnectionTarget: Sendable, Hashable {
    package let host: String
    package let port: Int
    /// Whether the host is an address already.
    package let isAddress: Bool

    package init(of origin: Origin, _ overrides: [ResolveOverride]) {
        let override = overrides.isEmpty ? nil : overrides.first { $0.applies(to: origin) }
        host = override?.address ?? origin.host
        port = override?.addressPort ?? origin.port
        isAddress = override?.address.map(IPAddress.isAddress) ?? origin.isHostLiteral
    }
}
