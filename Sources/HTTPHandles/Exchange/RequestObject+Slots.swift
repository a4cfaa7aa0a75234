import HTTPHandlesCore
import HTTPHandlesDriver

// A slot is the permission to use a connection, where the session limits their number. It is held from before the
// transfer begins until libcurl is done with it, however long the reader takes afterwards.

extension RequestObject: AlarmOwner {
    enum Slot {
        /// Nothing is running, or connections are not limited. Can transition to: queued, held.
        case none
        /// Can transition to: held, none.
        case queued(ConnectionSlots.Ticket, alarm: DeadlineToken?)
        /// Can transition to: none.
        case held(Origin)
    }

    /// Whether the transfer can begin now. If not, it begins when the session grants it a slot.
    func takeSlot(_ engine: TransferEngine) -> Bool {
        guard session.limitsConnections, let request else { return true }
        let origin = request.message.url.origin
        guard let ticket = session.takeSlot(for: self, to: origin) else {
            slot = .held(origin)
            return true
        }
        startWaiting(for: .queue, engine)
        slot = .queued(ticket, alarm: deadlines?.next.map { engine.setAlarm(of: self, at: $0) })
        reach(.queued, engine)
        return false
    }

    /// The session has a slot for this request now.
    func slotGranted(_ engine: TransferEngine) {
        guard let request, case .queued(_, let alarm) = slot else { return }
        if let alarm { engine.cancel(alarm) }
        slot = .held(request.message.url.origin)
        beginTransfer(engine)
    }

    /// The transfer is over, or nobody waits for it any longer.
    func giveSlotBack(_ engine: TransferEngine) {
        switch slot {
        case .none: return
        case .queued(let ticket, let alarm):
            if let alarm { engine.cancel(alarm) }
            session.leaveQueue(ticket)
        case .held(let origin): session.giveSlotBack(origin)
        }
        slot = .none
    }

    func learnFromHead(_ head: HeaderBlock) {
        if case .held(let origin) = slot { session.learned(origin, isMultiplexed: head.version == .http2) }
    }

    /// The limit on waiting for a slot, or the total limit, may have run out.
    func alarmWentOff(_ engine: TransferEngine) {
        guard let next = failIfExpired(engine), case .queued(_, let alarm?) = slot else { return }
        engine.move(alarm, to: next)
    }
}
