import HTTPHandlesCore
import HTTPTypes

/// A timeline as text: all phases of all attempts as bars on one time axis.
package struct Waterfall {
    package let lines: [String]

    package init(_ timeline: Timeline, on screen: Screen) {
        guard !timeline.attempts.isEmpty else {
            lines = []
            return
        }
        let start = timeline.start
        let whole = max(timeline.end - start, .microseconds(1))
        let label = 3 + 12 + 1 + 13
        let cells = screen.columns - label - 4
        var lines: [String] = []
        for (index, attempt) in timeline.attempts.enumerated() {
            lines.append("\(index + 1)".padded(to: 3) + TerminalText.ascii(attempt.title))
            lines.append("   " + TerminalText.ascii(attempt.summary))
            for segment in attempt.segments {
                let bar = screen.bar(
                    from: (segment.start - start) / whole,
                    to: (segment.end - start) / whole,
                    cells: cells
                )
                let time = (segment.end - segment.start).millisecondText.padded(to: 13, left: true)
                let name = segment.phase.label.padded(to: 12)
                lines.append("   \(name) \(time) \(screen.edge)\(bar)\(screen.edge)")
            }
        }
        if timeline.omitted > 0 { lines.append("   and \(timeline.omitted) more") }
        lines.append("   \("total".padded(to: 12)) \(whole.millisecondText.padded(to: 13, left: true))")
        self.lines = lines
    }
}

extension Timeline.Attempt {
    /// The method, and the URL without secrets.
    package var title: String { "\(method?.rawValue ?? "->") \(Redaction.standard.url(url))" }

    /// What the server answered, over which connection, and what came of it.
    package var summary: String {
        [status.map { "status \($0)" } ?? "no response", connectionText, outcome.text].compactMap(\.self)
            .joined(separator: ", ")
    }

    private var connectionText: String? {
        guard let address else { return nil }
        let name = connection.map { " \($0)" } ?? ""
        return isReused ? "reused connection\(name)" : "new connection\(name) to \(address)"
    }
}

extension Timeline.Outcome {
    /// `nil` if there is nothing to say.
    package var text: String? {
        switch self {
        case .open: "closed before its end"
        case .complete: nil
        case .redirected: "redirected"
        case .retried(let delay): "sent again after \(delay.millisecondText)"
        case .resent: "sent again"
        case .failed(let reason): reason
        }
    }
}
