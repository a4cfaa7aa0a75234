/// Why the answer to a WebSocket handshake is refused.
package enum WebSocketHandshakeFailure: Error, Sendable, Hashable {
    case status(Int)
    case version(HTTPVersion)
    case upgradeMissing
    case upgradeToOther(String, than: String)
    case connectionMissing
    case connectionWithoutUpgrade(String)
    case acceptMissing
    case acceptRepeated
    case acceptWrong(String)
    case subprotocolRepeated
    case subprotocolNotOffered(String)
    case extensionsMalformed(String)
    case extensionNotOffered(String)
    case extensionRepeated(String)
    case deflateParameterUnknown(String)
    case deflateParameterRepeated(String)
    case deflateParameterInvalid(String, String)
    case deflateParameterMissing(String)

    package var reason: String {
        switch self {
        case .status(let status): "the server answered the upgrade with \(status), not with 101"
        case .version(let version): "the server answered the upgrade with \(version)"
        case .upgradeMissing: "the server's 101 has no Upgrade field"
        case .upgradeToOther(let value, let name): "the server upgrades to \"\(value)\", not to \(name)"
        case .connectionMissing: "the server's 101 has no Connection field"
        case .connectionWithoutUpgrade(let value): "the Connection field \"\(value)\" of the server has no upgrade"
        case .acceptMissing: "the server's 101 has no Sec-WebSocket-Accept field"
        case .acceptRepeated: "the server's 101 has more than one Sec-WebSocket-Accept field"
        case .acceptWrong(let value): "\"\(value)\" is not the Sec-WebSocket-Accept for the key"
        case .subprotocolRepeated: "the server chose more than one subprotocol"
        case .subprotocolNotOffered(let name): "the server chose the subprotocol \"\(name)\", which was not offered"
        case .extensionsMalformed(let value): "the Sec-WebSocket-Extensions field \"\(value)\" is malformed"
        case .extensionNotOffered(let name): "the server chose the extension \(name), which was not offered"
        case .extensionRepeated(let name): "the server chose the extension \(name) twice"
        case .deflateParameterUnknown(let name): "permessage-deflate has no parameter \(name)"
        case .deflateParameterRepeated(let name): "the parameter \(name) of permessage-deflate is there twice"
        case .deflateParameterInvalid(let name, let value):
            "the parameter \(name) of permessage-deflate has the value \"\(value)\", which is not allowed"
        case .deflateParameterMissing(let name): "the server does not agree to \(name) of permessage-deflate"
        }
    }

    package func error(in operation: HandleOperation) -> HandleError {
        HandleError(.invalidServerResponse, operation, reason: reason)
    }
}
