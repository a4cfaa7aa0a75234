import HTTPHandles

/// The header fields of a message that goes through a proxy.
enum ProxyFields {
    /// Those that are about one connection, and not about the message (RFC 9110, section 7.6.1).
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "http2-settings",
    ]

    /// The fields without those about the connection, also those that `Connection` names.
    static func endToEnd(_ fields: HTTPFields) -> HTTPFields {
        let named = fields[values: .connection]
            .flatMap { $0.split(separator: ",") }
            .map { String($0.filter { $0 != " " && $0 != "\t" }).lowercased() }
        let dropped = hopByHop.union(named)
        return HTTPFields(fields.filter { !dropped.contains($0.name.canonicalName) })
    }

    /// The fields for the upstream server, with those that tell it about the client.
    ///
    /// - Parameters:
    ///   - fields: Those of the client. What it says about proxies before this one is replaced: it may have made that up.
    ///   - client: The address of the client.
    ///   - host: The host that the client has asked for.
    static func upstream(_ fields: HTTPFields, client: String, host: String) -> HTTPFields {
        var result = endToEnd(fields)
        // 100 (Continue) is between the client and this server, which does not know it.
        result[.expect] = nil
        let node = client.contains(":") ? "\"[\(client)]\"" : client
        // What is no host could be further parameters of the field.
        let host = host.utf8.allSatisfy(isHost) ? host : "unknown"
        let forwarded = [
            ("Forwarded", "for=\(node);host=\"\(host)\";proto=http"), ("X-Forwarded-For", client),
            ("X-Forwarded-Host", host), ("X-Forwarded-Proto", "http"),
        ]
        for (name, value) in forwarded {
            guard let name = HTTPField.Name(name) else { continue }
            result[name] = value
        }
        result.append(HTTPField(name: .via, value: "1.1 reverse-proxy"))
        return result
    }

    /// Whether a byte may be in a host with a port.
    private static func isHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: ".-_:[]".utf8.contains(byte)
        }
    }
}
