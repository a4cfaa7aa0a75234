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
            return isAddress(address) ? nil : "that is not an IP address"
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
    /// The host of the URL.
    public let host: String
    /// The port of the URL.
    public let port: Int
    /// The IP address or name to connect to instead.
    public let address: String

    /// Has requests to `host` and `port` connect to `address`, at the same port.
    public init(host: String, port: Int, address: String) {
        self.host = host
        self.port = port
        self.address = address
    }

    package var problem: String? {
        guard (1...65535).contains(port) else { return "\(port) is not a port" }
        guard let name = [host, address].first(where: { !isAddress($0) && !Self.isName($0) }) else { return nil }
        return "\"\(name)\" is neither a name nor an address"
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !":/?#@\\[]%".utf8.contains($0) }
    }

    /// The line as libcurl wants it: `HOST:PORT:HOST:PORT`, where an empty last port is the same one.
    package var line: String {
        func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
        return "\(bracketed(host)):\(port):\(bracketed(address)):"
    }

    /// Whether the override leads to an address, so that no name is resolved.
    package var isResolved: Bool { isAddress(address) }

    package func applies(to origin: Origin) -> Bool {
        port == origin.port && host.lowercased() == origin.host.lowercased()
    }
}

/// Whether a text looks like an IP address, without brackets; whether it is one the system finds out.
private func isAddress(_ text: String) -> Bool {
    let isVersion4 = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    if isVersion4 { return text.contains(".") }
    return text.contains(":") && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
}
