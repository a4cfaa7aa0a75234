import HTTPHandles

/// The exit status: curl's numbers.
enum ExitStatus {
    static let success: Int32 = 0
    static let usage: Int32 = 2
    static let malformedURL: Int32 = 3
    static let statusIsFailure: Int32 = 22
    static let notWritten: Int32 = 23
    static let tooLong: Int32 = 63

    static func of(_ error: HandleError) -> Int32 {
        if let code = error.curl?.code.rawValue, (1...255).contains(code) { return code }
        return switch error.code {
        case .unrecognizedScheme: 1
        case .invalidURL: 3
        case .notSupported, .invalidOption: 4
        case .nameNotResolved: error.proxyFailure == nil ? 6 : 5
        case .cannotConnect: 7
        case .invalidServerResponse, .invalidHeader, .httpProtocolMismatch: 8
        case .fileNotWritable: notWritten
        case .fileNotReadable, .requestBodyFailed: 26
        case .notEnoughMemory: 27
        case .timeout: 28
        case .secureFailure, .secureFailureProxy: error.certificateProblem == nil ? 35 : 60
        case .operationCancelled, .invalidHandle: 42
        case .redirectFailed: 47
        case .connectionError: 56
        case .clientCertNoPrivateKey: 58
        case .insufficientBuffer: 61
        case .resendRequest: 65
        case .loginFailure: 67
        case .clientAuthCertNeeded, .clientAuthCertNeededProxy: 98
        case .headerSizeOverflow: 100
        default: usage
        }
    }
}

/// The failure of a request, or of writing what it brought, as opposed to a usage error.
struct TransferFailure: Error {
    let status: Int32
    let text: String
    /// The library's error, if it is one.
    let error: HandleError?

    init(_ error: HandleError) {
        status = ExitStatus.of(error)
        text = "\(error.code.name) (\(error.code.rawValue)): \(error.reason)"
        self.error = error
    }

    init(_ status: Int32, _ text: String) {
        self.status = status
        self.text = text
        error = nil
    }
}

/// Ends the tool; the failure was shown.
struct Ended: Error {
    let status: Int32
}
