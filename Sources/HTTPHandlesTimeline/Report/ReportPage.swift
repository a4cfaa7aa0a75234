package import HTTPHandlesCore

/// A page about what a session did: waterfall, connections, exchanges and events.
///
/// It needs no other file and has no script. Its policy for content (CSP) forbids both, and everything from outside is escaped.
package struct ReportPage {
    /// A line of the list of events.
    package struct Event: Sendable {
        let time: Duration
        let handle: String
        let text: String

        /// - Parameter time: Since the beginning of the timeline.
        package init(_ event: StatusEvent, at time: Duration) {
            self.time = time
            handle = "\(event.handle)"
            text = event.kind.text
        }
    }

    private let timeline: Timeline
    private let entries: [HARDocument.Entry]
    private let events: [Event]
    private let omittedEvents: Int
    private let date: String

    /// - Parameters:
    ///   - entries: The exchanges, without secrets.
    ///   - date: When the session was opened.
    package init(
        _ timeline: Timeline,
        _ entries: [HARDocument.Entry],
        _ events: [Event],
        omitted: Int = 0,
        date: String
    ) {
        self.timeline = timeline
        self.entries = entries
        self.events = events
        omittedEvents = omitted
        self.date = date
    }

    package var html: String {
        let policy = "default-src 'none'; style-src '\(ReportStyle.hash)'; base-uri 'none'; form-action 'none'"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <meta name="referrer" content="no-referrer">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>http-handles report</title>
            <style>\(ReportStyle.text)</style>
            </head>
            <body>
            <h1>http-handles report</h1>
            \(HTMLText.element("p", class: "note", summary))
            <h2>Waterfall</h2>
            \(legend)
            \(waterfall)<h2>Connections</h2>
            \(connections)<h2>Exchanges</h2>
            \(exchanges)<h2>Events</h2>
            \(eventList)</body>
            </html>

            """
    }

    private var summary: String {
        let reused = timeline.attempts.filter(\.isReused).count
        return "\(date) · \(Self.count(timeline.attempts.count + timeline.omitted, "attempt")) over "
            + "\(Self.count(timeline.connections.count, "connection")), \(reused) on a reused one · "
            + (timeline.end - timeline.start).millisecondText
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    // MARK: Waterfall

    private var legend: String {
        let items = Timeline.Phase.allCases.map { phase in
            "<span><i class=\"\(Self.style(of: phase))\"></i>\(HTMLText.escaped(phase.label))</span>"
        }
        return "<p class=\"legend\">\(items.joined())</p>"
    }

    private var waterfall: String {
        let rows = timeline.attempts.enumerated().map { index, attempt in
            [
                "\(index + 1)", HTMLText.element("code", attempt.title),
                HTMLText.escaped(attempt.summary), (attempt.end - attempt.start).millisecondText,
                chart(attempt.segments.map { ($0.start, $0.end, Self.style(of: $0.phase), $0.phase.label) }),
            ]
        }
        let more = timeline.omitted > 0 ? HTMLText.element("p", class: "note", "and \(timeline.omitted) more") : ""
        let titles = [
            "#", "Request", "What happened", "Time",
            "0 to \((timeline.end - timeline.start).millisecondText)",
        ]
        return HTMLText.table(class: "waterfall", titles, rows) + more
    }

    /// Bars on the axis of all attempts, each with its text.
    private func chart(_ bars: [(start: Duration, end: Duration, style: String, text: String)]) -> String {
        let start = timeline.start
        let whole = max(timeline.end - start, .microseconds(1))
        let shapes = bars.map { bar in
            let from = min(max(0, (bar.start - start) / whole), 1)
            let to = min(max(from, (bar.end - start) / whole), 1)
            // At least two thousandths, or nothing would be seen.
            let place =
                "x=\"\(Self.thousandths(from))\" width=\"\(max(2, Self.thousandths(to) - Self.thousandths(from)))\""
            let text = HTMLText.escaped("\(bar.text): \((bar.end - bar.start).millisecondText)")
            return "<rect class=\"\(bar.style)\" \(place) y=\"2\" height=\"12\"><title>\(text)</title></rect>"
        }
        return "<svg viewBox=\"0 0 1002 16\" preserveAspectRatio=\"none\" role=\"img\">\(shapes.joined())</svg>"
    }

    private static func thousandths(_ share: Double) -> Int { Int(share * 1000) }

    private static func style(of phase: Timeline.Phase) -> String { "p-\(phase)" }

    // MARK: Connections

    private var connections: String {
        let rows = timeline.connections.map { connection in
            let uses = connection.attempts.map { timeline.attempts[$0] }
            let closed = connection.closed.map { "closed at \($0.millisecondText)" } ?? "open to the end"
            return [
                HTMLText.escaped("\(connection.id)"),
                HTMLText.element("code", connection.address.map { "\($0)" } ?? ""),
                HTMLText.escaped(connection.attempts.map { "\($0 + 1)" }.joined(separator: ", ")),
                "\(uses.filter(\.isReused).count)",
                HTMLText.escaped("opened at \(connection.opened.millisecondText), \(closed)"),
                chart(
                    zip(connection.attempts, uses).map {
                        ($1.start, $1.end, $1.isReused ? "c-reused" : "c-new", "attempt \($0 + 1)")
                    }
                ),
            ]
        }
        return HTMLText.table(
            class: "waterfall",
            ["Connection", "Address", "Attempts", "Reuses", "Life", "In use"],
            rows
        )
    }

    // MARK: Exchanges

    private var exchanges: String { entries.enumerated().map { exchange($0, $1) }.joined() }

    private func exchange(_ index: Int, _ entry: HARDocument.Entry) -> String {
        let response = entry.response
        let answer = response.status == 0 ? "no response" : "\(response.status) \(response.statusText)"
        let title = "\(entry.request.method) \(entry.request.url)"
        return """
            <details\(index == 0 ? " open" : "")><summary>\(HTMLText.element("code", title)) \(HTMLText.escaped(answer))</summary>
            \(HTMLText.element("p", class: "note", facts(of: entry)))
            <h3>Request fields</h3>
            \(fields(entry.request.headers))<h3>Response fields</h3>
            \(fields(response.headers))</details>

            """
    }

    private func facts(of entry: HARDocument.Entry) -> String {
        let connection = entry.connection.map { "connection #\($0)" }
        let type = entry.response.content.mimeType
        let body = "\(entry.response.content.size) bytes of body"
        return [
            entry.startedDateTime, entry.response.httpVersion, entry.serverIPAddress ?? "", connection ?? "",
            entry.request.httpVersion.isEmpty ? "" : body, type, entry.response.comment ?? "",
            entry.timings.comment ?? "",
        ].filter { !$0.isEmpty }.joined(separator: " · ")
    }

    private func fields(_ fields: [HARDocument.Pair]) -> String {
        guard !fields.isEmpty else { return HTMLText.element("p", class: "note", "none of the caller's") }
        return HTMLText.table(
            class: "fields",
            ["Name", "Value"],
            fields.map { [HTMLText.element("code", $0.name), HTMLText.element("code", $0.value)] }
        )
    }

    // MARK: Events

    private var eventList: String {
        let rows = events.map { event in
            [event.time.millisecondText, HTMLText.escaped(event.handle), HTMLText.element("code", event.text)]
        }
        let more = omittedEvents > 0 ? HTMLText.element("p", class: "note", "and \(omittedEvents) more") : ""
        return HTMLText.table(class: "events", ["Time", "Handle", "Event"], rows) + more
    }
}
