/// What the driver reports of a transfer, in the order in which it happened.
package enum TransferReport: Sendable, Hashable {
    /// Something happened on the wire.
    case milestone(TransferMilestone)
    /// The caller's resolver is to be asked for the addresses of a host; the transfer waits for them outside of libcurl.
    case addressesNeeded(host: String)
    /// The head of a 1xx response.
    case informational(HeaderBlock)
    /// The head of a 401 that libcurl may answer by itself. Then comes `sending` again; if libcurl has no answer, `head`
    /// with the same head.
    case challenge(HeaderBlock)
    /// The final head.
    case head(HeaderBlock)
    /// The fields after the body.
    case trailers(HeaderBlock)
    /// The caller's verdict on a certificate is needed. The transfer waits for `TransferEngine.answer`.
    case certificateQuestion(ServerCertificate)
    /// Everything arrived. Nothing is reported afterwards but what happens to the connection.
    case finished
    /// libcurl gave up. The operation in the error is a placeholder, in whose stead the machine puts the right one.
    case failed(HandleError, SecureFailure)
}
