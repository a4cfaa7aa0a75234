import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesTimeline

/// Writes all events of a session to standard error as they happen, without secrets.
struct EventPrinter {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    private let printing: Task<Void, Never>

    init(_ session: SessionHandle, as format: Format) {
        let events = session.statusEvents(scope: .tree)
        let start = ContinuousClock.now
        printing = Task {
            for await event in events {
                Terminal.say(format == .text ? Self.text(event, since: start) : Self.json(event, since: start))
            }
        }
    }

    /// Waits for the last event, which is the session's `handleClosing`.
    func finish() async {
        await printing.value
    }

    static func text(_ event: StatusEvent, since start: ContinuousClock.Instant) -> String {
        let time = String(format: "%9.3f ms", (event.time - start) / .milliseconds(1))
        let handle = "\(event.handle)".padding(toLength: 14, withPad: " ", startingAt: 0)
        return "\(time)  \(handle)  \(event.kind.text)"
    }

    /// One object on one line.
    static func json(_ event: StatusEvent, since start: ContinuousClock.Instant) -> String {
        var object: [String: Any] = [
            "handle": event.handle.number, "level": "\(event.handle.level)", "sequence": event.sequence,
            "milliseconds": (event.time - start) / .milliseconds(1), "kind": event.kind.name,
        ]
        if let connection = event.connection { object["connection"] = connection.number }
        object.merge(event.kind.redacted().payload) { first, _ in first }
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension StatusEvent.Kind {
    fileprivate var payload: [String: Any] {
        switch self {
        case .handleCreated(let parent, let request?):
            ["parent": parent.number, "method": request.method.rawValue, "url": request.url]
        case .handleCreated(let parent, nil): ["parent": parent.number]
        case .resolvingName(let host): ["host": host]
        case .nameResolved(let address): ["address": address]
        case .connectingToServer(let address), .connectedToServer(let address), .connectionReused(let address):
            ["address": "\(address)"]
        case .secureFailure(let failure): ["flags": failure.rawValue]
        case .responseReceived(let status, let bytes): ["status": status.code, "bytes": bytes]
        case .requestSent(let bytes), .dataAvailable(let bytes),
            .readComplete(let bytes), .writeComplete(let bytes):
            ["bytes": bytes]
        case .webSocketReadComplete(let bytes, let kind), .webSocketWriteComplete(let bytes, let kind):
            ["bytes": bytes, "message": "\(kind)"]
        case .webSocketCloseReceived(let status): ["code": Int(status.code.rawValue), "reason": status.reason]
        case .intermediateResponse(let status, _), .tunnelRefused(let status, _): ["status": status.code]
        case .nextProxy(let error), .alternativeServiceFailed(let error): ["reason": error.reason]
        case .redirect(let url): ["url": url]
        case .retry(let attempt, let delay, let cause):
            ["attempt": attempt, "seconds": delay / .seconds(1), "cause": "\(cause)"]
        case .retryRefused(let refusal, let cause): ["refusal": "\(refusal)", "cause": "\(cause)"]
        case .requestError(let error), .socketFailed(let error):
            [
                "code": error.code.name, "number": error.code.rawValue, "operation": "\(error.operation)",
                "reason": error.reason,
            ]
        default: [:]
        }
    }
}
