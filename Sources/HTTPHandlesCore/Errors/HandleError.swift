public import HTTPTypes

/// The only error type of this library: a code, the operation that failed, and libcurl's own result.
///
///     HandleError
///      ├─ the caller's        invalidHandle, incorrectHandleState, incorrectHandleType, invalidParameter, invalidURL,
///      │                      unrecognizedScheme, insufficientBuffer, notSupported, invalidOption, optionNotSettable,
///      │                      fileNotReadable, fileNotWritable, requestBodyFailed
///      ├─ cancelled           operationCancelled (`isCancellation`)
///      ├─ on the way there    nameNotResolved, cannotConnect, secureFailure, clientAuthCertNeeded, timeout (`phase`)
///      ├─ at a proxy          the same (`proxyFailure`), secureFailureProxy, loginFailure, autoProxyServiceError
///      ├─ the conversation    connectionError, invalidServerResponse, headerSizeOverflow, redirectFailed, …
///      ├─ the answer          unsuccessfulStatus (`response`), where a success was required
///      └─ ours                shutdown, internalError, notEnoughMemory
///
/// Two errors are equal when everything but `underlying` is.
public struct HandleError: Error, Sendable {
    /// One reference: an error is copied often and read rarely.
    private final class Storage: Sendable {
        let code: HandleErrorCode
        let operation: HandleOperation
        let phase: TimeoutPhase?
        let reason: String
        let curl: CurlFailure?
        let systemError: SystemErrorNumber?
        let certificateProblem: CertificateProblem?
        let http2StreamError: HTTP2ErrorCode?
        let proxyFailure: ProxyFailure?
        let underlying: (any Error)?
        let response: UnsuccessfulResponse?

        init(
            _ code: HandleErrorCode,
            _ operation: HandleOperation,
            _ phase: TimeoutPhase?,
            _ reason: String,
            _ curl: CurlFailure?,
            _ systemError: SystemErrorNumber?,
            _ certificateProblem: CertificateProblem?,
            _ http2StreamError: HTTP2ErrorCode?,
            _ proxyFailure: ProxyFailure?,
            _ underlying: (any Error)?,
            _ response: UnsuccessfulResponse?
        ) {
            self.code = code
            self.operation = operation
            self.phase = phase
            self.reason = reason
            self.curl = curl
            self.systemError = systemError
            self.certificateProblem = certificateProblem
            self.http2StreamError = http2StreamError
            self.proxyFailure = proxyFailure
            self.underlying = underlying
            self.response = response
        }
    }

    private let storage: Storage

    /// Makes an error, for tests of what a program does with it.
    public init(
        _ code: HandleErrorCode,
        _ operation: HandleOperation,
        phase: TimeoutPhase? = nil,
        reason: String,
        curl: CurlFailure? = nil,
        systemError: SystemErrorNumber? = nil,
        certificateProblem: CertificateProblem? = nil,
        http2StreamError: HTTP2ErrorCode? = nil,
        proxyFailure: ProxyFailure? = nil,
        underlying: (any Error)? = nil,
        response: UnsuccessfulResponse? = nil
    ) {
        storage = Storage(
            code,
            operation,
            phase,
            reason,
            curl,
            systemError,
            certificateProblem,
            http2StreamError,
            proxyFailure,
            underlying,
            response
        )
    }

    /// What went wrong.
    public var code: HandleErrorCode { storage.code }
    /// The operation that failed.
    public var operation: HandleOperation { storage.operation }
    /// For `.timeout`: which time limit ran out.
    public var phase: TimeoutPhase? { storage.phase }
    /// What happened, in one human-readable sentence.
    public var reason: String { storage.reason }
    /// libcurl's own result, where libcurl reported the failure.
    public var curl: CurlFailure? { storage.curl }
    /// The error of the system call that failed, if one did, for example `EMFILE` or `ECONNREFUSED`.
    public var systemError: SystemErrorNumber? { storage.systemError }
    /// For `.secureFailure`: what is wrong with the server's certificate, if that is the reason.
    public var certificateProblem: CertificateProblem? { storage.certificateProblem }
    /// The error code with which the server ended the HTTP/2 stream, if it did.
    public var http2StreamError: HTTP2ErrorCode? { storage.http2StreamError }
    /// The proxy, if it is the proxy that has failed, refused, or could not be reached, and not the server.
    public var proxyFailure: ProxyFailure? { storage.proxyFailure }
    /// The error that other code threw into the operation: the sequence of a request body, or a JSON decoder.
    public var underlying: (any Error)? { storage.underlying }

