/// A host to which requests are made with TLS only (HSTS, RFC 6797).
public struct StrictTransportHost: Sendable, Hashable {
    /// The name, in lower case.
    public let host: String
    /// Whether the same is true of its subdomains.
    public let includesSubdomains: Bool
    /// When this ends, in seconds since 1970; `nil` for never.
    public let expires: Int64?

    /// - Parameters:
    ///   - host: A name in ASCII; an address has no strict transport.
    ///   - includesSubdomains: Whether subdomains are included.
    ///   - expires: The end, in seconds since 1970; `nil` for none.
    public init(host: String, includesSubdomains: Bool = false, expires: Int64? = nil) {
        self.host = StrictTransport.normalized(host)
        self.includesSubdomains = includesSubdomains
        self.expires = expires
    }

    package var problem: String? {
        // A line that begins with a dot or a number sign has another meaning in a file.
        let isName = host.utf8.first.map { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "#") } ?? false
        let isText = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        guard isName, isText, !Origin(isSecure: true, host: host, port: 443).isHostLiteral else {
            return "\(host.debugDescription) is not the name of a host in ASCII"
        }
        return nil
    }
}

/// The hosts with strict transport that a session knows.
package struct StrictTransport: Sendable {
    private var hosts: [String: StrictTransportHost] = [:]

    package init() {}

    /// A server could fill the memory with names of subdomains.
    private static let maximumCount = 10_000

    /// Names are equal without the dot at their end, too.
    static func normalized(_ host: String) -> String {
        let host = host.asciiLowercased
        return host.utf8.last == UInt8(ascii: ".") ? String(host.dropLast()) : host
    }

    package mutating func set(_ host: StrictTransportHost) {
        guard hosts.count < Self.maximumCount || hosts[host.host] != nil else { return }
        hosts[host.host] = host
    }

    package mutating func removeAll() { hosts = [:] }

    /// The hosts that have not come to their end, by name.
    package func list(at now: Int64) -> [StrictTransportHost] {
        hosts.values.filter { ($0.expires ?? .max) > now }.sorted { $0.host < $1.host }
    }

    // MARK: Requests

    /// The URL that a request to `url` is made with: `https` for `http` where the host requires it.
    package func upgraded(_ url: RequestURL, at now: Int64) -> RequestURL {
        guard !url.isSecure, !hosts.isEmpty, requires(url.host, at: now) else { return url }
        let origin = Origin(isSecure: true, host: url.host, port: url.port == 80 ? 443 : url.port)
        return RequestURL(origin: origin, text: origin.urlPrefix + url.target, target: origin.urlPrefix.utf8.count)
    }

    private func requires(_ host: String, at now: Int64) -> Bool {
        var name = Substring(Self.normalized(host))
        var isSubdomain = false
        while true {
            if let known = hosts[String(name)], (known.expires ?? .max) > now, !isSubdomain || known.includesSubdomains
            {
                return true
            }
            guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")) else { return false }
            name = name[name.utf8.index(after: dot)...]
            isSubdomain = true
        }
    }

    // MARK: Responses

    /// Takes in the field `Strict-Transport-Security` of a response that came over TLS from `host`.
    package mutating func received(_ value: String, from origin: Origin, at now: Int64) {
        guard origin.isSecure, !origin.isHostLiteral, let policy = Self.policy(value) else { return }
        let host = Self.normalized(origin.host)
        if policy.maximumAge == 0 {
            hosts[host] = nil
        } else {
            let (end, isTooLarge) = now.addingReportingOverflow(policy.maximumAge)
            let includesSubdomains = policy.includesSubdomains
            set(.init(host: host, includesSubdomains: includesSubdomains, expires: isTooLarge ? nil : end))
        }
    }

    /// `nil` for a field that is to be ignored (RFC 6797, section 6.1).
    static func policy(_ value: String) -> (maximumAge: Int64, includesSubdomains: Bool)? {
        var names: Set<String> = []
        var maximumAge: Int64?
        for part in value.utf8.split(separator: UInt8(ascii: ";")) {
            let pieces = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                .map { String(Substring($0)).trimmingBlanks }
            let name = pieces[0].asciiLowercased
            if name.isEmpty { continue }
            guard names.insert(name).inserted else { return nil }
            guard name == "max-age" else { continue }
            guard var digits = pieces.dropFirst().first?.utf8[...] else { return nil }
            if digits.count >= 2, digits.first == UInt8(ascii: "\""), digits.last == UInt8(ascii: "\"") {
                digits = digits.dropFirst().dropLast()
            }
            guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else { return nil }
            maximumAge = Int64(Substring(digits)) ?? .max
        }
        let isWide = names.isSuperset(of: ["includesubdomains"])
        return maximumAge.map { ($0, isWide) }
    }

    // MARK: Files

    /// curl's format: a name, with a dot before it if subdomains are included, and its end in UTC.
    package func fileContents(at now: Int64) -> [UInt8] {
        var text = "# Your HSTS cache. https://curl.se/docs/hsts.html\n"
        for host in list(at: now) {
            let end = host.expires.map { CalendarDate(secondsSince1970: $0).compactText } ?? "unlimited"
            text += "\(host.includesSubdomains ? "." : "")\(host.host) \"\(end)\"\n"
        }
        return Array(text.utf8)
    }

    /// The host of a line of such a file; `nil` for other lines.
    package static func host(in line: some Collection<UInt8>) -> StrictTransportHost? {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard parts.count == 2, parts[0].first != UInt8(ascii: "#") else { return nil }
        let isWide = parts[0].first == UInt8(ascii: ".")
        let name = String(decoding: parts[0].dropFirst(isWide ? 1 : 0), as: UTF8.self)
        let quoted = String(decoding: parts[1], as: UTF8.self).trimmingBlanks.utf8
        guard quoted.count >= 2, quoted.first == UInt8(ascii: "\""), quoted.last == UInt8(ascii: "\"") else {
            return nil
        }
        let text = String(Substring(quoted.dropFirst().dropLast()))
        let end = CalendarDate(compactText: text)?.secondsSince1970
        guard end != nil || text == "unlimited" else { return nil }
        let host = StrictTransportHost(host: name, includesSubdomains: isWide, expires: end)
        return host.problem == nil ? host : nil
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = utf8.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(Substring(text))
    }
}
