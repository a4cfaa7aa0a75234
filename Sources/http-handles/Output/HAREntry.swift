import Foundation
import HTTPHandles
import HTTPTypes

/// One exchange in a HAR file (HAR 1.2, "entries"). -1 means unknown.
struct HAREntry {
    private(set) var object: [String: Any]
    private let redaction: Redaction

    init(_ events: [StatusEvent], start: (date: Date, instant: ContinuousClock.Instant), _ redaction: Redaction) {
        self.redaction = redaction
        let timings = Self.timings(events)
        let began = events.first.map { $0.time - start.instant } ?? .zero
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        object = [
            "startedDateTime": formatter.string(from: start.date.addingTimeInterval(began / .seconds(1))),
            // "connect" includes the TLS handshake.
            "time": timings.filter { $0.key != "ssl" && $0.value >= 0 }.values.reduce(0, +),
            "timings": timings, "cache": [String: Any](),
        ]
        for event in events {
            switch event.kind {
            case .connectedToServer(let address), .connectionReused(let address):
                object["serverIPAddress"] = address.host
            default: break
            }
        }
    }

    mutating func setRequest(_ method: HTTPRequest.Method, _ url: String, _ fields: HTTPFields) {
        let query = (URLComponents(string: url)?.queryItems ?? []).map { redaction.parameter($0.name, $0.value) }
        object["request"] = [
            "method": method.rawValue, "url": redaction.url(url), "httpVersion": "HTTP/1.1",
            "cookies": cookies(fields[values: .cookie].flatMap { $0.split(separator: ";") }),
            "headers": headers(fields), "queryString": query.map { ["name": $0.name, "value": $0.value] },
            "headersSize": -1, "bodySize": -1,
        ]
    }

    /// - Parameter head: `nil` if there was no response.
    mutating func setResponse(_ head: ResponseHead?) {
        let fields = head?.headerFields ?? [:]
        let version = head.map { "\($0.version)" } ?? ""
        if head != nil, var request = object["request"] as? [String: Any] {
            request["httpVersion"] = version
            object["request"] = request
        }
        object["response"] = [
            "status": head?.status.code ?? 0, "statusText": head?.status.reasonPhrase ?? "", "httpVersion": version,
            "cookies": cookies(fields[values: .setCookie].compactMap { $0.split(separator: ";").first }),
            "headers": headers(fields), "content": ["size": 0, "mimeType": fields[.contentType] ?? ""],
            "redirectURL": redaction.url(fields[.location] ?? ""), "headersSize": head?.rawBytes.count ?? -1,
            "bodySize": -1,
        ]
    }

    /// Sets the values that are known only for the last exchange.
    mutating func setEnd(
        _ body: HARContent,
        _ statistics: RequestStatistics?,
        _ failure: TransferFailure?
    ) {
        guard var request = object["request"] as? [String: Any], var response = object["response"] as? [String: Any]
        else { return }
        if let statistics {
            request["headersSize"] = statistics.requestHeadBytes
            request["bodySize"] = statistics.requestBodyBytes
            response["bodySize"] = statistics.responseBodyBytes
        }
        if var content = response["content"] as? [String: Any] {
            content.merge(body.object(redaction)) { $1 }
            response["content"] = content
        }
        if let failure { response["comment"] = failure.error.map { "\($0)" } ?? failure.text }
        object["request"] = request
        object["response"] = response
    }

    private func headers(_ fields: HTTPFields) -> [[String: String]] {
        fields.map { ["name": $0.name.rawName, "value": redaction.value(of: $0)] }
    }

    private func cookies(_ pairs: [Substring]) -> [[String: String]] {
        pairs.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : ""
            let name = parts.first?.trimmingCharacters(in: .whitespaces) ?? ""
            return ["name": name, "value": redaction.hidesSecrets ? Redaction.mark : value]
        }
    }

    /// In milliseconds. -1 for a phase that did not happen, but 0 for send, wait and receive, as the format requires.
    private static func timings(_ events: [StatusEvent]) -> [String: Double] {
        func time(_ names: String..., last: Bool = false) -> ContinuousClock.Instant? {
            (last ? events.reversed() : events).first { names.contains($0.kind.name) }?.time
        }
        func between(_ from: ContinuousClock.Instant?, _ to: ContinuousClock.Instant?) -> Double? {
            guard let from, let to, from <= to else { return nil }
            return (to - from) / .milliseconds(1)
        }
        let sent = time("requestSent", last: true)
        let answered = time("responseReceived", last: true)
        return [
            "blocked": between(time("queued"), time("resolvingName", "connectingToServer", "connectionReused")) ?? -1,
            "dns": between(time("resolvingName"), time("nameResolved")) ?? -1,
            "connect": between(time("connectingToServer"), time("connectionSecured") ?? time("connectedToServer"))
                ?? -1,
            "ssl": between(time("securingConnection"), time("connectionSecured")) ?? -1,
            "send": between(time("sendingRequest"), sent) ?? 0, "wait": between(sent, answered) ?? 0,
            "receive": between(answered, time("readComplete", "redirect", "requestError", last: true)) ?? 0,
        ]
    }
}
