/// Parses the `Content-Length` fields of a message, byte by byte (RFC 9110, section 8.6; RFC 9112, section 6.3).
///
/// A value is a decimal number, or a list of equal numbers; there may be several equal fields. Everything else is
/// refused, because an intermediary may interpret it differently (response splitting): signs, other characters, empty
/// values, different numbers, and numbers above 2^63 - 1, which libcurl does not support.
package struct ContentLength: Sendable {
    package enum Problem: Sendable, Hashable {
        case malformed
        case contradictory

        package var reason: String {
            switch self {
            case .malformed: "Content-Length of the response is not a number from 0 to 2^63 - 1"
            case .contradictory: "Content-Length of the response has two different values"
            }
        }
    }

    /// The length according to all fields so far; `nil` if there was none.
    package private(set) var length: Int64?
    /// The first problem of the fields, if there is one.
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

    /// Ends a field value or a list element.
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
