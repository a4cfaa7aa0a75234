import CHTTPHandlesCurl
package import HTTPHandlesCore

extension CurlLibrary {
    /// Version and features of the linked libcurl.
    package static let linked: LinkedLibrary = {
        let information = unsafe Self.information
        var protocols: Set<String> = []
        var next = unsafe information.protocols
        while let name = unsafe next?.pointee {
            unsafe protocols.insert(String(cString: name))
            unsafe next = next?.successor()
        }
        let bits = unsafe UInt32(bitPattern: information.features)
        return LinkedLibrary(
            version: versionText,
            tlsLibrary: unsafe information.ssl_version.map { unsafe String(cString: $0) },
            protocols: protocols,
            features: Set(LinkedLibrary.Feature.allCases.filter { bits & UInt32($0.bit) != 0 })
        )
    }()

    /// Refuses an option that the linked libcurl does not have.
    package static func requireKnown(_ row: OptionRow, for operation: HandleOperation) throws(HandleError) {
        let options = row.curlNames.filter { $0.utf8.starts(with: "CURLOPT_".utf8) }
        guard let missing = options.first(where: { !knows($0) }) else { return }
        throw HandleError(
            .invalidOption,
            operation,
            reason: "\(row.name) needs \(missing), which libcurl \(versionText) does not have"
        )
    }

    /// Whether the linked libcurl has an option of that name, for example "CURLOPT_USERAGENT".
    static func knows(_ name: String) -> Bool {
        unsafe name.dropFirst("CURLOPT_".count).withCString { unsafe curl_easy_option_by_name($0) } != nil
    }
}

extension LinkedLibrary.Feature {
    fileprivate var bit: Int32 {
        switch self {
        case .tls: CURL_VERSION_SSL
        case .ipv6: CURL_VERSION_IPV6
        case .http2: CURL_VERSION_HTTP2
        case .http3: CURL_VERSION_HTTP3
        case .ntlm: CURL_VERSION_NTLM
        case .negotiate: CURL_VERSION_SPNEGO
        case .kerberos: CURL_VERSION_KERBEROS5
        case .gzip: CURL_VERSION_LIBZ
        case .brotli: CURL_VERSION_BROTLI
        case .zstd: CURL_VERSION_ZSTD
        case .unixSockets: CURL_VERSION_UNIX_SOCKETS
        case .httpsProxy: CURL_VERSION_HTTPS_PROXY
        case .internationalNames: CURL_VERSION_IDN
        case .publicSuffixList: CURL_VERSION_PSL
        case .alternativeServices: CURL_VERSION_ALTSVC
        case .strictTransportSecurity: CURL_VERSION_HSTS
        case .asynchronousResolver: CURL_VERSION_ASYNCHDNS
        case .threadSafeInitialization: CURL_VERSION_THREADSAFE
        }
    }
}
