package import HTTPTypes

/// What a request asks its connection to be upgraded to (RFC 9110, section 7.8), and the check of the answer.
package enum UpgradeRequest: Sendable, Hashable {
    case webSocket(WebSocketHandshake)
    /// Another protocol, by the name that is offered.
    case other(String)

    /// The fields that the request has beside its own, without those that are of one connection.
    package var fields: HTTPFields {
        switch self {
        case .webSocket(let handshake): handshake.fields
        case .other(let name): [.connection: "Upgrade", .upgrade: name]
        }
    }

    /// Checks the head of a 101. What it returns is empty for other protocols than WebSocket.
    package func check(_ head: HeaderBlock) throws(WebSocketHandshakeFailure) -> WebSocketHandshake.Agreement {
        switch self {
        case .webSocket(let handshake): return try handshake.check(head)
        case .other(let name):
            guard head.version == .http1_1 else { throw .version(head.version) }
            try WebSocketHandshake.checkUpgrade(head.fields(), to: name)
            return WebSocketHandshake.Agreement()
        }
    }

    package var isWebSocket: Bool {
        if case .webSocket = self { true } else { false }
    }

    /// The value of `Sec-WebSocket-Key`; `nil` for another protocol.
    package var key: String? {
        if case .webSocket(let handshake) = self { handshake.key } else { nil }
    }

    /// The request goes out once more, on another connection.
    package mutating func renewKey(using generator: inout some RandomNumberGenerator) {
        guard case .webSocket(var handshake) = self else { return }
        handshake.renewKey(using: &generator)
        self = .webSocket(handshake)
    }

    /// Whether a text can be the name of a protocol: a token, and maybe a slash and its version.
    package static func isProtocolName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { TokenScanner.isToken(String(decoding: Array($0), as: UTF8.self)) }
    }

    /// The fields of a request that belong to the handshake, which the library writes.
    package static func reservedField(in fields: HTTPFields) -> HTTPField.Name? {
        fields.first { field in
            field.name == .upgrade || field.name.canonicalName.utf8.starts(with: "sec-websocket-".utf8)
        }?.name
    }
}

extension RequestMessage {
    /// The message with the fields of the handshake. They take the place of `Connection`.
    package func asking(for upgrade: UpgradeRequest) -> RequestMessage {
        var fields = headerFields
        fields[.connection] = nil
        for field in upgrade.fields { fields.append(field) }
        return RequestMessage(method: method, url: url, headerFields: fields)
    }
}

extension UpgradeRequest {
    /// The URL of a WebSocket, or a reference to one, with the scheme of HTTP: ws is http, and wss is https (RFC 6455,
    /// section 3). Anything else is unchanged.
    package static func httpReference(_ reference: [UInt8]) -> [UInt8] {
        for (scheme, replacement) in [("ws:", "http:"), ("wss:", "https:")] {
            let prefix = reference.prefix(scheme.utf8.count)
            guard prefix.map(\.asciiLowercased).elementsEqual(scheme.utf8) else { continue }
            return Array(replacement.utf8) + reference[prefix.endIndex...]
        }
        return reference
    }
}
