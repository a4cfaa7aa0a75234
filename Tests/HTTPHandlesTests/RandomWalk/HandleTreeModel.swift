import HTTPHandles

/// The reference model of the handle tree: checks all calls, results and events of a walk.
///
/// `EventRecorder` checks the order of events. This model checks that results, events and closing are consistent:
/// - no operation finds a handle closed before a close has begun, and none finds it open afterwards;
/// - exactly one `close` succeeds; each operation has ended, with a result that the server's behaviour allows;
/// - events and results are equal: as many completions, the same errors, the same bytes.
struct HandleTreeModel {
    private let operations: [WalkedOperation]
    private let handles: [WalkedHandle]
    private let byHandle: [HandleID: [WalkedOperation]]

    init(_ history: WalkHistory) {
        operations = history.operations
        handles = history.handles
        // A `fetch` is recorded under its session, but is not an operation of the session.
        byHandle = Dictionary(grouping: operations.filter { $0.call != .fetch }) { $0.handle.id }
    }

    /// All violations.
    ///
    /// - Parameter events: All events of the walk in order, if there was a listener for the whole walk.
    func problems(_ events: [StatusEvent]?) -> [String] {
        var problems: [String] = []
        for operation in operations where operation.result == nil { problems.append("\(operation) did not end") }
        for handle in handles {
            let own = byHandle[handle.id] ?? []
            problems += closingProblems(handle, own)
            if handle.id.level == .request, !handle.hasAnyOptions { problems += exchangeProblems(handle, own) }
        }
        for operation in operations where operation.call == .fetch { problems += fetchProblems(operation) }
        problems += jarProblems()
        if let events { problems += eventProblems(events) }
        return problems
    }

    // MARK: Closing

    private func closingProblems(_ handle: WalkedHandle, _ own: [WalkedOperation]) -> [String] {
        var problems: [String] = []
        let mayBeClosed = firstAttempt(handle, own)
        let isClosed = own.filter(\.showsClosed).map(\.ended).min() ?? .max
        for operation in own {
            let error = operation.result?.error
            let seesClosed = error?.code == .invalidHandle || error?.isCancellation == true
            if seesClosed, operation.ended < mayBeClosed {
                problems.append("\(operation) before the handle was closed")
            }
            if operation.began > isClosed, operation.call != .drop, !seesClosed {
                problems.append("\(operation) on a closed handle")
            }
            let mayBeWrite = operation.call == .send(upload: .stream)
            if error?.code == .invalidHandle, error?.operation != operation.call.operation, !mayBeWrite {
                problems.append("\(operation) names another operation")
            }
        }
        let closes = own.filter { $0.call == .close || $0.call == .closeAll }
        let winners = closes.count { $0.result?.error == nil }
        if winners > 1 { problems.append("\(winners) calls have closed \(handle.id)") }
        let isClosedOtherwise = own.contains { $0.cancelled != nil } || attempts(above: handle).min() != nil
        if winners == 0, !closes.isEmpty, !isClosedOtherwise { problems.append("no call has closed \(handle.id)") }
        return problems
    }

    /// The earliest moment at which anything may have closed the handle.
    private func firstAttempt(_ handle: WalkedHandle, _ own: [WalkedOperation]) -> Int {
        let closes = own.filter { $0.call == .close || $0.call == .closeAll }.map(\.began)
        return (closes + own.compactMap(\.cancelled) + attempts(above: handle)).min() ?? .max
    }

    /// When closing the subtree of an ancestor began.
    private func attempts(above handle: WalkedHandle) -> [Int] {
        guard let parent = handle.parent else { return [] }
        let here = (byHandle[parent.id] ?? []).filter { $0.call == .closeAll }.map(\.began)
        return here + attempts(above: parent)
    }

    // MARK: Results