    /// For `.unsuccessfulStatus`: the response. Also for a WebSocket that the server has refused with another status than 101.
    public var response: UnsuccessfulResponse? { storage.response }

    /// Whether the operation ended because its handle was closed or its task was cancelled, and not because of a failure.
    public var isCancellation: Bool { code == .operationCancelled }

    /// The same failure, reported by another operation.
    package func seen(by operation: HandleOperation) -> HandleError {
        guard operation != self.operation else { return self }
        return HandleError(
            code,
            operation,
            phase: phase,
            reason: reason,
            curl: curl,
            systemError: systemError,
            certificateProblem: certificateProblem,
            http2StreamError: http2StreamError,
            proxyFailure: proxyFailure,
            underlying: underlying,
            response: response
        )
    }
}

extension HandleError: Hashable {
    /// Compares everything but `underlying`.
    public static func == (left: HandleError, right: HandleError) -> Bool {
        left.code == right.code && left.operation == right.operation && left.phase == right.phase
            && left.reason == right.reason && left.curl == right.curl
            && left.systemError == right.systemError && left.certificateProblem == right.certificateProblem
            && left.http2StreamError == right.http2StreamError && left.proxyFailure == right.proxyFailure
            && left.response == right.response
    }

    /// Hashes code and operation.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(operation)
    }
}

extension HandleError: CustomStringConvertible {
    /// Code, number, operation and reason, for example
    /// "timeout (12002) in receiveResponse: no response within 90 seconds".
    public var description: String {
        "\(code.name) (\(code.rawValue)) in \(operation): \(reason)"
    }
}

extension HandleError {
    package static func closed(_ operation: HandleOperation) -> HandleError {
        HandleError(.invalidHandle, operation, reason: "the handle is closed")
    }

    package static func cancelled(_ operation: HandleOperation) -> HandleError {
        HandleError(.operationCancelled, operation, reason: "the handle was closed before the operation finished")
    }

    package static func wrongState(_ operation: HandleOperation, _ reason: String) -> HandleError {
        HandleError(.incorrectHandleState, operation, reason: reason)
    }

    package static func invalidParameter(_ operation: HandleOperation, _ reason: String) -> HandleError {
        HandleError(.invalidParameter, operation, reason: reason)
    }

    package static func timeout(
        _ phase: TimeoutPhase,
        after limit: Duration,
        _ operation: HandleOperation,
        at proxy: ProxyFailure? = nil
    ) -> HandleError {
        let reason = "\(phase.expectation) within \(limit)"
        return HandleError(
            .timeout,
            operation,
            phase: phase,
            reason: proxy.map { "the proxy \($0.proxy): \(reason)" } ?? reason,
            proxyFailure: proxy
        )
    }

    package static func driverStopped(
        _ operation: HandleOperation,
        _ reason: String,
        systemError: SystemErrorNumber? = nil
    ) -> HandleError {
        HandleError(.shutdown, operation, reason: reason, systemError: systemError)
    }
}

/// A result of libcurl's easy or multi interface, with its text.
public struct CurlFailure: Sendable, Hashable {
    /// libcurl's number (`CURLcode`, for example 7).
    public let code: CurlCode
    /// libcurl's general text for the code.
    public let message: String

    /// Makes a result, for tests.
    public init(code: CurlCode, message: String) {
        self.code = code
        self.message = message
    }
}
