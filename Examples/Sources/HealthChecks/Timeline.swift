package import HTTPHandles

/// The phases of a request, by its status events: when each began, when it ended, and what it was about.
package struct Timeline: Sendable, Hashable {
    package enum Phase: String, Sendable, CaseIterable {
        case queue, dns, connect, tls, send, wait, body
    }

    package struct Step: Sendable, Hashable {
        package let phase: Phase
        /// Since the request was begun.
        package let start: Duration
        package internal(set) var end: Duration
        /// The name, the address, the status.
        package internal(set) var detail: String
        /// Whether the phase was completed.
        package internal(set) var isComplete = false
    }

    package private(set) var steps: [Step] = []
    private let start: ContinuousClock.Instant
    /// The last step goes on.
    private var isOpen = false

    package init(since start: ContinuousClock.Instant) {
        self.start = start
    }

    /// The events that it is made of. Hides those for each piece of a body, of which a server can cause any number.
    package static let mask = StatusMask.all.subtracting([.dataAvailable, .writeComplete])

    /// Adds the next event of the request.
    package mutating func add(_ event: StatusEvent) {
        let time = event.time - start
        switch event.kind {
        case .queued: begin(.queue, at: time)
        case .resolvingName(let host): begin(.dns, at: time, host)
        case .nameResolved(let address): complete(.dns, at: time, address)
        case .connectingToServer(let address): begin(.connect, at: time, "\(address)")
        case .connectedToServer: complete(.connect, at: time)
        case .securingConnection: begin(.tls, at: time)
        case .connectionSecured: complete(.tls, at: time)
        case .sendingRequest: begin(.send, at: time)
        case .requestSent: complete(.send, at: time)
        case .receivingResponse: begin(.wait, at: time)
        case .responseReceived(let status, _): complete(.wait, at: time, "\(status.code)")
        case .headersAvailable: begin(.body, at: time)
        case .readComplete(bytes: 0): complete(.body, at: time)
        case .redirect(let url):
            if let last = steps.indices.last { steps[last].detail += " to \((try? HTTPURL(url))?.description ?? "?")" }
        case .requestError, .handleClosing: end(at: time)
        default: break
        }
    }

    private mutating func begin(_ phase: Phase, at time: Duration, _ detail: String = "") {
        // The connection slot is free, or the address did not answer and another one is tried.
        end(at: time)
        if steps.last?.phase == .queue { steps[steps.count - 1].isComplete = true }
        steps.append(Step(phase: phase, start: time, end: time, detail: detail))
        isOpen = true
    }

    private mutating func complete(_ phase: Phase, at time: Duration, _ detail: String? = nil) {
        guard isOpen, let last = steps.indices.last, steps[last].phase == phase else { return }
        if let detail { steps[last].detail += steps[last].detail.isEmpty ? detail : " \(detail)" }
        steps[last].isComplete = true
        end(at: time)
    }

    private mutating func end(at time: Duration) {
        guard isOpen, let last = steps.indices.last else { return }
        steps[last].end = time
        isOpen = false
    }
}

extension Timeline {
    /// A line with a bar for each step, on a common axis.
    package func lines(width: Int = 40) -> [String] {
        let whole = max(steps.last?.end ?? .zero, .microseconds(1))
        return steps.map { step in
            let from = min(Int(step.start / whole * Double(width)), width - 1)
            let to = max(from + 1, min(Int((step.end / whole * Double(width)).rounded(.up)), width))
            let bar =
                String(repeating: " ", count: from) + String(repeating: step.isComplete ? "=" : "x", count: to - from)
            let rest = String(repeating: " ", count: width - to)
            let name = step.phase.rawValue + String(repeating: " ", count: 8 - step.phase.rawValue.count)
            return "  \(name)\(Self.milliseconds(step.end - step.start)) ms |\(bar)\(rest)| \(step.detail)"
        }
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let tenths = Int((duration / .microseconds(100)).rounded())
        let text = "\(tenths / 10).\(tenths % 10)"
        return String(repeating: " ", count: max(0, 9 - text.count)) + text
    }
}
