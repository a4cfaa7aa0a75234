import HTTPHandles

/// Intended differences to curl.
enum Difference: Sendable, CaseIterable {
    /// curl accepts a truncated head as a response without a body. Here it is an error.
    case headEndsEarly
    /// curl accepts truncated coded data if `Content-Length` matches. Here they are an error.
    case codingEndsEarly
    /// curl uses the last of two lengths. An intermediary may have used the other (RFC 9112, section 6.3).
    case twoLengths
    /// curl parses a length up to the first byte that is not a digit, skips a sign, and reads to the end of the connection if
    /// the number is too large. An intermediary may interpret it differently (RFC 9112, section 6.3).
    case noLength
    /// curl does not limit the number of header lines.
    case tooManyLines
    /// curl accepts malformed status lines; "HTTP" must be upper case (RFC 9112, section 2.3).
    case noStatusLine
    /// curl does not support bodies with several gzip members (RFC 1952, section 2.2).
    case severalMembers
    /// curl refuses unknown codings. Here the body is delivered undecoded, with the header field.
    case unknownCoding
    /// curl fails with a write error, 23, if other bytes follow coded data. Here they are ignored, as by gzip and browsers.
    case moreBehindCoding

    /// The differences that any truncated response can have.
    static let ofCuts: Set<Difference?> = [nil, .headEndsEarly, .codingEndsEarly, .moreBehindCoding]

    /// The difference between two results; `nil` if they are the same.
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
            theirs.exitCode == 0 && theirs.body == ours.body
                && reason.hasSuffix("data are malformed: they are truncated")
        case .twoLengths: ours.body.isEmpty && reason == "Content-Length of the response has two different values"
        case .noLength:
            ours.body.isEmpty && reason == "Content-Length of the response is not a number from 0 to 2^63 - 1"
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

/// The result of the library.
struct OurOutcome: Sendable {
    let body: [UInt8]
    let error: HandleError?

    /// The corresponding exit code of curl; `nil` for errors that curl does not have.
    var exitCode: Int32? {
        guard let error else { return 0 }
        if let curl = error.curl { return curl.code.rawValue }
        // The library decodes itself: CURLE_BAD_CONTENT_ENCODING.
        return error.reason.contains("data are malformed") ? 61 : nil
    }
}
