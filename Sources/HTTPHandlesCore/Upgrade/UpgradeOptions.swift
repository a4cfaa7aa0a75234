import HTTPTypes

/// How messages of a WebSocket may be compressed: what is offered to the server of `permessage-deflate` (RFC 7692).
///
/// Not in WinHTTP.
public struct MessageCompression: Sendable, Hashable, CustomStringConvertible {
    /// Whether each message that is sent begins with an empty window: it needs less memory between messages, and
    /// compresses less.
    public var clientNoContextTakeover: Bool
    /// Whether the server is asked for the same. A server that does not agree to it is refused.
    public var serverNoContextTakeover: Bool
    /// The size of the window for what is sent, as an exponent of 2, from 9 to 15. The server may choose a smaller one.
    public var clientMaximumWindowBits: Int
    /// The size of the window for what is received, from 8 to 15. Below 15, a server that does not agree to it is refused.
    public var serverMaximumWindowBits: Int
    /// Messages that have fewer bytes are sent without compression.
    public var threshold: Int

    /// An offer. Without arguments everything is left to the server.
    public init(
        clientNoContextTakeover: Bool = false,
        serverNoContextTakeover: Bool = false,
        clientMaximumWindowBits: Int = 15,
        serverMaximumWindowBits: Int = 15,
        threshold: Int = 64
    ) {
        self.clientNoContextTakeover = clientNoContextTakeover
        self.serverNoContextTakeover = serverNoContextTakeover
        self.clientMaximumWindowBits = clientMaximumWindowBits
        self.serverMaximumWindowBits = serverMaximumWindowBits
        self.threshold = threshold
    }

    /// As it is written in the header field of the request.
    public var description: String { offer.fieldValue }

    package var offer: PermessageDeflate.Offer {
        var offer = PermessageDeflate.Offer()
        offer.clientNoContextTakeover = clientNoContextTakeover
        offer.serverNoContextTakeover = serverNoContextTakeover
        offer.clientMaximumWindowBits = clientMaximumWindowBits
        offer.serverMaximumWindowBits = serverMaximumWindowBits
        return offer
    }

    /// What is wrong with it, if anything is.
    package var problem: String? {
        guard (9...15).contains(clientMaximumWindowBits) else { return "clientMaximumWindowBits must be from 9 to 15" }
        guard (8...15).contains(serverMaximumWindowBits) else { return "serverMaximumWindowBits must be from 8 to 15" }
        return threshold < 0 ? "threshold must be 0 or more" : nil
    }
}

/// What the options say about an upgrade of the connection.
package struct UpgradeOptions: Sendable, Hashable {
    package var toWebSocket = false
    /// The name of another protocol.
    package var toProtocol: String?
    package var subprotocols: [String] = []
    package var compression: MessageCompression? = MessageCompression()

    package init() {}
}

extension OptionValues {
    /// Whether requests with these values ask for an upgrade.
    package var asksForUpgrade: Bool { upgrade.toWebSocket || upgrade.toProtocol != nil }

    /// What a request is to ask for; `nil` for an ordinary one.
    ///
    /// - Throws: If that is not possible with these values.
    package func upgradeRequest(
        _ message: RequestMessage,
        using generator: inout some RandomNumberGenerator
    ) throws(HandleError) -> UpgradeRequest? {
        guard asksForUpgrade else { return nil }
        guard [.automatic, .http1_1].contains(httpVersions) else {
            throw .invalidParameter(.sendRequest, "an upgrade needs HTTP/1.1, which httpVersions excludes")
        }
        if let name = UpgradeRequest.reservedField(in: message.headerFields) {
            throw .invalidParameter(.sendRequest, "the field \(name) belongs to the upgrade, and is set by the library")
        }
        guard upgrade.toWebSocket else { return upgrade.toProtocol.map { .other($0) } }
        guard upgrade.toProtocol == nil else {
            throw .invalidParameter(.sendRequest, "upgradesToWebSocket and upgradesToProtocol exclude each other")
        }
        guard message.method == .get else {
            throw .invalidParameter(.sendRequest, "the method for a WebSocket must be GET, but is \(message.method)")
        }
        do {
            let deflate = upgrade.compression?.offer
            return .webSocket(
                try WebSocketHandshake(subprotocols: upgrade.subprotocols, deflate: deflate, using: &generator)
            )
        } catch {
            throw error.error(in: .sendRequest)
        }
    }

    /// The options of the socket that comes of it.
    package var webSocketSettings: WebSocketSettings {
        var settings = webSocket
        settings.maximumDecodingRatio = maximumDecodingRatio
        settings.compressionThreshold = upgrade.compression?.threshold ?? 0
        return settings
    }
}

extension OptionSnapshot {
    /// The same for a request that asks for an upgrade, which exists in HTTP/1.1 only, and only at the origin itself.
    package var forUpgrade: OptionSnapshot {
        guard values.httpVersions != .http1_1 || values.usesAlternativeServices else { return self }
        var values = values
        values.httpVersions = .http1_1
        values.usesAlternativeServices = false
        return OptionSnapshot(values)
    }
}
