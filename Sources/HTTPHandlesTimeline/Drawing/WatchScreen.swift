import HTTPHandlesCore

/// What `watch` shows of a session: its handles, connections, requests and last events, as lines that fit a terminal.
package struct WatchScreen {
    /// The numbers in the first line.
    package struct Progress: Sendable, Hashable {
        package var round = 0
        package var rounds: Int?
        package var requests = 0
        package var failures = 0

        package init(rounds: Int? = nil) {
            self.rounds = rounds
        }

        package var text: String {
            "round \(round)\(rounds.map { " of \($0)" } ?? ""), \(requests) request\(requests == 1 ? "" : "s"), "
                + "\(failures) failed"
        }
    }

    package let lines: [String]

    /// - Parameters:
    ///   - events: The last ones, each as a line.
    ///   - now: Since the beginning of the timeline.
    package init(_ timeline: Timeline, _ progress: Progress, _ events: [String], now: Duration, on screen: Screen) {
        let seconds = Int(min(now.milliseconds / 1000, 1e12))
        var lines = ["http-handles watch: \(progress.text), \(seconds) s (Ctrl-C ends)"]
        // A heading for each part; what is left goes to requests and events.
        let space = screen.rows - 5
        lines += Self.part("handles", Self.handles(timeline), space / 3)
        lines += Self.part("connections", Self.connections(timeline), space / 5)
        let left = screen.rows - lines.count
        lines += Self.part("requests", Self.requests(timeline, now, screen), left - left / 3)
        lines += Self.part("events", events.map { "  " + TerminalText.ascii($0) }, screen.rows - lines.count)
        self.lines = lines.prefix(screen.rows).map(screen.cut)
    }

    /// An attempt that has ended, where there is no terminal.
    package static func line(_ number: Int, _ attempt: Timeline.Attempt) -> String {
        let time = (attempt.end - attempt.start).millisecondText
        return TerminalText.ascii("\(number)  \(attempt.title)  \(attempt.summary)  \(time)")
    }

    /// A heading, and the last ones of its lines.
    private static func part(_ title: String, _ lines: [String], _ count: Int) -> [String] {
        count < 2 ? [] : [title] + lines.suffix(count - 1)
    }

    /// The tree, with the last event of each handle.
    private static func handles(_ timeline: Timeline) -> [String] {
        let open = Set(timeline.handles.map(\.id))
        func lines(below handles: [Timeline.OpenHandle], _ indent: String) -> [String] {
            handles.flatMap { handle in
                let words = ["\(handle.id)", handle.last, handle.purpose].filter { !$0.isEmpty }
                let children = timeline.handles.filter { $0.parent == handle.id }
                return [indent + TerminalText.ascii(words.joined(separator: "  "))]
                    + lines(below: children, indent + "  ")
            }
        }
        return lines(below: timeline.handles.filter { !($0.parent.map(open.contains) ?? false) }, "  ")
    }

    private static func connections(_ timeline: Timeline) -> [String] {
        timeline.connections.map { connection in
            let address = connection.address.map { "\($0)" } ?? ""
            let state = connection.closed == nil ? "open" : "closed"
            return "  \(connection.id) \(TerminalText.ascii(address))  \(state), used \(connection.uses) "
                + "time\(connection.uses == 1 ? "" : "s")"
        }
    }

    /// Each attempt with a bar whose length is its time, and in which each phase has its letter.
    private static func requests(_ timeline: Timeline, _ now: Duration, _ screen: Screen) -> [String] {
        let shown = timeline.attempts.suffix(screen.rows)
        let longest = shown.map { $0.time(at: now) }.max() ?? .zero
        let whole = max(longest, .microseconds(1))
        let cells = max(8, screen.columns / 3)
        let first = timeline.forgotten + timeline.attempts.count - shown.count
        return zip(1..., shown).map { number, attempt in
            let bar = attempt.letters(at: now, whole: whole, cells: cells)
            let time = attempt.time(at: now).millisecondText.padded(to: 14, left: true)
            let status = attempt.status.map { "\($0)" } ?? "---"
            let connection = attempt.connection.map { "\($0)\(attempt.isReused ? "" : " new")" } ?? ""
            let title = TerminalText.ascii(attempt.title)
            let rest = screen.columns - cells - 40
            let name =
                title.utf8.count <= rest ? title : String(decoding: title.utf8.prefix(max(0, rest)), as: UTF8.self)
            return "\("\(first + number)".padded(to: 6, left: true)) \(status) \(connection.padded(to: 9)) \(time) "
                + "|\(bar)| \(name)"
        }
    }
}

extension Timeline.Phase {
    /// For bars in one line.
    fileprivate var letter: String {
        switch self {
        case .queue: "q"
        case .name: "n"
        case .connect: "c"
        case .secure: "t"
        case .send: "s"
        case .wait: "w"
        case .receive: "r"
        }
    }
}

extension Timeline.Attempt {
    /// Whether something still happens.
    private var isRunning: Bool { phase != nil }

    fileprivate func time(at now: Duration) -> Duration { (isRunning ? max(now, end) : end) - start }

    fileprivate func letters(at now: Duration, whole: Duration, cells: Int) -> String {
        var text = ""
        for segment in segments {
            let isLast = segment == segments.last && isRunning
            let end = (isLast ? max(now, segment.end) : segment.end) - start
            let to = Int((min(max(end / whole, 0), 1) * Double(cells)).rounded(.up))
            // A phase that is too short for the line is left out, unless it is the last one.
            if to > text.utf8.count { text += String(repeating: segment.phase.letter, count: to - text.utf8.count) }
        }
        return text.padded(to: cells)
    }
}
