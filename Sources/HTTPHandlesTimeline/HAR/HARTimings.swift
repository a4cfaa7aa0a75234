import HTTPHandlesCore

extension HARDocument.Timings {
    /// The times of one hop. What is not a phase of the last attempt is in `blocked`: earlier attempts, pauses before
    /// retries, the queue.
    package init(_ attempts: [Timeline.Attempt]) {
        self.init()
        (blocked, dns, connect, ssl) = (-1, -1, -1, -1)
        guard let first = attempts.first, let last = attempts.last else { return }
        dns = last.time(of: .name) ?? -1
        ssl = last.time(of: .secure) ?? -1
        connect = last.time(of: .connect).map { $0 + max(0, ssl ?? 0) } ?? -1
        send = last.time(of: .send) ?? 0
        wait = last.time(of: .wait) ?? 0
        receive = last.time(of: .receive) ?? 0
        let phases = max(0, dns ?? 0) + max(0, connect ?? 0) + send + wait + receive
        blocked = max(0, (last.end - first.start).milliseconds - phases)
        let earlier = attempts.count - 1
        if earlier > 0 { comment = "blocked includes \(earlier == 1 ? "an attempt" : "\(earlier) attempts") before" }
    }
}

extension Timeline.Attempt {
    /// In milliseconds; `nil` if there was no such phase.
    fileprivate func time(of phase: Timeline.Phase) -> Double? {
        let times = segments.filter { $0.phase == phase }.map { ($0.end - $0.start).milliseconds }
        return times.isEmpty ? nil : times.reduce(0, +)
    }
}
