import CMeasurement

/// The header fields of a request in use: three that stay the same, two that differ.
package struct RequestFields: Sendable {
    package static let authorization = IDENTITY_AUTHORIZATION
    package static let accept = IDENTITY_ACCEPT
    package static let acceptLanguage = IDENTITY_ACCEPT_LANGUAGE

    /// `X-Request-ID`.
    package let requestID: String
    package let traceparent: String

    /// The fields of a request with its URL.
    static func identity(_ number: Int, origin: String) -> (url: String, fields: RequestFields) {
        let path = UnsafeMutablePointer<CChar>.allocate(capacity: 256)
        defer { path.deallocate() }
        let requestID = path + Int(identity_path_size)
        let traceparent = requestID + Int(identity_request_id_size)
        identity_write(number, path, requestID, traceparent)
        return (
            origin + String(cString: path),
            RequestFields(requestID: String(cString: requestID), traceparent: String(cString: traceparent))
        )
    }
}
