import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// The linked libcurl: its initialization, version and features.
package enum CurlLibrary {
    /// Initializes libcurl once; throws if it is too old.
    static func load() throws(HandleError) {
        guard initialisation == .ok else {
            throw HandleError(
                .internalError,
                .openSession,
                reason: "libcurl could not be initialized",
                curl: CurlFailure(initialisation)
            )
        }
        guard version >= minimumVersion else {
            throw HandleError(
                .notSupported,
                .openSession,
                reason: "libcurl must be \(text(of: minimumVersion)) or newer, but \(versionText) is linked"
            )
        }
        // Otherwise name resolution would block the driver's thread.
        guard linked.has(.asynchronousResolver) else {
            throw HandleError(
                .notSupported,
                .openSession,
                reason: "libcurl \(versionText) was built without an asynchronous resolver"
            )
        }
    }

    /// That of Ubuntu 22.04.
    static let minimumVersion: UInt32 = 0x07_51_00

    /// Whether libcurl resolves names with c-ares, not with threads.
    static let usesCares = unsafe information.ares != nil

    /// Whether removing a transfer that resolves a name can be told not to wait for the resolver (`CURLOPT_QUICK_EXIT`).
    static let hasQuickExit = version >= 0x07_57_00

    // Never undone: `curl_global_cleanup` would break other users of libcurl in the process.
    private static let initialisation = {
        let result = CurlCode(curl_global_init(Int(CURL_GLOBAL_ALL)))
        ExitBarrier.install()
        return result
    }()

    // The pointer is to static memory of libcurl.
    static var information: curl_version_info_data { unsafe curl_version_info(CURLVERSION_TENTH).pointee }

    /// The linked version, as in `LIBCURL_VERSION_NUM`. Read once: libcurl builds its texts again for each call.
    package static let version: UInt32 = unsafe information.version_num

    /// The linked version as text, for example "7.88.1".
    package static var versionText: String { unsafe String(cString: information.version) }

    /// Whether `CURLINFO_ACTIVESOCKET` is about the connection that a transfer has just got. Before 8.20 it is about the one
    /// before, if there was one. Then it is not known which of several connections to a Unix socket that is, and so not
    /// whether something has come on it that was not asked for.
    static let knowsActiveSocket = version >= 0x08_14_00

    /// Whether libcurl, when it removes a transfer, searches the transfer's last connection among all connections.
    static let searchesForLastConnection = version < 0x08_16_00

    /// The file of trusted authorities: libcurl's built-in path, or a usual path of the system.
    static let authorityFile: String? = {
        let builtIn = unsafe information.cainfo.map { unsafe String(cString: $0) }
        let usual = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
        return ([builtIn].compactMap { $0 } + usual).first { unsafe access($0, R_OK) == 0 }
    }()

    private static func text(of version: UInt32) -> String {
        "\(version >> 16).\((version >> 8) & 0xFF).\(version & 0xFF)"
    }
}

extension CurlFailure {
    /// A result with libcurl's general text for it.
    init(_ code: CurlCode) {
        let result = CURLcode(rawValue: UInt32(code.rawValue))
        self.init(code: code, message: unsafe String(cString: curl_easy_strerror(result)))
    }
}

extension CurlCode {
    init(_ result: CURLcode) { self.init(Int32(bitPattern: result.rawValue)) }
}
