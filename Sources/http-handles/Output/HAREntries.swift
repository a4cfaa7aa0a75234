import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesTimeline
import HTTPTypes

/// The entries of a transfer in a HAR file: one for each redirect, and one for the last exchange.
struct HAREntries {
    /// Each with its start.
    let entries: [(start: Duration, entry: HARDocument.Entry)]

    /// - Parameter origin: The date of the timeline's beginning.
    init(_ report: TransferReport, _ timeline: Timeline, began origin: Date, _ redaction: Redaction) {
        guard let request = report.request else {
            entries = []
            return
        }
        let rounds = timeline.hops(of: request.id)
        let hops = request.hops
        let count = max(1, rounds.count, hops.count)
        entries = (0..<count).map { index in
            let attempts = index < rounds.count ? rounds[index] : []
            let url = attempts.first?.url ?? report.job.url.text
            let hop =
                index < hops.count
                ? HAREntry(hops[index].method, hops[index].url, hops[index].headerFields, hops[index].head, redaction)
                // Without a response, or without a redirect.
                : HAREntry(report.method, url, index == 0 ? report.fields : [:], report.head, redaction)
            let start = attempts.first?.start ?? .zero
            let date = origin.addingTimeInterval(start / .seconds(1)).ISO8601Format(Self.format)
            return (start, hop.entry(at: date, attempts, index == count - 1 ? report : nil))
        }
    }

    private static let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

/// One exchange.
private struct HAREntry {
    private let method: HTTPRequest.Method
    private let url: String
    private let fields: HTTPFields
    private let head: ResponseHead?
    private let redaction: Redaction

    init(
        _ method: HTTPRequest.Method,
        _ url: String,
        _ fields: HTTPFields,
        _ head: ResponseHead?,
        _ redaction: Redaction
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.head = head
        self.redaction = redaction
    }

    /// - Parameter report: That of the transfer, if this is its last exchange.
    func entry(at date: String, _ attempts: [Timeline.Attempt], _ report: TransferReport?) -> HARDocument.Entry {
        var request = request
        var response = response(report)
        if let statistics = report?.statistics {
            request.headersSize = statistics.requestHeadBytes
            request.bodySize = statistics.requestBodyBytes
            response.bodySize = statistics.responseBodyBytes
        }
        if let failure = report?.failure { response.comment = failure.error.map { "\($0)" } ?? failure.text }
        var entry = HARDocument.Entry(startedAt: date, request, response, HARDocument.Timings(attempts))
        entry.connection = attempts.last?.connection.map { "\($0.number)" }
        // A Unix socket has no port, and no address.
        if let address = attempts.last?.address, address.port != 0 { entry.serverIPAddress = address.host }
        return entry
    }

    private var request: HARDocument.Request {
        var request = HARDocument.Request(method, redaction.url(url), headers(fields))
        if let head { request.httpVersion = "\(head.version)" }
        request.cookies = cookies(fields[values: .cookie].flatMap { $0.split(separator: ";") })
        let query = (URLComponents(string: url)?.queryItems ?? []).map { redaction.parameter($0.name, $0.value) }
        request.queryString = query.map { HARDocument.Pair(name: $0.name, value: $0.value) }
        return request
    }

    private func response(_ report: TransferReport?) -> HARDocument.Response {
        let fields = head?.headerFields ?? [:]
        let type = fields[.contentType]
        let content =
            report?.content.member(type: type, hidesSecrets: redaction.hidesSecrets)
            ?? HARDocument.Content(size: 0, type: type)
        var response = HARDocument.Response(head?.status, headers(fields), content)
        response.httpVersion = head.map { "\($0.version)" } ?? ""
        response.cookies = cookies(fields[values: .setCookie].compactMap { $0.split(separator: ";").first })
        response.redirectURL = redaction.url(fields[.location] ?? "")
        response.headersSize = head.map { Int64($0.rawBytes.count) } ?? -1
        return response
    }

    private func headers(_ fields: HTTPFields) -> [HARDocument.Pair] { HARDocument.Pair.list(redaction.fields(fields)) }

    private func cookies(_ pairs: [Substring]) -> [HARDocument.Pair] {
        pairs.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : ""
            let name = parts.first?.trimmingCharacters(in: .whitespaces) ?? ""
            return HARDocument.Pair(name: name, value: redaction.hidesSecrets ? Redaction.mark : value)
        }
    }
}
