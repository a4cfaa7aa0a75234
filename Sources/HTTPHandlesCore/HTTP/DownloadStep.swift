/// What becomes of a response to a download that may go on where an earlier one stopped.
package enum DownloadStep: Sendable, Hashable {
    /// The body is everything: what was there is of another version, or nothing was asked for.
    case writeFromStart
    /// The body is what comes after the bytes that are there.
    case append
    /// The server cannot go on there: ask again, for everything.
    case startOver
    /// The body is not the file.
    case leave
    case refuse(HandleError)

    /// - Parameters:
    ///   - offset: From where on the bytes were asked for; 0 where no range was.
    ///   - tag: The version of the bytes that are there.
    package init(status: Int, _ range: ContentRange?, _ received: EntityTag?, offset: UInt64, tag: EntityTag?) {
        switch status {
        case 200: self = .writeFromStart
        case 206 where offset > 0:
            // Neither the place nor the version is taken on trust: a mistake here is a broken file.
            let isRight = range?.bytes?.lowerBound == offset && (received == nil || received == tag)
            self = isRight ? .append : .startOver
        case 206:
            let reason = "the server sends a part of what was asked for"
            self = .refuse(HandleError(.invalidServerResponse, .receiveResponse, reason: reason))
        case 416 where offset > 0: self = .startOver
        default: self = .leave
        }
    }
}
