package import HTTPHandlesCore

extension StatusEvent.Kind {
    /// The event without secrets, as a text of one line.
    package var text: String {
        guard case .handleCreated(let parent, let request) = self else { return "\(redacted())" }
        return "\(name)(parent: \(parent)\(request.map { ", request: \($0)" } ?? ""))"
    }
}
