package import HTTPTypes

/// The client's side of the opening handshake (RFC 6455, section 4): the fields of the request, and the check of the
/// answer.
package struct WebSocketHandshake: Sendable, Hashable {
    /// The value of `Sec-WebSocket-Key`: 16 random bytes in base64, which are new for each connection.
    package private(set) var key: String
    package let subprotocols: [String]
    /// The offer of compression, if there is one.
    package let deflate: PermessageDeflate.Offer?

    /// - Throws: If a subprotocol is not a token, or is there twice.
    package init(
        subprotocols: [String] = [],
        deflate: PermessageDeflate.Offer? = nil,
        using generator: inout some RandomNumberGenerator
    ) throws(WebSocketFailure) {
        var names: Set<[UInt8]> = []
        for name in subprotocols {
            guard TokenScanner.isToken(name) else {
                throw .invalidParameter("the subprotocol \"\(name)\" is not a token")
            }
            guard names.insert(Array(name.utf8)).inserted else {
                throw .invalidParameter("the subprotocol \"\(name)\" is offered twice")
            }
        }
        key = Self.newKey(using: &generator)
        self.subprotocols = subprotocols
        self.deflate = deflate
    }

    /// The request goes out once more, on another connection.
    package mutating func renewKey(using generator: inout some RandomNumberGenerator) {
        key = Self.newKey(using: &generator)
    }

    private static func newKey(using generator: inout some RandomNumberGenerator) -> String {
        let random = SIMD16<UInt8>.random(in: 0...255, using: &generator)
        return base64(random.indices.map { random[$0] })
    }

    /// The value of `Sec-WebSocket-Accept` by which a server shows that it has read the key.
    package var expectedAccept: String { Self.accept(for: key) }

    /// The value of `Sec-WebSocket-Accept` for a key.
    package static func accept(for key: String) -> String {
        base64(sha1(Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
    }

    /// The fields that the request has beside its own, without `Sec-WebSocket-Key`, which is that of one connection.
    package var fields: HTTPFields {
        var fields: HTTPFields = [.connection: "Upgrade", .upgrade: "websocket", .secWebSocketVersion: "13"]
        if !subprotocols.isEmpty { fields[.secWebSocketProtocol] = subprotocols.joined(separator: ", ") }
        if let deflate { fields[.secWebSocketExtensions] = deflate.fieldValue }
        return fields
    }

    /// What was agreed.
    package struct Agreement: Sendable, Hashable {
        package var subprotocol: String?
        package var deflate: PermessageDeflate.Agreement?
    }

    /// Checks the head of the answer.
    package func check(_ head: HeaderBlock) throws(WebSocketHandshakeFailure) -> Agreement {
        guard head.status == 101 else { throw .status(head.status) }
        guard head.version == .http1_1 else { throw .version(head.version) }
        let fields = head.fields()
        try Self.checkUpgrade(fields, to: "websocket")
        try checkAccept(fields)
        return Agreement(subprotocol: try subprotocol(in: fields), deflate: try deflate(in: fields))
    }

    /// Checks the fields by which a server says that it upgrades the connection.
    static func checkUpgrade(_ fields: HTTPFields, to name: String) throws(WebSocketHandshakeFailure) {
        let upgrade = fields[values: .upgrade]
        guard !upgrade.isEmpty else { throw .upgradeMissing }
        guard members(upgrade).contains(where: { $0.isEqualIgnoringASCIICase(name) }) else {
            throw .upgradeToOther(upgrade.joined(separator: ", "), than: name)
        }
        let connection = fields[values: .connection]
        guard !connection.isEmpty else { throw .connectionMissing }
        guard members(connection).contains(where: { $0.isEqualIgnoringASCIICase("upgrade") }) else {
            throw .connectionWithoutUpgrade(connection.joined(separator: ", "))
        }
    }

    private func checkAccept(_ fields: HTTPFields) throws(WebSocketHandshakeFailure) {
        let accepts = fields[values: .secWebSocketAccept]
        guard let accept = accepts.first else { throw .acceptMissing }
        guard accepts.count == 1 else { throw .acceptRepeated }
        guard accept.utf8.elementsEqual(expectedAccept.utf8) else { throw .acceptWrong(accept) }
    }

    private func subprotocol(in fields: HTTPFields) throws(WebSocketHandshakeFailure) -> String? {
        let values = fields[values: .secWebSocketProtocol]
        guard let value = values.first else { return nil }
        guard values.count == 1 else { throw .subprotocolRepeated }
        guard subprotocols.contains(where: { $0.utf8.elementsEqual(value.utf8) }) else {
            throw .subprotocolNotOffered(value)
        }
        return value
    }

    private func deflate(in fields: HTTPFields) throws(WebSocketHandshakeFailure) -> PermessageDeflate.Agreement? {
        var agreement: PermessageDeflate.Agreement?
        for value in fields[values: .secWebSocketExtensions] {
            guard let extensions = WebSocketExtension.list(in: value) else { throw .extensionsMalformed(value) }
            for one in extensions {
                guard let deflate, one.name.isEqualIgnoringASCIICase(PermessageDeflate.name) else {
                    throw .extensionNotOffered(one.name)
                }
                guard agreement == nil else { throw .extensionRepeated(one.name) }
                agreement = try PermessageDeflate.agree(one.parameters, to: deflate)
            }
        }
        return agreement
    }

    /// The members of a list of names. Parts that are not one are left out.
    private static func members(_ values: [String]) -> [String] {
        values.flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }.compactMap { member in
            var scanner = TokenScanner(String(decoding: Array(member), as: UTF8.self))
            guard let token = scanner.token(), scanner.isAtEnd else { return nil }
            return token
        }
    }
}
