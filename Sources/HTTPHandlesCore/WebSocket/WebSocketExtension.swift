/// One extension of a `Sec-WebSocket-Extensions` field (RFC 6455, section 9.1).
struct WebSocketExtension: Sendable, Hashable {
    struct Parameter: Sendable, Hashable {
        /// In lower case.
        let name: String
        /// Without quotes; `nil` if the parameter has none.
        let value: String?
    }

    /// In lower case.
    let name: String
    let parameters: [Parameter]

    /// The extensions of one field, in order; `nil` if it is malformed.
    static func list(in field: String) -> [WebSocketExtension]? {
        var scanner = TokenScanner(field)
        var extensions: [WebSocketExtension] = []
        repeat {
            // Empty members of a list are allowed (RFC 9110, section 5.6.1).
            if scanner.isAtEnd || scanner.isNext(",") { continue }
            guard let name = scanner.token() else { return nil }
            var parameters: [Parameter] = []
            while scanner.skip(";") {
                guard let name = scanner.token() else { return nil }
                var value: String?
                if scanner.skip("=") {
                    value = scanner.value()
                    if value == nil { return nil }
                }
                parameters.append(Parameter(name: name.asciiLowercased, value: value))
            }
            extensions.append(WebSocketExtension(name: name.asciiLowercased, parameters: parameters))
        } while scanner.skip(",")
        return scanner.isAtEnd ? extensions : nil
    }
}
