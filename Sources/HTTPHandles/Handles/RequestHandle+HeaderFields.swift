public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

extension RequestHandle {
    /// The header fields that the next `send` starts from: those of the caller, without what options and the library add.
    ///
    /// Throws `.invalidHandle` on a closed handle.
    ///
    /// `WinHttpQueryHeaders` with `WINHTTP_QUERY_FLAG_REQUEST_HEADERS`.
    public var headerFields: HTTPFields {
        get throws(HandleError) {
            try object.bound.base.requireOpen(.accessHeaderFields)
            return object.value.message.headerFields
        }
    }

    /// Replaces all header fields of the next `send`.
    ///
    /// Possible while the handle is open; an exchange that is going on keeps those that it was sent with. Throws
    /// `.invalidParameter`, and changes nothing, for fields that a request must not have, as when it is opened.
    ///
    /// `CURLOPT_HTTPHEADER`.
    public func setHeaderFields(_ fields: HTTPFields) throws(HandleError) {
        try object.value.changeHeaderFields { $0 = fields }
    }

    /// Adds header fields for the next `send`.
    ///
    /// As `setHeaderFields(_:)`.
    ///
    /// `WinHttpAddRequestHeadersEx`.
    ///
    /// - Parameters:
    ///   - fields: The fields.
    ///   - rule: What becomes of fields of the same names that the request has.
    public func addHeaderFields(_ fields: HTTPFields, rule: HeaderFieldRule = .add) throws(HandleError) {
        try object.value.changeHeaderFields { $0.add(fields, rule) }
    }

    /// Removes all header fields of a name from the next `send`; there need not be one.
    ///
    /// Possible while the handle is open.
    ///
    /// `WinHttpAddRequestHeadersEx` with `WINHTTP_ADDREQ_FLAG_REPLACE` and no value.
    public func removeHeaderFields(named name: HTTPField.Name) throws(HandleError) {
        try object.value.changeHeaderFields { $0[fields: name] = [] }
    }
}
