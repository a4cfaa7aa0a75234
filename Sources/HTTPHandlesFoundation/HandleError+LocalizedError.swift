public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// In a program that imports this module, `localizedDescription` is `errorDescription`. The texts are in English, and contain no
/// secrets: nothing of `underlying`, whose texts are those of other code.
extension HandleError: LocalizedError {
    /// Code, number, operation, the phase of a timeout, and the reason, for example
    /// "timeout (12002) in receiveResponse, phase response: no response head arrived within 90.0 seconds".
    public var errorDescription: String? {
        guard let phase else { return description }
        return "\(code.name) (\(code.rawValue)) in \(operation), phase \(phase): \(reason)"
    }

    /// `reason`.
    public var failureReason: String? { reason }

    /// What usually helps, if that follows from the code; `nil` otherwise. All remedies: `Docs/Errors.md`.
    public var recoverySuggestion: String? {
        switch code {
        case .timeout: phase?.suggestion
        case .nameNotResolved: "Check the name of the host."
        case .cannotConnect: "Check the host, the port and the firewall."
        case .connectionError: "Try again, if the request may be processed twice."
        case .unrecognizedScheme: "Use a URL with scheme http or https."
        case .resendRequest: "Use a body that can be sent again."
        case .insufficientBuffer: "Allow more bytes, or read the body piece by piece."
        case .clientAuthCertNeeded: "Set the option clientIdentity."
        case .clientAuthCertNeededProxy: "Set the identity in the TLS options of the proxy."
        case .clientCertNoPrivateKey: "Check the files of the client certificate, and the password of the key."
        case .headerSizeOverflow: "Set the option maximumHeadSize."
        case .shutdown, .invalidHandle: "Make a new handle."
        default: nil
        }
    }
}

extension TimeoutPhase {
    fileprivate var suggestion: String? {
        switch self {
        case .proxy: "Check the closure that chooses proxies."
        case .queue: "Allow more connections, or send fewer requests at a time."
        case .resolve: "Check the name server."
        case .connect: "Check the host, the port and the firewall."
        case .send: "Try again later."
        case .response: "Set the option responseTimeout, if the server needs more time."
        case .receive: "Try again, with a range if the server supports it."
        case .total: "Set the option totalTimeout."
        }
    }
}