    private func exchangeProblems(_ handle: WalkedHandle, _ own: [WalkedOperation]) -> [String] {
        var model = RequestModel(handle)
        var problems: [String] = []
        var rest = own.filter(\.call.isExchange)[...]
        while let first = rest.first {
            // Calls that overlap, directly or transitively.
            var end = first.ended
            let group = rest.prefix { operation in
                guard operation.began < end || operation.began == first.began else { return false }
                end = max(end, operation.ended)
                return true
            }
            rest = rest.dropFirst(group.count)
            // Results of a closed handle are checked under closing, and nothing follows them.
            let calls = group.compactMap { operation -> (WalkedCall, WalkedResult)? in
                guard let result = operation.result, !operation.showsClosed else { return nil }
                return (operation.call, result)
            }
            guard !calls.isEmpty else { continue }
            let problem = group.count == 1 ? model.alone(calls[0].0, calls[0].1) : model.together(calls)
            if let problem { problems.append("\(group.map(\.description)): \(problem)") }
        }
        return problems
    }

    private func fetchProblems(_ fetch: WalkedOperation) -> [String] {
        guard let result = fetch.result else { return [] }
        if let error = result.error, error.isCancellation || error.code == .invalidHandle {
            let isExpected =
                fetch.cancelled != nil || firstAttempt(fetch.handle, byHandle[fetch.handle.id] ?? []) < fetch.ended
            return isExpected ? [] : ["\(fetch): nothing was closed"]
        }
        if fetch.handle.hasAnyOptions { return [] }
        var model = RequestModel(fetch.handle)
        let problem =
            switch result {
            case .head: model.together([(.receive, result)])
            default: model.together([(.readToEnd, result)])
            }
        guard problem == nil, case .wholeBody(let bytes) = result else {
            return problem.map { ["\(fetch): \($0)"] } ?? []
        }
        if case .whole(bytes.count) = fetch.handle.behaviour.outcome(isRetried: false).body { return [] }
        return ["\(fetch): the end after \(bytes.count) bytes"]
    }

    // MARK: Cookies

    /// A cookie is in the jar from the time when it was certainly set until it may have been removed, and not outside.
    private func jarProblems() -> [String] {
        let removals = operations.filter { $0.call == .removeCookies && $0.result?.error == nil }
        let settings = operations.compactMap { operation -> (name: String, setting: WalkedOperation)? in
            guard case .setCookie(let name) = operation.call, operation.result?.error == nil else { return nil }
            return (name, operation)
        }
        var problems: [String] = []
        for list in operations {
            guard case .cookies(var names) = list.result else { continue }
            for (name, setting) in settings {
                let isThere = names.remove(name) != nil
                let mayBeGone = removals.contains { $0.ended > setting.began && $0.began < list.ended }
                let isGone = removals.contains { $0.began > setting.ended && $0.ended < list.began }
                if isThere, setting.began > list.ended || isGone { problems.append("\(list): \(name) cannot be there") }
                if !isThere, setting.ended < list.began, !mayBeGone { problems.append("\(list): \(name) is missing") }
            }
            for name in names where !mayBeServers(name, before: list.ended) {
                problems.append("\(list): \(name) was not set")
            }
        }
        return problems
    }

    /// Whether the server may have set that cookie.
    private func mayBeServers(_ name: String, before time: Int) -> Bool {
        operations.contains {
            $0.handle.behaviour == .cookie && name == "walk\($0.handle.number)" && $0.began < time
        }
    }

    // MARK: Events

    private func eventProblems(_ events: [StatusEvent]) -> [String] {
        let heard = Dictionary(grouping: events, by: \.handle)
        var problems: [String] = []
        for handle in handles {
            guard let events = heard[handle.id] else {
                problems.append("\(handle.id) has no events")
                continue
            }
            let closings = events.count { $0.kind == .handleClosing }
            if closings != 1 { problems.append("\(handle.id) was closed \(closings) times") }
            if let last = events.last, last.kind != .handleClosing {
                problems.append("\(handle.id) ends with \(last.kind)")
            }
            if let wrong = events.first(where: { ($0.context as? WalkContext)?.number != handle.context }) {
                problems.append("\(wrong.kind) of \(handle.id) comes without its context")
            }
            if handle.id.level == .request {
                problems += completionProblems(handle, byHandle[handle.id] ?? [], events.map(\.kind))
            }
        }
        return problems
    }

