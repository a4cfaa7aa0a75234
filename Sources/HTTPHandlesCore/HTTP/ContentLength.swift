/// The length that the `Content-Length` fields of a message announce, read byte by byte (RFC 9110, section 8.6; RFC 9112,
/// section 6.3).
///
/// A value is digits, or the same number several times with commas between; so are several fields. Everything else is
/// refused, because another recipient on the way may understand it in another way and see the message end elsewhere: signs,
/// other characters, empty values, different numbers, and numbers beyond 2^63 - 1, which libcurl cannot count.
package struct ContentLength: Sendable {
    package enum Problem: Sendable, Hashable {
        case malformed
        case contradictory

        package var reason: String {
            switch self {
            case .malformed: "the response announces a length that is no number of bytes"
            case .contradictory: "the response announces two different lengths"
            }
        }
    }

    /// What all fields up to here say; `nil` if there was none.
    package private(set) var length: Int64?
    /// What is wrong with them, if anything.
    package private(set) var problem: Problem?
    private var number: Int64?
    private var isAfterNumber = false

    package init() {}

    /// The next byte of a value, without its line end.
    package mutating func take(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9") where !isAfterNumber:
            let (tens, isTooLong) = (number ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, isTooLarge) = tens.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            if isTooLong || isTooLarge { problem = .malformed } else { number = sum }
        case UInt8(ascii: " "), UInt8(ascii: "\t"): isAfterNumber = number != nil
        case UInt8(ascii: ","): endNumber()
        default: problem = .malformed
        }
    }

    /// A value ends, or a member of its list.
    package mutating func endNumber() {
        if let number {
            if let length, length != number { problem = problem ?? .contradictory }
            length = number
        } else {
            problem = .malformed
        }
        number = nil
        isAfterNumber = false
    }
}
