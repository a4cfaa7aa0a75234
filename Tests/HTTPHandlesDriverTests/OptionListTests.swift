import CHTTPHandlesCurl
import Foundation
import HTTPHandlesCore
import Testing

@testable import HTTPHandlesDriver

/// Compares the option table with the option list of the linked libcurl.
@Suite("Options of the linked libcurl")
struct OptionListTests {
    /// libcurl's description of an option: the name without the prefix, and whether it is an alias.
    static let list: [String: Bool] = {
        var list: [String: Bool] = [:]
        var next = unsafe curl_easy_option_next(nil)
        while let option = unsafe next {
            unsafe list[String(cString: option.pointee.name)] = option.pointee.flags == CURLOT_FLAG_ALIAS
            unsafe next = curl_easy_option_next(option)
        }
        return list
    }()

    @Test(arguments: OptionEntry.all)
    func `libcurl has the options of the table`(entry: OptionEntry) throws {
        #expect(Self.list.count > 250)
        for name in entry.row.curlNames {
            if name.hasPrefix("CURLOPT_") {
                #expect(Self.list[String(name.dropFirst("CURLOPT_".count))] == false, "\(name)")
            } else {
                #expect(!entry.row.isSettable && name.hasPrefix("CURLINFO_"))
            }
        }
        try CurlLibrary.requireKnown(entry.row, for: .setOption)
    }

    private static let always = ["CURLOPT_CAPATH", "CURLOPT_PROXY_CAPATH", "CURLOPT_FRESH_CONNECT"]

    @Test func `the driver sets the options of the table, and no others for an option`() throws {
        let values = try Self.names(in: "Transfer+OptionValues.swift", "CURLOPT_")
            .union(Self.names(in: "Transfer+Authentication.swift", "CURLOPT_"))
            .union(Self.names(in: "Transfer+Names.swift", "CURLOPT_"))
            .union(Self.names(in: "../TLS/Transfer+TLS.swift", "CURLOPT_"))
            .union(Self.names(in: "Transfer+Proxy.swift", "CURLOPT_"))
        let table = Set(OptionEntry.all.flatMap(\.row.curlNames))
        // Whether a connection is closed also depends on the request; the directory of authorities is only a number;
        // Negotiate needs a separate connection; TLS sessions are off with stapled status.
        let others: Set = ["CURLOPT_CAPATH", "CURLOPT_FRESH_CONNECT", "CURLOPT_SSL_SESSIONID_CACHE"]
        #expect(
            values.union(["CURLOPT_FORBID_REUSE", "CURLOPT_SSL_CTX_FUNCTION"]).subtracting(others.union(Self.always))
                == table.filter { $0.hasPrefix("CURLOPT_") }
        )
        #expect(try Self.names(in: "Transfer+Options.swift", "CURLOPT_").contains("CURLOPT_FORBID_REUSE"))
        let facts = try Self.names(in: "Transfer+Facts.swift", "CURLINFO_")
        #expect(facts.union(["CURLINFO_TLS_SSL_PTR"]) == table.filter { $0.hasPrefix("CURLINFO_") })
    }

    /// With these options libcurl would read or write files, load libraries or prompt, on the driver thread. See
    /// `Docs/Concurrency.md`.
    @Test func `only these options pass files, engines and passwords to libcurl`() throws {
        let words = [
            "FILE", "CAINFO", "CAPATH", "CERT", "SSLKEY", "ENGINE", "NETRC", "COOKIEJAR", "HSTS", "ALTSVC",
            "KNOWNHOSTS", "INTERFACE", "KEYPASSWD",
        ]
        let driver = Self.top.appendingPathComponent("Sources/HTTPHandlesDriver")
        let files = try FileManager.default.subpathsOfDirectory(atPath: driver.path).filter { $0.hasSuffix(".swift") }
        #expect(files.count > 30)
        let used = try files.reduce(into: Set<String>()) { used, file in
            try used.formUnion(Self.names(at: driver.appendingPathComponent(file), "CURLOPT_"))
        }
        let named = used.map { String($0.dropFirst("CURLOPT_".count)) }
            .filter { name in words.contains { name.contains($0) } }
        #expect(
            named.sorted() == [
                "CAINFO", "CAPATH", "CERTINFO", "COOKIEFILE", "INFILESIZE_LARGE", "INTERFACE", "KEYPASSWD", "NETRC",
                "PROXY_CAINFO", "PROXY_CAPATH", "SSLCERT", "SSLKEY",
            ]
        )
    }

    private static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func names(in file: String, _ prefix: String) throws -> Set<String> {
        try names(at: top.appendingPathComponent("Sources/HTTPHandlesDriver/Transfer/\(file)"), prefix)
    }

    private static func names(at source: URL, _ prefix: String) throws -> Set<String> {
        let code = try String(contentsOf: source, encoding: .utf8).split(separator: "\n").filter { !$0.contains("//") }
        return Set(code.flatMap { $0.matches(of: /CURL(OPT|INFO)_\w+/).map { String($0.output.0) } })
            .filter { $0.hasPrefix(prefix) }
    }

    @Test func `the guide for users of libcurl has every option, also those of newer versions`() throws {
        let guide = Self.top.appendingPathComponent("Docs/Moving/FromLibcurl.md")
        let names = try String(contentsOf: guide, encoding: .utf8).matches(of: /`(?:CURLOPT_)?(\w+)`/)
        #expect(Set(Self.list.keys).subtracting(names.map { String($0.1) }).sorted() == [])
    }

    @Test func `an option that the linked libcurl does not have is refused`() {
        let row = OptionRow("future", nil, curl: ["CURLOPT_USERAGENT", "CURLOPT_FROM_THE_FUTURE"])
        let reason = "future needs CURLOPT_FROM_THE_FUTURE, which libcurl \(CurlLibrary.versionText) does not have"
        #expect(throws: HandleError(.invalidOption, .setOption, reason: reason)) {
            try CurlLibrary.requireKnown(row, for: .setOption)
        }
    }

    @Test func `version and features of the linked library`() {
        let library = CurlLibrary.linked
        #expect(library.version == CurlLibrary.versionText)
        let bits = unsafe curl_version_info(CURLVERSION_TENTH).pointee.features
        #expect(library.has(.http3) == (bits & CURL_VERSION_HTTP3 != 0))
        #expect(library.has(.zstd) == (bits & CURL_VERSION_ZSTD != 0))
    }
}
