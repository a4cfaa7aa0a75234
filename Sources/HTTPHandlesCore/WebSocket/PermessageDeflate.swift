/// The extension `permessage-deflate` (RFC 7692): what is offered, and what was agreed.
package enum PermessageDeflate {
    static let name = "permessage-deflate"

    /// The parameters of an offer.
    package struct Offer: Sendable, Hashable {
        /// Begin each message that is sent with an empty window.
        package var clientNoContextTakeover = false
        /// Ask the server to begin each of its messages with an empty window.
        package var serverNoContextTakeover = false
        /// The largest window for what is sent, as an exponent of 2 from 8 to 15. The server may limit it further.
        package var clientMaximumWindowBits = 15
        /// The largest window for what is received.
        package var serverMaximumWindowBits = 15

        package init() {}

        /// The value of `Sec-WebSocket-Extensions`.
        package var fieldValue: String {
            var value = PermessageDeflate.name
            if clientNoContextTakeover { value += "; client_no_context_takeover" }
            if serverNoContextTakeover { value += "; server_no_context_takeover" }
            value += "; client_max_window_bits"
            if clientMaximumWindowBits < 15 { value += "=\(clientMaximumWindowBits)" }
            if serverMaximumWindowBits < 15 { value += "; server_max_window_bits=\(serverMaximumWindowBits)" }
            return value
        }
    }

    /// What was agreed for a connection.
    package struct Agreement: Sendable, Hashable {
        package var clientNoContextTakeover = false
        package var serverNoContextTakeover = false
        package var clientWindowBits = 15
        package var serverWindowBits = 15

        package init() {}

        /// zlib cannot deflate with a window of 256 bytes. A sender need not compress, so messages are sent as they are.
        package var canDeflate: Bool { clientWindowBits > 8 }
    }

    /// Checks the parameters of the server's answer to an offer (section 7.1).
    static func agree(
        _ answer: [WebSocketExtension.Parameter],
        to offer: Offer
    ) throws(WebSocketHandshakeFailure) -> Agreement {
        var agreement = Agreement()
        agreement.clientNoContextTakeover = offer.clientNoContextTakeover
        var names: Set<String> = []
        var clientBits: Int?
        var serverBits: Int?
        for parameter in answer {
            let (name, value) = (parameter.name, parameter.value)
            guard names.insert(name).inserted else { throw .deflateParameterRepeated(name) }
            switch name {
            case "client_no_context_takeover", "server_no_context_takeover":
                if let value { throw .deflateParameterInvalid(name, value) }
                if name == "client_no_context_takeover" {
                    agreement.clientNoContextTakeover = true
                } else {
                    agreement.serverNoContextTakeover = true
                }
            case "client_max_window_bits":
                clientBits = try windowBits(parameter, atMost: offer.clientMaximumWindowBits)
            case "server_max_window_bits":
                serverBits = try windowBits(parameter, atMost: offer.serverMaximumWindowBits)
            default: throw .deflateParameterUnknown(name)
            }
        }
        if offer.serverNoContextTakeover, !agreement.serverNoContextTakeover {
            throw .deflateParameterMissing("server_no_context_takeover")
        }
        if offer.serverMaximumWindowBits < 15, serverBits == nil {
            throw .deflateParameterMissing("server_max_window_bits")
        }
        agreement.serverWindowBits = serverBits ?? 15
        // Without an answer the server does not limit what is sent, but the offer does.
        agreement.clientWindowBits = clientBits ?? offer.clientMaximumWindowBits
        return agreement
    }

    private static func windowBits(
        _ parameter: WebSocketExtension.Parameter,
        atMost limit: Int
    ) throws(WebSocketHandshakeFailure) -> Int {
        let value = parameter.value ?? ""
        // No leading zeros, signs or other digits.
        guard let bits = (8...15).first(where: { "\($0)" == value }), bits <= limit else {
            throw .deflateParameterInvalid(parameter.name, value)
        }
        return bits
    }
}
