import Foundation
import HTTPHandles
import HTTPHandlesDriver
import HTTPHandlesTimeline

/// What a session does, for `--timing`, `--har` and `--report`.
final class SessionRecording {
    private struct Collected: Sendable {
        var timeline: Timeline
        var events: [ReportPage.Event] = []
        var omitted = 0
    }

    /// The most events in a report.
    private static let eventLimit = 10_000

    private let collecting: Task<Collected, Never>
    /// To convert the time of an event to a date.
    private let start = (date: Date(), instant: ContinuousClock.now)
    private let output: RecordingOptions.Files
    /// The transfers, in the order in which they ended.
    private var reports: [TransferReport] = []
    /// The errors of transfers, which are shown behind the waterfall.
    private var errors: [String] = []

    init(_ session: SessionHandle, _ output: RecordingOptions.Files) {
        self.output = output
        // An archive has all exchanges; what is looked at has an end.
        let timeline = Timeline(limit: output.har == nil ? 1000 : .max)
        collecting = Self.collecting(session.statusEvents(scope: .tree), timeline, isReported: output.report != nil)
    }

    private static func collecting(
        _ events: AsyncStream<StatusEvent>,
        _ timeline: Timeline,
        isReported: Bool
    ) -> Task<Collected, Never> {
        Task { await collect(events, timeline, isReported: isReported) }
    }

    private static func collect(
        _ events: AsyncStream<StatusEvent>,
        _ timeline: Timeline,
        isReported: Bool
    ) async -> Collected {
        var collected = Collected(timeline: timeline)
        for await event in events {
            collected.timeline.add(event)
            guard isReported else { continue }
            if collected.events.count < eventLimit {
                let time = event.time - (collected.timeline.origin ?? event.time)
                collected.events.append(ReportPage.Event(event, at: time))
            } else {
                collected.omitted += 1
            }
        }
        return collected
    }

    func add(_ report: TransferReport) {
        if output.har != nil || output.report != nil { reports.append(report) }
    }

    /// Shows an error behind the waterfall: it is the last line.
    func show(_ error: String) { errors.append(error) }

    /// Waits for the last event, which is the session's `handleClosing`, and writes everything.
    func finish() async throws {
        let collected = await collecting.value
        let timeline = collected.timeline
        if output.timing { Waterfall(timeline, on: Terminal.screen).lines.forEach(Terminal.say) }
        errors.forEach(Terminal.say)
        if let har = output.har {
            let document = HARDocument(
                creator: .init(name: "http-handles", version: "0.1"),
                entries(timeline, output.redaction)
            )
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try write(Array(try encoder.encode(document)), to: har)
        }
        if let report = output.report {
            let page = ReportPage(
                timeline,
                entries(timeline, .standard),
                collected.events,
                omitted: collected.omitted,
                date: start.date.ISO8601Format()
            )
            try write(Array(page.html.utf8), to: report)
        }
    }

    private func entries(_ timeline: Timeline, _ redaction: Redaction) -> [HARDocument.Entry] {
        let origin = timeline.origin ?? start.instant
        let began = start.date.addingTimeInterval((origin - start.instant) / .seconds(1))
        return reports.flatMap { HAREntries($0, timeline, began: began, redaction).entries }
            .sorted { $0.start < $1.start }.map(\.entry)
    }

    private func write(_ bytes: [UInt8], to file: WritableFile) throws(TransferFailure) {
        do {
            try file.write(bytes)
            try file.complete()
        } catch {
            throw TransferFailure(error)
        }
    }
}
