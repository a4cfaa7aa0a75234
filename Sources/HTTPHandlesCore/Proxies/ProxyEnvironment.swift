/// The proxies that the environment names, by curl's rules.
package struct ProxyEnvironment: Sendable {
    private struct Variable {
        let name: String
        let value: String
    }

    private enum Entry {
        case proxy(Proxy)
        /// Not the value, which may have a password in it.
        case unusable(variable: String, HandleError)
    }

    private let http: Entry?
    private let https: Entry?
    private let bypass: ProxyBypassList

    /// - Parameter value: The value of a variable. As in curl, one without a value is not set.
    package init(_ value: (String) -> String?) {
        func entry(_ names: String...) -> Entry? {
            for name in names {
                guard let text = value(name), !text.isEmpty else { continue }
                do throws(HandleError) {
                    return .proxy(try Proxy(url: text))
                } catch {
                    return .unusable(variable: name, error)
                }
            }
            return nil
        }
        // Not HTTP_PROXY: in a CGI program that is the request's field "Proxy".
        http = entry("http_proxy", "all_proxy", "ALL_PROXY")
        https = entry("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        let names = ["no_proxy", "NO_PROXY"]
        bypass = ProxyBypassList(lenient: names.lazy.compactMap(value).first { !$0.isEmpty } ?? "")
    }

    /// No request goes through a proxy.
    package var isEmpty: Bool { http == nil && https == nil }

    /// The proxy for a server; `nil` for none. Throws where the environment's cannot be used.
    package func proxy(for origin: Origin) throws(HandleError) -> Proxy? {
        guard let entry = origin.isSecure ? https : http else { return nil }
        if bypass.contains(host: origin.host, port: origin.port) { return nil }
        switch entry {
        case .proxy(let proxy): return proxy
        case .unusable(let variable, let error):
            throw HandleError(
                error.code,
                .sendRequest,
                reason: "the environment variable \(variable): \(error.reason)"
            )
        }
    }
}
