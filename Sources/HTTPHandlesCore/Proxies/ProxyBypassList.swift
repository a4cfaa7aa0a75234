/// Hosts that are connected to directly, though there is a proxy.
///
/// Entries are separated by commas, semicolons or blanks:
///
/// | entry | matches |
/// |---|---|
/// | `example.com`, `.example.com` | the host and all below it |
/// | `*.example.com`, `10.1.*` | hosts by a pattern, in which `*` stands for any text: here only those below it |
/// | `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` | an address |
/// | `10.0.0.0/8`, `fe80::/10` | addresses by their first bits |
/// | `<local>` | names without a dot |
/// | `*` | all hosts |
/// | `example.com:8443`, `[::1]:80` | any of these at one port only |
///
/// Names and addresses are compared as texts and as addresses; nothing is resolved. Case, and a dot at the end of a name, are
/// ignored.
///
/// Counterpart of `WinHttpIsHostInProxyBypassList`; `CURLOPT_NOPROXY`.
public struct ProxyBypassList: Sendable, Hashable {
    fileprivate enum Pattern: Hashable {
        case all
        case local
        /// A host and everything below it.
        case domain([UInt8])
        /// Parts between asterisks.
        case pattern([UInt8])
        case network([UInt8], bits: Int)
    }

    fileprivate struct Entry: Hashable {
        let pattern: Pattern
        let port: Int?
    }

    private var entries: [Entry] = []
    private var texts: [String] = []

    /// An empty list.
    public init() {}

    /// Parses a list; throws `.invalidParameter` for an entry that is none of the above.
    public init(_ text: String) throws(HandleError) {
        for part in Self.parts(of: text) {
            guard let entry = Self.entry(part) else {
                throw .invalidParameter(
                    .setOption,
                    "\"\(String(decoding: part, as: UTF8.self))\" cannot be an entry of a bypass list"
                )
            }
            add(entry, part)
        }
    }

    /// Without the entries that cannot be parsed: for the environment, where curl ignores those too.
    package init(lenient text: String) {
        for part in Self.parts(of: text) {
            if let entry = Self.entry(part) { add(entry, part) }
        }
    }

    /// There is no entry.
    public var isEmpty: Bool { entries.isEmpty }

    /// Whether a host is in the list.
    ///
    /// - Parameters:
    ///   - host: A name in ASCII or an address, with or without brackets; its zone is ignored.
    ///   - port: The port of the server. Without it, entries with a port match nothing.
    public func contains(host: String, port: Int? = nil) -> Bool {
        guard !entries.isEmpty else { return false }
        var bytes = host.utf8.map(\.asciiLowercased)[...]
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") { bytes = bytes.dropFirst().dropLast() }
        if bytes.contains(UInt8(ascii: ":")) { bytes = bytes.prefix { $0 != UInt8(ascii: "%") } }
        let address = IPAddress.bytes(of: bytes)
        if address == nil, bytes.last == UInt8(ascii: ".") { bytes = bytes.dropLast() }
        guard !bytes.isEmpty else { return false }
        return entries.contains { entry in
            (entry.port == nil || entry.port == port) && entry.pattern.matches(Array(bytes), address)
        }
    }

    private mutating func add(_ entry: Entry, _ part: ArraySlice<UInt8>) {
        entries.append(entry)
        texts.append(String(decoding: part, as: UTF8.self))
    }

    // MARK: Parsing

    private static func parts(of text: String) -> [ArraySlice<UInt8>] {
        Array(text.utf8).split { ",; \t\r\n".utf8.contains($0) }
    }

