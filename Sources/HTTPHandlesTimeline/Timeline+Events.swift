package import HTTPHandlesCore
import HTTPTypes

extension Timeline {
    /// Takes the next event, in the order in which they came. Returns the attempt that it has ended.
    @discardableResult
    package mutating func add(_ event: StatusEvent) -> Attempt? {
        ended = nil
        let origin = origin ?? event.time
        self.origin = origin
        let time = event.time - origin
        note(event)
        if case .connectionClosed = event.kind, let connection = event.connection { closed(connection, time) }
        if event.handle.level == .request { take(event, time) }
        return ended
    }

    private mutating func take(_ event: StatusEvent, _ time: Duration) {
        let request = event.handle
        switch event.kind {
        case .handleCreated(_, let summary):
            courses[request] = Course(method: summary?.method, url: summary?.url ?? "")
        case .detectingProxy, .queued: begin(.queue, request, time)
        case .resolvingName: begin(.name, request, time)
        case .nameResolved: endPhase(request, time)
        case .connectingToServer(let address):
            // Another address of the same name continues the phase.
            if current(request)?.phase != .connect { begin(.connect, request, time) }
            connect(request, event.connection, address, isReused: false, time)
        case .connectedToServer(let address):
            connect(request, event.connection, address, isReused: false, time)
            endPhase(request, time)
        case .tunnelEstablished, .tunnelRefused: extend(.connect, request, time)
        case .securingConnection: begin(.secure, request, time)
        case .connectionSecured: endPhase(request, time)
        case .connectionReused(let address):
            begin(nil, request, time)
            connect(request, event.connection, address, isReused: true, time)
        case .sendingRequest:
            let before = current(request)
            begin(.send, request, time)
            // libcurl answers a 401 on the same connection.
            if let before, let address = before.address, current(request)?.connection == nil {
                connect(request, before.connection, address, isReused: true, time)
            }
        case .receivingResponse: if current(request)?.status == nil { begin(.wait, request, time) }
        case .responseReceived(let status, _):
            change(request) { $0.status = status.code }
            begin(.receive, request, time)
        case .readComplete(let bytes):
            touch(request, time)
            if bytes == 0 { end(request, time, .complete) }
        case .headersAvailable: touch(request, time)
        case .redirect(let url):
            end(request, time, .redirected)
            courses[request]?.url = url
            courses[request]?.hop += 1
            courses[request]?.number = 0
        case .retry(_, let delay, _): end(request, time, .retried(after: delay))
        case .nextProxy, .alternativeServiceFailed: end(request, time, .resent)
        case .closingConnection:
            guard let attempt = current(request), attempt.status == nil else { return }
            endPhase(request, time)
            courses[request]?.isLost = true
        case .requestError(let error):
            // A call in the wrong state changes nothing.
            guard error.code != .incorrectHandleState else { return }
            let text = "\(error.code.name) (\(error.code.rawValue))"
            end(request, time, .failed(text))
        case .handleClosing:
            // A body that was not read to its end was received until the last event that belongs to it.
            if let attempt = current(request) {
                let isUpgraded = attempt.status == 101
                let last = attempt.phase == .receive ? attempt.end : time
                end(request, last, isUpgraded ? .complete : .open)
            }
            courses[request] = nil
        default: break
        }
    }

    // MARK: Attempts

    /// The attempt that goes on.
    private func current(_ request: HandleID) -> Attempt? {
        guard let course = courses[request], !course.isOver, let index = course.attempt else { return nil }
        return attempts[index]
    }

    private mutating func change(_ request: HandleID, _ body: (inout Attempt) -> Void) {
        guard let index = courses[request]?.attempt else { return }
        body(&attempts[index])
    }

