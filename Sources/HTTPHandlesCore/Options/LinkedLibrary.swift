/// Version and features of the linked libcurl.
///
/// Counterpart of `WINHTTP_OPTION_FEATURE_SUPPORTED`; `curl_version_info`.
public struct LinkedLibrary: Sendable, Hashable {
    /// The version, for example "7.88.1".
    public let version: String
    /// The TLS library with its version, for example "OpenSSL/3.0.19"; `nil` without TLS.
    public let tlsLibrary: String?
    /// The schemes that libcurl supports; this package uses http and https only.
    public let protocols: Set<String>
    /// The features that libcurl was built with.
    public let features: Set<Feature>

    package init(version: String, tlsLibrary: String?, protocols: Set<String>, features: Set<Feature>) {
        self.version = version
        self.tlsLibrary = tlsLibrary
        self.protocols = protocols
        self.features = features
    }

    /// Whether the linked libcurl has a feature.
    public func has(_ feature: Feature) -> Bool { features.contains(feature) }

    /// An optional feature of libcurl.
    @nonexhaustive
    public enum Feature: Sendable, Hashable, CaseIterable {
        /// TLS. (`CURL_VERSION_SSL`)
        case tls
        /// IPv6. (`CURL_VERSION_IPV6`)
        case ipv6
        /// HTTP/2. (`CURL_VERSION_HTTP2`)
        case http2
        /// HTTP/3. (`CURL_VERSION_HTTP3`)
        case http3
        /// NTLM authentication. (`CURL_VERSION_NTLM`)
        case ntlm
        /// Negotiate authentication. (`CURL_VERSION_SPNEGO`)
        case negotiate
        /// Kerberos 5. (`CURL_VERSION_KERBEROS5`)
        case kerberos
        /// gzip and deflate decoding. (`CURL_VERSION_LIBZ`)
        case gzip
        /// Brotli decoding. (`CURL_VERSION_BROTLI`)
        case brotli
        /// Zstandard decoding. (`CURL_VERSION_ZSTD`)
        case zstd
        /// Unix domain sockets. (`CURL_VERSION_UNIX_SOCKETS`)
        case unixSockets
        /// TLS to a proxy. (`CURL_VERSION_HTTPS_PROXY`)
        case httpsProxy
        /// Internationalized domain names. (`CURL_VERSION_IDN`)
        case internationalNames
        /// The public suffix list, for cookies. (`CURL_VERSION_PSL`)
        case publicSuffixList
        /// `Alt-Svc`. (`CURL_VERSION_ALTSVC`)
        case alternativeServices
        /// `Strict-Transport-Security`. (`CURL_VERSION_HSTS`)
        case strictTransportSecurity
        /// Name resolution without blocking. (`CURL_VERSION_ASYNCHDNS`)
        case asynchronousResolver
        /// A thread-safe `curl_global_init`. (`CURL_VERSION_THREADSAFE`)
        case threadSafeInitialization
    }
}
