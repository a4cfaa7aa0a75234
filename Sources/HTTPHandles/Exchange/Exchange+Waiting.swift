import HTTPHandlesCore
import HTTPHandlesDriver

// Time limits. For what the exchange waits is said by the machine; `ExchangeDeadlines` says when that has to be over; here
// the clock is looked at.

extension Exchange {
    /// The limit of `phase` runs from now on.
    func wait(for phase: TimeoutPhase, _ engine: TransferEngine) {
        let now = engine.now
        // The system's resolver has limits of its own, the caller's may never answer.
        let isUnlimited = phase == .resolve && options.asksForAddresses && options.values.limits.resolve == .zero
        let phase = isUnlimited ? .connect : phase
        if deadlines == nil {
            deadlines = ExchangeDeadlines(limits: options.limits, startedAt: startTime, phase: phase, since: now)
        } else {
            deadlines?.wait(for: phase, since: now)
        }
    }

    /// The reader or the producer goes on, whose time counts for no limit but the total one. To be called while the transfer is
    /// still paused: a limit that has run out meanwhile may be looked at only after this.
    func resumeWaiting(_ engine: TransferEngine) {
        guard deadlines != nil else { return }
        pauseForCaller()
        deadlines?.resume(at: engine.now)
        setAlarm(engine)
    }

    /// No limit but the total one runs while the transfer waits for the reader or the producer.
    private func pauseForCaller() {
        guard let transfer else { return }
        switch deadlines?.phase {
        case .send where transfer.isSendingPaused, .receive where transfer.isReceivingPaused: deadlines?.pause()
        // The response is here, and the rest of the request is not.
        case .receive where transfer.isSendingPaused && transfer.isBodyComplete: deadlines?.pause()
        default: break
        }
    }

    /// Has the deadlines looked at when the next one is over, or earlier.
    func setAlarm(_ engine: TransferEngine) {
        guard let next = deadlines?.next else { return }
        if let transfer {
            transfer.setAlarm(at: next, engine)
        } else {
            setQueueAlarm(at: next, engine)
        }
    }

    func transferAlarm(_ transfer: Transfer, _ engine: TransferEngine) -> MonotonicTime? {
        deadlines?.progressed(at: transfer.lastProgress)
        pauseForCaller()
        return failIfExpired(engine)
    }

    /// Ends the transfer if one of the limits has run out. Returns when to look again, if at all.
    func failIfExpired(_ engine: TransferEngine) -> MonotonicTime? {
        guard let deadlines, let phase = deadlines.expired(at: engine.now) else { return deadlines?.next }
        if phase == .receive, let transfer, transfer.isBodyComplete {
            // The response is here; the server has only not taken the whole request.
            engine.giveUpUpload(of: transfer)
            return nil
        }
        let limit = options.values.limits[phase]
        let proxy = phase == .connect || phase == .resolve ? transfer?.proxyInDoubt : nil
        self.deadlines = nil
        releaseTransfer(engine)
        transferFailed(.timeout(phase, after: limit, .sendRequest, at: proxy), engine)
        return nil
    }
}
