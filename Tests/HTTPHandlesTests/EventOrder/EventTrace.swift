import HTTPHandles
import HTTPHandlesTesting

/// The events of a tree listener of one session as text: a line for each event, `handle  kind(payload)`.
///
/// Values that differ between runs are replaced: handles are numbered within their level, ports and sizes are hidden.
struct EventTrace {
    private(set) var lines: [String]

    init(_ events: [StatusEvent]) {
        let names = Self.names(of: events)
        lines = events.map { (names[$0.handle] ?? "?").padded(to: 12) + Self.text($0.kind, names) }
    }

    /// The output of the tool with `--events text`, for a session with one connection handle and one request.
    init(toolOutput: String) {
        lines = toolOutput.matches(of: /ms  (\w+) \d+ +(.+)/).map { match in
            String(match.1).padded(to: 12)
                + match.2.replacing(/, request: \w+ [^)]*\)/, with: ")").replacing("\"", with: "").replacing(
                    /(session|connection) \d+/
                ) { $0.1 }
        }
    }

    /// Replaces a port.
    func showing(_ port: Int, as shown: Int) -> EventTrace {
        var trace = self
        trace.lines = lines.map { $0.replacing(":\(port)", with: ":\(shown)") }
        return trace
    }

    /// Hides the sizes of messages, which depend on the server and the protocol.
    var withoutSizes: EventTrace {
        var trace = self
        trace.lines = lines.map {
            $0.replacing(/(requestSent|responseReceived)(.*)bytes: \d+\)/) { "\($0.1)\($0.2)bytes: n)" }
        }
        return trace
    }

    /// "request", or "request 2" where there are several.
    private static func names(of events: [StatusEvent]) -> [HandleID: String] {
        var handles: [HandleLevel: [HandleID]] = [:]
        for event in events where handles[event.handle.level]?.contains(event.handle) != true {
            handles[event.handle.level, default: []].append(event.handle)
        }
        var names: [HandleID: String] = [:]
        for (level, handles) in handles {
            for (index, handle) in handles.sorted().enumerated() {
                names[handle] = handles.count == 1 ? "\(level)" : "\(level) \(index + 1)"
            }
        }
        return names
    }

    private static func text(_ kind: StatusEvent.Kind, _ names: [HandleID: String]) -> String {
        switch kind {
        case .handleCreated(let parent, _): "handleCreated(parent: \(names[parent] ?? "?"))"
        case .intermediateResponse(let status, _): "intermediateResponse(status: \(status.code))"
        case .tunnelRefused(let status, _): "tunnelRefused(status: \(status.code))"
        case .alternativeServiceFailed(let error):
            "alternativeServiceFailed(\(error.code) \(error.code.rawValue))"
        case .nextProxy(let error): "nextProxy(after: \(error.code) \(error.code.rawValue))"
        case .secureFailure(.unknownAuthority): "secureFailure(unknownAuthority)"
        // libcurl's text, which differs between versions.
        case .requestError(let error):
            "requestError(\(error.operation), \(error.code) \(error.code.rawValue)\(error.phase.map { ", \($0)" } ?? ""))"
        case .socketFailed(let error): "socketFailed(\(error.code) \(error.code.rawValue))"
        default: "\(kind)".replacing("\"", with: "")
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
