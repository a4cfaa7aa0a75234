import HTTPHandles

/// Where we do otherwise than curl, on purpose.
enum Difference: Sendable, CaseIterable {
    /// curl takes half a head for a response without a body. Nobody can know what was to follow.
    case headEndsEarly
    /// curl takes coded data that end too early for whole if their length is right. What is missing is missing.
    case codingEndsEarly
    /// curl believes the last of two lengths. Somebody on the way may have believed the other (RFC 9112, section 6.3).
    case twoLengths
    /// curl reads a length up to the first byte that is no digit, skips a sign, and reads to the end of the connection where a
    /// number is too large. Another recipient may see the end elsewhere (RFC 9112, section 6.3).
    case noLength
    /// curl reads any number of header lines. Ours have a limit.
    case tooManyLines
    /// curl guesses at status lines that are none; "HTTP" is in capitals (RFC 9112, section 2.3).
    case noStatusLine
    /// curl does not know that several gzip members in a row are one body (RFC 1952, section 2.2).
    case severalMembers
    /// curl refuses codings that it does not know. Whoever asks us gets what was sent, and the header field that says so.
    case unknownCoding
    /// curl calls it a failure to write, 23, where something follows coded data that is not part of them. We leave it out, as
    /// gzip and browsers do.
    case moreBehindCoding

    /// What can happen to any response that is cut off.
    static let ofCuts: Set<Difference?> = [nil, .headEndsEarly, .codingEndsEarly, .moreBehindCoding]

    /// What the two have come to; `nil` if it is the same.
    init?(_ theirs: ResponseOutcome, _ ours: OurOutcome) throws {
        if theirs.body == ours.body, theirs.exitCode == ours.exitCode { return nil }
        guard let found = Self.allCases.first(where: { $0.explains(theirs, ours) }) else {
            let error = ours.error.map { "\($0)" } ?? "success"
            throw SupportFailure(
                "curl: \(theirs.exitCode), \(theirs.body.count) bytes; we: \(error), \(ours.body.count) bytes"
            )
        }
        self = found
    }

    private func explains(_ theirs: ResponseOutcome, _ ours: OurOutcome) -> Bool {
        let reason = ours.error?.reason ?? ""
        return switch self {
        case .headEndsEarly:
            theirs == ResponseOutcome(body: [], exitCode: 0) && ours.body.isEmpty
                && reason == "the connection ended in the middle of the response head"
        case .codingEndsEarly:
            theirs.exitCode == 0 && theirs.body == ours.body && reason.hasSuffix("data are damaged: they end too early")
        case .twoLengths: ours.body.isEmpty && reason == "the response announces two different lengths"
        case .noLength:
            ours.body.isEmpty && reason == "the response announces a length that is no number of bytes"
        case .tooManyLines: ours.body.isEmpty && ours.error?.code == .headerCountExceeded
        case .noStatusLine: ours.body.isEmpty && reason == "the response has no status code"
        case .severalMembers:
            theirs.exitCode == 23 && [0, 18].contains(ours.exitCode) && ours.body.starts(with: theirs.body)
                && ours.body.count > theirs.body.count
        case .unknownCoding: theirs == ResponseOutcome(body: [], exitCode: 61) && [0, 18].contains(ours.exitCode)
        case .moreBehindCoding:
            theirs.exitCode == 23 && [0, 18].contains(ours.exitCode) && theirs.body == ours.body
        }
    }
}

/// What came of a response with us.
struct OurOutcome: Sendable {
    let body: [UInt8]
    let error: HandleError?

    /// What curl would say; `nil` where we say something of our own.
    var exitCode: Int32? {
        guard let error else { return 0 }
        if let curl = error.curl { return curl.code.rawValue }
        // Decoding is ours: CURLE_BAD_CONTENT_ENCODING.
        return error.reason.contains("data are damaged") ? 61 : nil
    }
}
