/// Scheme, host and port: who is talked to (RFC 9110, section 4.3.1).
package struct Origin: Sendable, Hashable {
    package let isSecure: Bool
    /// A name or an address, the latter without brackets.
    package let host: String
    package let port: Int
    /// Whether the host is an address already, so that no name is resolved.
    package let isHostLiteral: Bool

    package init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        let digitsAndDots = host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        isHostLiteral = digitsAndDots || host.utf8.contains(UInt8(ascii: ":"))
    }
}

/// A URL as libcurl understands it.
package struct RequestURL: Sendable, Hashable {
    package let origin: Origin
    /// The whole URL, without the fragment, as it is given to libcurl.
    package let text: String
    /// Where path and query begin in the text.
    private let targetOffset: Int

    package init(origin: Origin, text: String, target offset: Int) {
        self.origin = origin
        self.text = text
        targetOffset = offset
    }

    package var isSecure: Bool { origin.isSecure }
    package var host: String { origin.host }
    package var port: Int { origin.port }

    /// Path and query.
    package var target: String {
        String(text.utf8.dropFirst(targetOffset)) ?? "/"
    }
}
