/// How the response to a resumable download is processed.
package enum DownloadStep: Sendable, Hashable {
    /// The body is the whole file: the partial file is of another version, or no range was requested.
    case writeFromStart
    /// The body continues the partial file.
    case append
    /// The server cannot continue there: request the whole file.
    case startOver
    /// The body is not the file, for example that of an error response.
    case leave
    case refuse(HandleError)

    /// - Parameters:
    ///   - offset: The first byte of the requested range; 0 if no range was requested.
    ///   - tag: The version of the partial file.
    package init(status: Int, _ range: ContentRange?, _ received: EntityTag?, offset: UInt64, tag: EntityTag?) {
        switch status {
        case 200: self = .writeFromStart
        case 206 where offset > 0:
            // The server may ignore the range or the tag, and a wrong range would corrupt the file: both are checked.
            let isRight = range?.bytes?.lowerBound == offset && (received == nil || received == tag)
            self = isRight ? .append : .startOver
        case 206:
            let reason = "the server sent a part of the resource (206), but no range was requested"
            self = .refuse(HandleError(.invalidServerResponse, .receiveResponse, reason: reason))
        case 416 where offset > 0: self = .startOver
        default: self = .leave
        }
    }
}