    private static func entry(_ part: ArraySlice<UInt8>) -> Entry? {
        let bytes = part.map(\.asciiLowercased)[...]
        if bytes.elementsEqual("<local>".utf8) { return Entry(pattern: .local, port: nil) }
        var host = bytes
        var port: Int?
        let colons = bytes.count { $0 == UInt8(ascii: ":") }
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let rest = bytes[(end + 1)...]
            host = bytes[1..<end]
            if rest.first == UInt8(ascii: "/") {
                host += rest
            } else if !rest.isEmpty {
                guard rest.first == UInt8(ascii: ":"), let number = number(rest.dropFirst(), 1...65535) else {
                    return nil
                }
                port = number
            }
            guard host.contains(UInt8(ascii: ":")) else { return nil }
        } else if colons == 1, let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            guard let number = number(bytes[(colon + 1)...], 1...65535) else { return nil }
            port = number
            host = bytes[..<colon]
        }
        return pattern(host).map { Entry(pattern: $0, port: port) }
    }

    private static func pattern(_ host: ArraySlice<UInt8>) -> Pattern? {
        if host.elementsEqual("*".utf8) { return .all }
        if let slash = host.firstIndex(of: UInt8(ascii: "/")) {
            guard let address = IPAddress.bytes(of: host[..<slash]),
                let bits = number(host[(slash + 1)...], 0...(address.count * 8))
            else { return nil }
            return .network(address, bits: bits)
        }
        if let address = IPAddress.bytes(of: host) { return .network(address, bits: address.count * 8) }
        if host.contains(UInt8(ascii: "*")) {
            let isPattern = host.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ":") }
            return isPattern ? .pattern(Array(host)) : nil
        }
        var name = host
        if name.first == UInt8(ascii: ".") { name = name.dropFirst() }
        if name.last == UInt8(ascii: ".") { name = name.dropLast() }
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard name.allSatisfy(isNameByte), labels.allSatisfy({ !$0.isEmpty }) else { return nil }
        return .domain(Array(name))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || "-_.".utf8.contains(byte)
    }

    private static func number(_ digits: ArraySlice<UInt8>, _ range: ClosedRange<Int>) -> Int? {
        guard (1...5).contains(digits.count), digits.allSatisfy(\.isASCIIDigit),
            let number = Int(String(decoding: digits, as: UTF8.self)), range.contains(number)
        else { return nil }
        return number
    }
}

extension ProxyBypassList.Pattern {
    /// - Parameter address: The host's bytes where it is an address.
    fileprivate func matches(_ host: [UInt8], _ address: [UInt8]?) -> Bool {
        switch self {
        case .all: true
        case .local: address == nil && !host.contains(UInt8(ascii: "."))
        case .domain(let domain):
            address == nil && host.count >= domain.count && host.suffix(domain.count).elementsEqual(domain)
                && (host.count == domain.count || host[host.count - domain.count - 1] == UInt8(ascii: "."))
        case .pattern(let pattern): Self.isMatch(host[...], pattern[...])
        case .network(let network, let bits):
            if let address, address.count == network.count { Self.agree(address, network, bits) } else { false }
        }
    }

    /// Whether a text matches a pattern with asterisks. Goes back to the last asterisk only, so the time is at most the
    /// product of the lengths.
    private static func isMatch(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var (text, pattern) = (text, pattern)
        var retry: (text: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while let byte = text.first {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (text, pattern)
            } else if pattern.first == byte {
                (text, pattern) = (text.dropFirst(), pattern.dropFirst())
            } else if let (last, rest) = retry {
                (text, pattern) = (last.dropFirst(), rest)
                retry = (text, pattern)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
    }

    private static func agree(_ one: [UInt8], _ other: [UInt8], _ bits: Int) -> Bool {
        let whole = bits / 8
        guard one.prefix(whole).elementsEqual(other.prefix(whole)) else { return false }
        let rest = bits % 8
        return rest == 0 || one[whole] >> (8 - rest) == other[whole] >> (8 - rest)
    }
}

extension ProxyBypassList: CustomStringConvertible, ExpressibleByArrayLiteral {
    /// The entries, separated by commas.
    public var description: String { texts.joined(separator: ",") }

    /// A list from entries in the source. An entry that cannot be parsed matches nothing; texts from outside are for
    /// `init(_:)`, which throws for those.
    public init(arrayLiteral entries: String...) {
        self.init(lenient: entries.joined(separator: ","))
    }
}

extension IPAddress {
    /// The four or sixteen bytes of an address in text form, without brackets and zone; `nil` if the text is none.
    static func bytes(of text: ArraySlice<UInt8>) -> [UInt8]? {
        if isVersion4(text) {
            return text.split(separator: UInt8(ascii: ".")).map { part in
                UInt8(truncatingIfNeeded: part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
            }
        }
        guard isAddress(String(decoding: text, as: UTF8.self)) else { return nil }
        let bytes = Array(text)
        let colon = UInt8(ascii: ":")
        guard let gap = bytes.indices.dropLast().first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon }) else {
            return groups(bytes[...])
        }
        let (before, after) = (groups(bytes[..<gap]), groups(bytes[(gap + 2)...]))
        return before + [UInt8](repeating: 0, count: max(0, 16 - before.count - after.count)) + after
    }

    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt8] {
        text.split(separator: UInt8(ascii: ":")).flatMap { part -> [UInt8] in
            if isVersion4(part) { return bytes(of: part) ?? [] }
            let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16) ?? 0
            return [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
        }
    }
}
