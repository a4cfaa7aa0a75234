import HTTPHandlesCore
import HTTPHandlesDriver

// A slot is the permission to use a connection, where the session limits their number (`ConnectionSlots`). It is held from
// before the transfer begins until libcurl is done with it, however long the reader takes afterwards.

extension Exchange: AlarmOwner {
    enum Slot {
        /// Nothing is running, or connections are not limited. Can transition to: queued, held.
        case none
        /// The alarm is for the time limits; `nil` until it is set. Can transition to: held, none.
        case queued(ConnectionSlots.Ticket, alarm: DeadlineToken?)
        /// Can transition to: none.
        case held(Origin)
    }

    /// Whether the transfer can begin now. If not, it begins when the session grants it a slot.
    func takeSlot(_ engine: TransferEngine) -> Bool {
        guard !resources.limits.isUnlimited else { return true }
        let origin = request.connectedOrigin
        guard let ticket = resources.takeSlot(for: self, to: origin) else {
            slot = .held(origin)
            return true
        }
        slot = .queued(ticket, alarm: nil)
        advance(engine) { $0.queued(&$1) }
        return false
    }

    /// The session has a slot for this exchange now.
    func slotGranted(_ engine: TransferEngine) {
        guard case .queued(_, let alarm) = slot else { return }
        if let alarm { engine.cancel(alarm) }
        slot = .held(request.connectedOrigin)
        advance(engine) { $0.slotGranted(&$1) }
        beginTransfer(engine)
        setAlarm(engine)
    }

    /// The transfer is over, or not wanted any more.
    func releaseSlot(_ engine: TransferEngine) {
        switch slot {
        case .none: return
        case .queued(let ticket, let alarm):
            if let alarm { engine.cancel(alarm) }
            resources.leaveQueue(ticket)
        case .held(let origin): resources.releaseSlot(origin)
        }
        slot = .none
    }

    /// The slot is another one's from now on, who gives it back. Returns what it is for.
    func handOverSlot() -> Origin? {
        guard case .held(let origin) = slot else { return nil }
        slot = .none
        return origin
    }

    /// Whether transfers to the server share a connection shows in the version of a response.
    func learnVersion(of head: HeaderBlock) {
        record(head.version)
        guard case .held(let origin) = slot else { return }
        resources.learned(origin, isMultiplexed: head.version == .http2 && transfer?.sharesConnection == true)
    }

    /// Often it shows earlier, when the connection is ready: a response may take long.
    func learnSharing() {
        guard case .held(let origin) = slot, transfer?.sharesConnection == true else { return }
        resources.learned(origin, isMultiplexed: true)
    }

    // MARK: Time in the queue

    func setQueueAlarm(at time: MonotonicTime, _ engine: TransferEngine) {
        guard case .queued(let ticket, let alarm) = slot else { return setChoosingAlarm(at: time, engine) }
        if let alarm {
            engine.move(alarm, to: time)
        } else {
            slot = .queued(ticket, alarm: engine.setAlarm(of: self, at: time))
        }
    }

    /// The limit on the time in the queue or for the choice of a proxy, or the total limit, may have run out.
    func timerFired(_ engine: TransferEngine) {
        guard let next = failIfExpired(engine) else { return }
        if case .queued(_, let alarm?) = slot {
            engine.move(alarm, to: next)
        } else {
            setChoosingAlarm(at: next, engine)
        }
    }
}
