package import HTTPHandles

/// Progress as text, with the rate since the download was begun, and the time that is left at that rate.
package struct ProgressText: Sendable {
    private var first: (received: UInt64, time: Duration)?

    package init() {}

    /// - Parameters:
    ///   - progress: The progress.
    ///   - time: The time since any moment, which is the same for all calls.
    package mutating func text(_ progress: DownloadProgress, at time: Duration) -> String {
        let first = self.first ?? (progress.received, time)
        self.first = first
        var text = progress.fraction.map { "\(Int($0 * 100)) %  " } ?? ""
        text += Self.size(Double(progress.received))
        if let expected = progress.expected { text += " of \(Self.size(Double(expected)))" }
        let seconds = (time - first.time) / .seconds(1)
        // Another version begins at the start again.
        guard seconds > 0, progress.received > first.received else { return text }
        let rate = Double(progress.received - first.received) / seconds
        text += "  \(Self.size(rate))/s"
        guard let expected = progress.expected, expected > progress.received else { return text }
        let left = Int(min(Double(expected - progress.received) / rate, 360_000))
        let parts = [left / 3600, left / 60 % 60, left % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return text + "  \(parts.joined(separator: ":")) left"
    }

    private static func size(_ bytes: Double) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard bytes >= 1024 else { return "\(Int(bytes)) B" }
        var (value, unit) = (bytes / 1024, 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        let tenths = Int(value * 10)
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
