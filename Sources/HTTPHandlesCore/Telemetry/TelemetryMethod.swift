#if TELEMETRY
package import HTTPTypes

/// A method as the conventions have it: one that is not known is "_OTHER", so that there are only a few.
package struct TelemetryMethod: Sendable, Hashable {
    /// `http.request.method`.
    package let name: String
    /// `http.request.method_original`; `nil` where it would be the same.
    package let original: String?

    /// The methods of RFC 9110, PATCH (RFC 5789) and QUERY.
    package static let known: Set<HTTPRequest.Method> = Set(
        ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"].compactMap {
            HTTPRequest.Method(rawValue: $0)
        }
    )

    package init(_ method: HTTPRequest.Method, known: Set<HTTPRequest.Method>) {
        let isKnown = known.contains(method)
        name = isKnown ? method.rawValue : "_OTHER"
        original = isKnown ? nil : method.rawValue
    }

    /// The name of a span.
    package var spanName: String { original == nil ? name : "HTTP" }

    package var attributes: [TelemetryAttribute] {
        [TelemetryAttribute(.method, name)] + (original.map { [TelemetryAttribute(.originalMethod, $0)] } ?? [])
    }
}
#endif
