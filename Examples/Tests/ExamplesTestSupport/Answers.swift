package import HTTPHandlesTesting

extension ServerConnection {
    /// Sends a whole response.
    package func answer(_ status: String = "200 OK", fields: [String] = [], bytes body: [UInt8]) throws {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + fields + ["", ""]
        try send(Array(lines.joined(separator: "\r\n").utf8) + body)
    }

    /// Sends a whole response with a text.
    package func answer(_ status: String = "200 OK", fields: [String] = [], body: String = "") throws {
        try answer(status, fields: fields, bytes: Array(body.utf8))
    }

    /// Calls a closure with each request, until the client closes the connection.
    package func forEachRequest(_ body: (ReceivedRequest) throws -> Void) throws {
        while let request = try readRequest() { try body(request) }
    }
}
