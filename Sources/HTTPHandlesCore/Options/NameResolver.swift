/// What resolves the names of hosts.
///
///     let resolver = NameResolver { host in try await registry.addresses(of: host) }
///
/// Two resolvers of the caller's are equal if one is a copy of the other.
public struct NameResolver: Sendable, Hashable {
    private enum Kind: Sendable, Hashable {
        case system
        case dnsOverHTTPS(String)
        case custom(CustomResolver)
    }

    private let kind: Kind

    /// The system's resolver, on threads of libcurl.
    public static let system = NameResolver(kind: .system)

    /// A server for DNS over HTTPS (RFC 8484), which has to have a valid certificate. (`CURLOPT_DOH_URL`)
    ///
    /// libcurl makes its connections to the server and closes them; they are in no event. The system's resolver resolves the
    /// name in `url`.
    ///
    /// - Parameter url: An https URL without credentials, for example "https://dns.example/dns-query".
    public static func dnsOverHTTPS(_ url: String) -> NameResolver {
        NameResolver(kind: .dnsOverHTTPS(url))
    }

    private init(kind: Kind) {
        self.kind = kind
    }

    /// The caller's own resolver.
    ///
    /// It is called for each connection that has to be made, in a separate task with the priority and the task-local values
    /// of the task that called `send` or `fetch`. Its addresses are used for requests with this resolver only, and not kept.
    /// `resolveTimeout` limits its time; without one, `connectTimeout` does.
    ///
    /// - Parameter addresses: Returns the IPv4 and IPv6 addresses of a host, in the order in which they are to be tried. Its
    ///   task is cancelled when the request ends. If it throws or returns none, the request fails with `.nameNotResolved`;
    ///   what is not an address is `.invalidParameter`.
    public init(_ addresses: @escaping @Sendable (_ host: String) async throws -> [String]) {
        kind = .custom(CustomResolver(addresses))
    }

    /// The caller's resolver, if it is one.
    package var custom: CustomResolver? {
        if case .custom(let resolver) = kind { resolver } else { nil }
    }

    /// The URL for DNS over HTTPS.
    package var url: String? {
        if case .dnsOverHTTPS(let url) = kind { url } else { nil }
    }

    package var problem: String? {
        guard let url else { return nil }
        let scheme = "https://"
        let rest = url.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard String(url.utf8.prefix(scheme.utf8.count))?.isEqualIgnoringASCIICase(scheme) == true, !authority.isEmpty,
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !authority.contains(UInt8(ascii: "@"))
        else { return "DNS over HTTPS needs an https URL in ASCII, without credentials" }
        return nil
    }
}

extension NameResolver: CustomStringConvertible {
    /// "system", "DNS over HTTPS" or "custom".
    public var description: String {
        switch kind {
        case .system: "system"
        case .dnsOverHTTPS: "DNS over HTTPS"
        case .custom: "custom"
        }
    }
}

/// A resolver that the caller has made; or the driver, for the system's.
package final class CustomResolver: Sendable {
    /// Distinguishes its connections from those of all others.
    package let number: UInt64
    private let addresses: @Sendable (String) async throws -> [String]

    package init(_ addresses: @escaping @Sendable (String) async throws -> [String]) {
        var generator = SystemRandomNumberGenerator.system
        number = .random(in: .min ... .max, using: &generator)
        self.addresses = addresses
    }

    package func addresses(of host: String) async -> Result<[String], any Error> {
        do {
            return .success(try await addresses(host))
        } catch {
            return .failure(error)
        }
    }

    /// The addresses of an answer that connections may use.
    package static func usable(
        _ answer: Result<[String], any Error>,
        for host: String,
        _ version: IPVersion
    ) throws(HandleError) -> [String] {
        switch answer {
        case .failure(let error):
            throw HandleError(
                .nameNotResolved,
                .sendRequest,
                reason: "the resolver of the caller threw an error for \"\(host)\"",
                underlying: error
            )
        case .success(let addresses):
            guard addresses.allSatisfy(IPAddress.isAddress) else {
                throw .invalidParameter(
                    .sendRequest,
                    "the resolver of the caller returned for \"\(host)\" what is not an IP address"
                )
            }
            let usable = addresses.filter { version == .any || version == IPAddress.version(of: $0) }
            guard usable.isEmpty else { return usable }
            let what = version == .any ? "" : version == .v4 ? " IPv4" : " IPv6"
            let reason = "the resolver of the caller returned no\(what) address for \"\(host)\""
            throw HandleError(.nameNotResolved, .sendRequest, reason: reason)
        }
    }
}

extension CustomResolver: Hashable {
    package static func == (left: CustomResolver, right: CustomResolver) -> Bool { left === right }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(number)
    }
}
