// As in ClientRequest+URLRequest.swift.
#if FoundationNetworking || canImport(Darwin)
public import HTTPHandles
import HTTPTypes

#if canImport(FoundationNetworking)
import Foundation
public import FoundationNetworking
#else
public import Foundation
#endif

extension ResponseHead {
    /// The head as Foundation's type, for code that takes one.
    ///
    /// Values of fields with the same name are joined with ", ", also those of `Set-Cookie`; the reason phrase is left out. Both
    /// are in this head.
    ///
    /// Throws `.invalidURL` for a URL that Foundation cannot represent, as `URL.init(_:)`.
    public func httpURLResponse() throws(HandleError) -> HTTPURLResponse {
        var values: [String: String] = [:]
        var names: [HTTPField.Name: String] = [:]
        for field in headerFields {
            let name = names[field.name] ?? field.name.rawName
            names[field.name] = name
            values[name] = values[name].map { "\($0), \(field.value)" } ?? field.value
        }
        let url = try URL(try HTTPURL(url))
        let made = HTTPURLResponse(
            url: url,
            statusCode: status.code,
            httpVersion: version.description,
            headerFields: values
        )
        guard let made else {
            throw HandleError(.invalidParameter, .receiveResponse, reason: "Foundation refuses the response")
        }
        return made
    }
}
#endif
