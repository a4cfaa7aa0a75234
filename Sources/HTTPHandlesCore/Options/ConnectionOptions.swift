/// Where connections start.
public enum LocalAddress: Sendable, Hashable {
    /// At a network interface, by its name, for example "eth0".
    case interface(String)
    /// At an IP address of this machine.
    case address(String)

    package var problem: String? {
        switch self {
        case .interface(let name):
            let isName = (1...15).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            return isName ? nil : "that is not the name of an interface"
        case .address(let address):
            return IPAddress.isAddress(address) ? nil : "that is not an IP address"
        }
    }
}

/// Which version of the Internet Protocol connections use.
public enum IPVersion: Sendable, Hashable, CaseIterable {
    /// Both: whichever is faster.
    case any
    /// IPv4 only.
    case v4
    /// IPv6 only.
    case v6
}

/// When the system asks whether a silent peer is still there, and how often. Neither is HTTP's keep-alive.
///
/// Counterpart of `tcp_keepalive`.
public struct TCPKeepAlive: Sendable, Hashable {
    /// How long a connection has to be silent before the system asks, in whole seconds. (`CURLOPT_TCP_KEEPIDLE`)
    public let idle: Duration
    /// How long the system waits for an answer before it asks again, in whole seconds. (`CURLOPT_TCP_KEEPINTVL`)
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
        return isRight ? nil : "the times are whole seconds from 1 to 32767"
    }
}

/// Has requests to one host and port connect to another name or address. The request, `Host` and the name in the server's
/// certificate stay those of the URL.
///
/// Such a request never uses a connection that a request without the override made, nor the other way round.
///
/// Counterpart of `WINHTTP_OPTION_RESOLUTION_HOSTNAME`.
public struct ResolveOverride: Sendable, Hashable {
    /// The host of the URL, in ASCII; letters of either case.
    public let host: String
    /// The port of the URL.
    public let port: Int
    /// The IP address or name to connect to instead, without port, brackets or zone.
    public let address: String

    /// Has requests to `host` and `port` connect to `address`, at the same port.
    public init(host: String, port: Int, address: String) {
        self.host = host
        self.port = port
        self.address = address
    }

    package var problem: String? {
        guard (1...65535).contains(port) else { return "\(port) is not a port" }
        guard let wrong = [host, address].first(where: { !IPAddress.isAddress($0) && !Self.isName($0) }) else {
            return nil
        }
        guard wrong.utf8.allSatisfy({ $0 < 0x80 }) else {
            return "\"\(wrong)\" is not ASCII; an internationalized name is written as its A-labels, xn--…"
        }
        return "\"\(wrong)\" is neither a name nor an IP address, which has no brackets, port or zone here"
    }

    /// Whether a text is a name in ASCII, and cannot be taken for an address.
    private static func isName(_ text: String) -> Bool {
        var labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        let isSound = labels.allSatisfy { label in
            !label.isEmpty && label.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "-_".utf8.contains($0) }
        }
        guard isSound, let last = labels.last else { return false }
        // Resolvers, and libcurl, take what ends in a number for an IPv4 address, which may be written in many ways.
        let isHexadecimal = last.starts(with: "0x".utf8) || last.starts(with: "0X".utf8)
        return !last.allSatisfy(\.isASCIIDigit) && !(isHexadecimal && last.dropFirst(2).allSatisfy(\.isHexDigit))
    }

    /// The line as libcurl wants it: `HOST:PORT:HOST:PORT`, where an empty last port is the same one.
    package var line: String {
        func bracketed(_ host: String) -> String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }
        return "\(bracketed(host)):\(port):\(bracketed(address)):"
    }

    /// Whether the override leads to an address, so that no name is resolved.
    package var isResolved: Bool { IPAddress.isAddress(address) }

    package func applies(to origin: Origin) -> Bool {
        port == origin.port && host.isEqualIgnoringASCIICase(origin.host)
    }
}
