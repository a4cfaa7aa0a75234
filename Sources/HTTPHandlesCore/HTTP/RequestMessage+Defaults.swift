import HTTPTypes

extension RequestMessage {
    /// The message with the default header fields and query items of its handle, as far as it has none of the same name.
    ///
    /// A session with a base URL adds what may be secret to requests to the origin of that URL only: the fields that do not
    /// follow a redirect either, and the query items.
    package func withDefaults(_ values: OptionValues) -> RequestMessage {
        let isForBase = values.baseURL.map { $0.parsed.origin == url.origin } ?? true
        var fields = headerFields
        for field in values.headerFields where !headerFields.contains(field.name) {
            if isForBase || !Redirection.isForOneOrigin(field) { fields.append(field) }
        }
        guard isForBase, !values.queryItems.isEmpty else {
            return RequestMessage(method: method, url: url, headerFields: fields)
        }
        let present = url.queryNames
        let items = QueryItems(values.queryItems.filter { !present.contains(Array($0.name.utf8)) })
        return RequestMessage(method: method, url: url.appending(query: items.encodedBytes), headerFields: fields)
    }
}

extension RequestRules {
    /// What is wrong with default header fields; `nil` if nothing is.
    static func problem(ofDefaults fields: HTTPFields) -> String? {
        do throws(HandleError) {
            try check(.get, fields, for: .setOption)
        } catch {
            return error.reason
        }
        let framing: [HTTPField.Name] = [.contentLength, .transferEncoding, .trailer]
        let misplaced = fields.first { framing.contains($0.name) || $0.name.canonicalName == "host" }
        return misplaced.map { "the field \($0.name) is not for all requests" }
    }
}
