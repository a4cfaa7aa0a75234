import CHTTPHandlesCurl
import HTTPHandlesCore

/// Keeps the idle connections of an engine within their limits, and has libcurl let go of those that were ended.
final class IdleConnectionCare: AlarmOwner {
    /// Goes off when the oldest idle connection may have been idle for long enough, or earlier.
    private var alarm: DeadlineToken?
    private var maximumIdle = Int.max
    /// There are more than that, and the alarm is set for it.
    private var knowsOfSurplus = false
    /// What of the idle connections the alarm knows the ages of.
    private var agesVersion = 0
    private var sweeper: ConnectionSweeper?
    /// An earlier sweep would find nothing.
    private var nextSweep = MonotonicTime(nanoseconds: 0)

    /// Called once a turn, when libcurl has returned.
    func turnEnds(_ multi: CurlMulti, _ backend: any EventBackend, _ engine: TransferEngine) {
        let count = engine.sockets.idle.count
        let areAgesUnknown = engine.sockets.maximumAge != nil && engine.sockets.idle.version != agesVersion
        if count > 0, alarm == nil || count > maximumIdle && !knowsOfSurplus || areAgesUnknown { plan(engine) }
        if engine.sockets.deadConnections > 0, engine.now >= nextSweep {
            sweep(multi, engine)
            backend.noteNewWork()
        }
    }

    /// The limits are others than before.
    func limitsChanged(_ engine: TransferEngine) { plan(engine) }

    func timerFired(_ engine: TransferEngine) {
        let limits = engine.idleLimits
        while let descriptor = engine.sockets.idle.surplus(limits, at: engine.now) { engine.sockets.end(descriptor) }
        if let alarm { engine.cancel(alarm) }
        alarm = nil
        plan(engine)
    }

    /// Sets the alarm for what is due next.
    private func plan(_ engine: TransferEngine) {
        let limits = engine.idleLimits
        maximumIdle = limits.count ?? .max
        knowsOfSurplus = engine.sockets.idle.count > maximumIdle
        if let age = limits.age {
            let due = engine.sockets.endOldConnections(age, at: engine.now)
            agesVersion = engine.sockets.idle.version
            if let due { wake(engine, at: due) }
        }
        if let due = engine.sockets.idle.due(limits) { wake(engine, at: due) }
        // One that is due is done when this turn ends.
        if engine.sockets.deadConnections > 0, nextSweep > engine.now { wake(engine, at: nextSweep) }
    }

    private func wake(_ engine: TransferEngine, at time: MonotonicTime) {
        if let alarm { engine.bringForward(alarm, to: time) } else { alarm = engine.setAlarm(of: self, at: time) }
    }

    private func sweep(_ multi: CurlMulti, _ engine: TransferEngine) {
        // Without memory for it the dead connections stay until a transfer looks for one.
        if sweeper == nil { sweeper = ConnectionSweeper() }
        sweeper?.sweep(multi)
        nextSweep = engine.now + ConnectionSweeper.interval
        wake(engine, at: nextSweep)
    }

    /// The multi handle is about to go.
    func end(_ multi: CurlMulti, _ engine: TransferEngine) {
        sweeper?.end(multi)
        sweeper = nil
        if let alarm { engine.cancel(alarm) }
        alarm = nil
    }
}

/// A transfer that never gets a socket.
///
/// libcurl keeps a dead connection, and its descriptor, until some transfer looks for a connection, and then looks through
/// all that are idle, at most once a second. This is a transfer that does nothing else.
private final class ConnectionSweeper {
    /// A little more than the second that libcurl counts.
    static let interval = Duration.milliseconds(1050)

    private let curl: CurlEasy
    private var isAdded = false

    init?() {
        guard let curl = CurlEasy() else { return nil }
        do {
            try curl.refuseConnections()
            try curl.setUsual()
            // Newer versions look for dead connections only where they look for one to use. With a local port that no other
            // transfer asks for they find none.
            try curl.set(CURLOPT_LOCALPORT, 1)
            try curl.set(CURLOPT_MAXAGE_CONN, Int(Int32.max))
            try curl.switchOff(CURLOPT_PROXY, text: "")
            // An address, so that no name is looked up; nothing connects to it.
            try curl.set(CURLOPT_URL, "http://127.0.0.1:1/")
        } catch {
            return nil
        }
        self.curl = curl
    }

    func sweep(_ multi: CurlMulti) {
        end(multi)
        isAdded = (try? multi.add(curl)) != nil
    }

    func end(_ multi: CurlMulti) {
        if isAdded { multi.remove(curl) }
        isAdded = false
    }
}
