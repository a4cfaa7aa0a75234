/// A result code of libcurl. Not an enumeration, because a newer libcurl may have more codes.
public struct CurlCode: RawRepresentable, Sendable, Hashable {
    /// libcurl's number.
    public let rawValue: Int32

    /// Wraps a number of libcurl.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Makes one, for tests.
    public init(_ rawValue: Int32) {
        self.rawValue = rawValue
    }

    package static let ok = CurlCode(0)
    package static let notBuiltIn = CurlCode(4)
    package static let proxyNotResolved = CurlCode(5)
    package static let hostNotResolved = CurlCode(6)
    package static let cannotConnect = CurlCode(7)
    package static let http2 = CurlCode(16)
    package static let writeError = CurlCode(23)
    package static let outOfMemory = CurlCode(27)
    package static let proxyTimeout = CurlCode(28)
    package static let interfaceFailed = CurlCode(45)
    package static let unknownOption = CurlCode(48)
    package static let gotNothing = CurlCode(52)
    package static let sendError = CurlCode(55)
    package static let receiveError = CurlCode(56)
    package static let http2Stream = CurlCode(92)
    package static let badFunctionArgument = CurlCode(43)
    package static let certificateRefused = CurlCode(60)
    package static let certificateStatusInvalid = CurlCode(91)
    package static let pinMismatch = CurlCode(90)
    package static let proxy = CurlCode(97)
}

/// How far an exchange had come when libcurl failed. The meaning of some codes depends on it.
package enum ExchangeProgress: Int, Sendable, Comparable {
    case connecting
    case sending
    case receivingHead
    case receivingBody

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension HandleErrorCode {
    /// WinHTTP's code for a result of libcurl's easy interface.
    package init(_ curl: CurlCode, at progress: ExchangeProgress) {
        self =
            switch curl.rawValue {
            // libcurl returns 1 both for an unknown scheme and for a response that is not HTTP/1 (HTTP/0.9 is refused).
            case 1: progress > .connecting ? .invalidServerResponse : .unrecognizedScheme
            case 3: .invalidURL
            case 5, 6: .nameNotResolved
            case 7, 45, 96: .cannotConnect
            case 8, 61: .invalidServerResponse
            // An HTTP/2 connection ended, or is about to.
            case 16: .connectionError
            // An HTTP/2 or HTTP/3 stream ended with an error. Without a response head the response is invalid.
            case 92, 95: progress < .receivingBody ? .invalidServerResponse : .connectionError
            case 18: progress < .receivingBody ? .invalidServerResponse : .connectionError
            case 27: .notEnoughMemory
            case 28: .timeout
            case 35, 53, 54, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 101: .secureFailure
            case 42: .operationCancelled
            // What 7.88 returns for a malformed trailer field.
            case 43 where progress == .receivingBody: .invalidServerResponse
            case 47: .redirectFailed
            case 4, 48: .notSupported
            case 52: .invalidServerResponse
            case 55, 97: .connectionError
            case 56: .connectionError
            case 58: .clientCertNoPrivateKey
            case 63: .insufficientBuffer
            case 65: .resendRequest
            case 67, 94: .loginFailure
            case 98: .clientAuthCertNeeded
            case 100: .headerSizeOverflow
            default: .internalError
            }
    }
}
