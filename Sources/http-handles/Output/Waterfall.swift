import Foundation
import HTTPHandles

/// The phases of a request as bars on a common time axis.
struct Waterfall {
    let lines: [String]

    init(_ times: RequestTimes) {
        let moments: [(String, Duration?)] = [
            ("name resolved", times.nameResolved), ("connected", times.connected), ("secured", times.secured),
            ("request sent", times.sending), ("first byte", times.firstByte), ("last byte", times.total),
        ]
        let width = 40.0
        let whole = max(times.total, .microseconds(1))
        var start = Duration.zero
        lines = moments.compactMap { name, end in
            guard let end else { return nil }
            let from = Int((start / whole * width).rounded())
            let to = max(from + 1, Int((end / whole * width).rounded()))
            let bar = String(repeating: " ", count: min(from, Int(width))) + String(repeating: "=", count: to - from)
            let label = name.padding(toLength: 14, withPad: " ", startingAt: 0)
            let text = bar.padding(toLength: Int(width) + 1, withPad: " ", startingAt: 0)
            defer { start = end }
            return label + String(format: "%9.3f ms  |", end / .milliseconds(1)) + text + "|"
        }
    }
}
