import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver
import HTTPTypes

/// The options for HAR files.
struct ArchiveOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write the exchange, with each redirect, to a file in HAR 1.2 format that only its owner can read, without bodies and secrets.",
            valueName: "file"
        )
    )
    var har: String?

    @Flag(help: "Include secret header fields, query values and the response body in that file.")
    var harWithSecrets = false

    var redaction: Redaction { harWithSecrets ? .none : .standard }

    func validate() throws {
        if harWithSecrets, har == nil { throw ValidationError("--har-with-secrets needs --har.") }
    }
}

/// Collects the entries of a HAR file: one for each redirect, and one for the last exchange.
final class HARRecorder {
    private let file: WritableFile
    private let redaction: Redaction
    /// To convert the time of an event to a date.
    private let start = (date: Date(), instant: ContinuousClock.now)
    private let collecting: Task<[StatusEvent], Never>
    private var request: RequestHandle?
    private var asked: (method: HTTPRequest.Method, url: String, fields: HTTPFields) = (.get, "", [:])
    var head: ResponseHead?
    var content = HARContent()
    var statistics: RequestStatistics?

    init(_ session: SessionHandle, to file: String, _ redaction: Redaction) throws(HandleError) {
        // Opened first, so that an error is reported before the request is sent.
        self.file = try .privateFile(file)
        self.redaction = redaction
        let events = session.statusEvents(scope: .tree)
        collecting = Task {
            // Of consecutive reads only the last one is needed.
            await events.reduce(into: []) { list, event in
                if case .readComplete = event.kind, case .readComplete? = list.last?.kind { list.removeLast() }
                if event.handle.level == .request { list.append(event) }
            }
        }
    }

    func begin(_ request: RequestHandle, _ method: HTTPRequest.Method, _ url: String, _ fields: HTTPFields) {
        self.request = request
        asked = (method, url, fields)
    }

    /// Waits for the last event, and writes the file.
    func finish(_ failure: TransferFailure?) async throws {
        let events = await collecting.value
        let entries = request.map { self.entries($0, events, failure) } ?? []
        let log: [String: Any] = [
            "version": "1.2", "creator": ["name": "http-handles", "version": "0.1"], "entries": entries,
        ]
        let data = try JSONSerialization.data(
            withJSONObject: ["log": log],
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        )
        do {
            try file.write([UInt8](data))
            try file.complete()
        } catch {
            throw TransferFailure(error)
        }
    }

    private func entries(
        _ request: RequestHandle,
        _ events: [StatusEvent],
        _ failure: TransferFailure?
    ) -> [[String: Any]] {
        // The events of each exchange: a redirect ends an exchange.
        var rounds: [[StatusEvent]] = [[]]
        for event in events {
            rounds[rounds.count - 1].append(event)
            if case .redirect = event.kind { rounds.append([]) }
        }
        let hops = request.hops
        return rounds.enumerated().map { index, round in
            let isLast = index == rounds.count - 1
            var entry = HAREntry(round, start: start, redaction)
            if index < hops.count {
                entry.setRequest(hops[index].method, hops[index].url, hops[index].headerFields)
                entry.setResponse(hops[index].head)
            } else {
                // Without a response the URL of the request is that of the last redirect.
                let last = rounds.dropLast().last?.last?.kind
                let url = if case .redirect(let url)? = last { url } else { asked.url }
                entry.setRequest(asked.method, url, index == 0 ? asked.fields : [:])
                entry.setResponse(head)
            }
            if isLast { entry.setEnd(content, statistics, failure) }
            return entry.object
        }
    }
}