    /// Ends the phase that goes on, and begins another one, of a new attempt if the last one is over.
    private mutating func begin(_ phase: Phase?, _ request: HandleID, _ time: Duration) {
        let isOver = courses[request]?.isLost == true || current(request)?.status != nil && phase != .receive
        if isOver { end(request, time, .resent) }
        var course = courses[request] ?? Course(method: nil, url: "")
        if course.isOver {
            (course.isOver, course.isLost) = (false, false)
            course.number += 1
            course.attempt = attempts.count < limit ? attempts.count : nil
            if course.attempt == nil { omitted += 1 }
            courses[request] = course
            if course.attempt != nil { attempts.append(attempt(course, request, time)) }
        }
        endPhase(request, time)
        guard let phase else { return }
        change(request) {
            $0.phase = phase
            $0.segments.append(Segment(phase: phase, start: time, end: time))
        }
    }

    private func attempt(_ course: Course, _ request: HandleID, _ time: Duration) -> Attempt {
        Attempt(
            request: request,
            hop: course.hop,
            number: course.number,
            method: course.hop == 0 ? course.method : nil,
            url: course.url,
            start: time,
            end: time
        )
    }

    /// Something has happened in the phase that goes on.
    private mutating func touch(_ request: HandleID, _ time: Duration) {
        guard current(request) != nil else { return }
        change(request) { attempt in
            attempt.end = time
            if attempt.phase != nil { attempt.segments[attempt.segments.count - 1].end = time }
        }
    }

    private mutating func endPhase(_ request: HandleID, _ time: Duration) {
        touch(request, time)
        change(request) { $0.phase = nil }
    }

    /// A phase that has gone on since the end of the last one.
    private mutating func extend(_ phase: Phase, _ request: HandleID, _ time: Duration) {
        guard let attempt = current(request) else { return }
        let segment = Segment(phase: phase, start: attempt.end, end: time)
        change(request) {
            $0.segments.append(segment)
            $0.phase = nil
            $0.end = time
        }
    }

    private mutating func end(_ request: HandleID, _ time: Duration, _ outcome: Outcome) {
        guard let course = courses[request], !course.isOver else { return }
        if !course.isLost { endPhase(request, time) }
        change(request) { $0.outcome = outcome }
        ended = current(request)
        courses[request]?.isOver = true
    }

    // MARK: Connections

    private mutating func connect(
        _ request: HandleID,
        _ connection: ConnectionID?,
        _ address: SocketAddress,
        isReused: Bool,
        _ time: Duration
    ) {
        change(request) {
            $0.connection = connection ?? $0.connection
            $0.address = address
            $0.isReused = isReused
        }
        guard let connection, let index = courses[request]?.attempt else { return }
        if let known = connections.lastIndex(where: { $0.id == connection }) {
            guard !connections[known].attempts.contains(index) else { return }
            connections[known].attempts.append(index)
            connections[known].uses += 1
        } else {
            let opened = attempts[index].segments.last { $0.phase == .connect }?.start ?? time
            connections.append(Connection(id: connection, address: address, opened: opened, attempts: [index], uses: 1))
        }
    }

    private mutating func closed(_ connection: ConnectionID, _ time: Duration) {
        guard let index = connections.lastIndex(where: { $0.id == connection }) else { return }
        connections[index].closed = time
    }

    // MARK: Handles

    private mutating func note(_ event: StatusEvent) {
        let index = handles.firstIndex { $0.id == event.handle }
        switch event.kind {
        case .handleCreated(let parent, let summary):
            // A session is not created: it exists before it can have a listener.
            if !handles.contains(where: { $0.id == parent }) {
                handles.append(OpenHandle(id: parent, parent: nil, purpose: "", last: ""))
            }
            handles.append(
                OpenHandle(id: event.handle, parent: parent, purpose: summary?.description ?? "", last: event.kind.name)
            )
        case .handleClosing:
            if let index { handles.remove(at: index) }
        default:
            if let index {
                handles[index].last = event.kind.name
            } else {
                handles.append(OpenHandle(id: event.handle, parent: nil, purpose: "", last: event.kind.name))
            }
        }
    }
}
