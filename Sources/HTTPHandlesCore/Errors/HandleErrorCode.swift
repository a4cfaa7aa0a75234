/// What went wrong, under WinHTTP's names; the raw value is WinHTTP's or Win32's number.
///
/// Causes and remedies: `Docs/Errors.md`.
@nonexhaustive
public enum HandleErrorCode: Int, Sendable, Hashable, CaseIterable {
    // Win32
    /// The handle is closed.
    case invalidHandle = 6
    /// Memory ran out.
    case notEnoughMemory = 8
    /// A file cannot be written.
    case fileNotWritable = 29
    /// A file cannot be read.
    case fileNotReadable = 30
    /// The library, or the linked libcurl, does not support what was requested.
    case notSupported = 50
    /// A response that had to be a success is none; it is `HandleError.response`.
    case unsuccessfulStatus = 58
    /// An argument has a value that is not allowed.
    case invalidParameter = 87
    /// More bytes arrived than the caller allowed.
    case insufficientBuffer = 122
    /// The caller's code that produces the request body threw; its error is `HandleError.underlying`.
    case requestBodyFailed = 1235

    // WinHTTP
    /// A time limit ran out; `HandleError.phase` says which.
    case timeout = 12002
    /// libcurl reported an error without a code here, or the library has a defect.
    case internalError = 12004
    /// The URL cannot be used.
    case invalidURL = 12005
    /// The URL's scheme is neither http nor https.
    case unrecognizedScheme = 12006
    /// The host's name could not be resolved.
    case nameNotResolved = 12007
    /// The option is unknown to the linked libcurl.
    case invalidOption = 12009
    /// The option can be read but not set.
    case optionNotSettable = 12011
    /// The session is shutting down, or its driver thread has stopped.
    case shutdown = 12012
    /// A login attempt failed.
    case loginFailure = 12015
    /// The handle was closed, or its task cancelled, before the operation finished.
    case operationCancelled = 12017
    /// The operation or option does not exist at this handle's level.
    case incorrectHandleType = 12018
    /// The operation is not possible at this moment.
    case incorrectHandleState = 12019
    /// No connection to the server could be made.
    case cannotConnect = 12029
    /// The connection to the server was lost.
    case connectionError = 12030
    /// The request body cannot be sent again, and that was necessary.
    case resendRequest = 12032
    /// The server asks for a client certificate.
    case clientAuthCertNeeded = 12044
    /// The requested header field does not exist.
    case headerNotFound = 12150
    /// The server sent an invalid response.
    case invalidServerResponse = 12152
    /// The server sent a malformed header field.
    case invalidHeader = 12153
    /// A redirect was refused or there were too many.
    case redirectFailed = 12156
    /// The TLS connection could not be made or the certificate is not acceptable.
    case secureFailure = 12175
    /// The caller's closure that chooses proxies threw an error, or returned nothing that can be used.
    case autoProxyServiceError = 12178
    /// The response has too many header fields.
    case headerCountExceeded = 12181
    /// The response head is longer than allowed.
    case headerSizeOverflow = 12182
    /// A chunk header of the response is longer than allowed.
    case chunkedEncodingHeaderSizeOverflow = 12183
    /// A body that had to be discarded is longer than allowed.
    case responseDrainOverflow = 12184
    /// The client certificate's private key is missing or unusable.
    case clientCertNoPrivateKey = 12185
    /// An https proxy asks for a client certificate.
    case clientAuthCertNeededProxy = 12187
    /// The TLS connection to an https proxy could not be made, or its certificate is not acceptable.
    case secureFailureProxy = 12188
    /// The server did not agree to the HTTP version that was required.
    case httpProtocolMismatch = 12190

    /// The code's name, for example "timeout".
    public var name: String { String(describing: self) }
}