    /// Each end of an operation is an event, and vice versa.
    private func completionProblems(
        _ handle: WalkedHandle,
        _ own: [WalkedOperation],
        _ events: [StatusEvent.Kind]
    ) -> [String] {
        var problems: [String] = []
        func compare(_ what: String, heard: Int, got: Int) {
            if heard != got { problems.append("\(handle.id): \(heard) events of \(what), but \(got) results") }
        }
        let sends = own.filter { $0.call.isSend }
        if !sends.contains(where: { $0.call == .send(upload: .stream) }) {
            let completed = events.count { $0 == .sendRequestComplete }
            compare("sendRequestComplete", heard: completed, got: sends.count { $0.result?.error == nil })
        }
        let receives = own.filter { $0.call == .receive }
        let heads = events.count { $0 == .headersAvailable }
        compare("headersAvailable", heard: heads, got: receives.count { $0.result?.error == nil })

        let retries = events.count { if case .retry = $0 { true } else { false } }
        let maximumRetries = handle.isRetried && handle.behaviour.mayMakeIdempotent(handle.method) ? 2 * sends.count : 0
        if retries > maximumRetries, !handle.hasAnyOptions {
            problems.append("\(handle.id): \(retries) retries of at most \(maximumRetries)")
        }

        var reads = 0
        var bytesRead = 0
        for event in events {
            guard case .readComplete(let bytes) = event else { continue }
            reads += 1
            bytesRead += bytes
        }
        let results = own.compactMap(\.result)
        let ends = results.count { if case .wholeBody = $0 { true } else { false } }
        compare("readComplete", heard: reads, got: results.reduce(ends) { $0 + ($1.bytes?.reads ?? 0) })
        compare("byte", heard: bytesRead, got: results.reduce(0) { $0 + ($1.bytes?.count ?? 0) })

        // An operation on a closed handle has no event; nor has a refused send, read or write.
        for operation in [HandleOperation.sendRequest, .receiveResponse] {
            var heard: [HandleError] = []
            for case .requestError(let error) in events where error.operation == operation { heard.append(error) }
            var mayBeSilent: [HandleError] = []
            for call in own where call.call.operation == operation {
                guard let error = call.result?.error, error.operation == operation else { continue }
                if isSilent(error, call) {
                    mayBeSilent.append(error)
                } else if let index = heard.firstIndex(of: error) {
                    heard.remove(at: index)
                } else {
                    problems.append("\(call) was no event")
                }
            }
            // Only the remaining events: the same error may have been the event of another call.
            for error in mayBeSilent {
                if let index = heard.firstIndex(of: error) { heard.remove(at: index) }
            }
            if !heard.isEmpty { problems.append("\(handle.id): the events \(heard) have no results") }
        }
        return problems
    }

    private func isSilent(_ error: HandleError, _ call: WalkedOperation) -> Bool {
        switch error.code {
        case .invalidHandle: true
        // The task was cancelled before the operation had begun.
        case .operationCancelled: call.cancelled != nil
        case .incorrectHandleState, .invalidParameter, .fileNotReadable, .notSupported: call.call.isSend
        default: false
        }
    }
}

extension WalkedCall {
    fileprivate var isSend: Bool { if case .send = self { true } else { false } }
}

extension WalkedOperation: CustomStringConvertible {
    /// Whether the handle is certainly closed when the operation has ended.
    fileprivate var showsClosed: Bool {
        switch call {
        case .close, .closeAll: result != nil
        default: result?.error?.code == .invalidHandle || result?.error?.isCancellation == true
        }
    }

    var description: String {
        let behaviour = handle.id.level == .request || call == .fetch ? " \(handle.behaviour)" : ""
        let cancelled = cancelled.map { ", cancelled at \($0)" } ?? ""
        let outcome = result.map { "\($0)" } ?? "pending"
        return "[\(began)-\(ended == .max ? "" : "\(ended)")\(cancelled)] \(handle.id)\(behaviour) \(call): \(outcome)"
    }
}
