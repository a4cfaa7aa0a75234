import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// Ends the session in good order: accepts no new requests, lets those in flight finish, then closes everything, leaves first.
    /// Returns when nothing of the session is left, as `closed()` does.
    ///
    ///     await session.shutDown(gracePeriod: .seconds(20))
    ///
    /// In flight is a request from `send` until its handle is closed or released: a response of `get` or `fetch` until its body
    /// was read or dropped; a WebSocket and an upgraded connection until it is closed. If there is none, or no longer one, the rest
    /// of the period is not waited for. What is in flight at its end fails with `.operationCancelled`, as after `closeAll`.
    ///
    /// Meanwhile the session and its connections are open: options, cookies and events can be used. `openRequest`, `get`, `fetch`,
    /// `send` and everything that is built on them throw `.shutdown`, also on connection handles and on request handles that were
    /// not sent yet, or are sent again. Redirects, authentication and retries of a request in flight go on.
    ///
    /// Possible in every state and any number of times: the earliest end of all periods counts. A session that was closed alone
    /// (`close()`) is shut down too; one that is gone is returned from at once. `closeAll` ends the period at once, and so does the
    /// cancellation of a task that waits in this call, which still returns only when nothing of the session is left.
    ///
    /// Events: none of its own; those of the handles that are closed.
    ///
    /// Not in WinHTTP.
    ///
    /// - Parameter gracePeriod: How long requests in flight may take. With zero, or less, everything is closed at once.
    public nonisolated(nonsending) func shutDown(gracePeriod: Duration) async {
        // From here on the driver is woken for the end of each request.
        object.bound.base.tree.noteSessionClosed()
        await withTaskCancellationHandler {
            object.bound.driver.submit { [object] in object.value.shutDown(gracePeriod, $0) }
            await object.bound.base.closed()
        } onCancel: {
            object.bound.driver.submit { [object] in object.value.endGracePeriod($0) }
        }
    }
}

extension SessionObject: AlarmOwner {
    func shutDown(_ gracePeriod: Duration, _ engine: TransferEngine) {
        carryOut(shutdown.begin(gracePeriod, at: engine.now, inFlight: Set(handlesInFlight)), engine)
    }

    func endGracePeriod(_ engine: TransferEngine) {
        carryOut(shutdown.cancelled(), engine)
    }

    func timerFired(_ engine: TransferEngine) {
        carryOut(shutdown.alarm(at: engine.now), engine)
    }

    /// A request or a socket was closed.
    func noteClosed(_ handle: HandleID, _ engine: TransferEngine) {
        if !shutdown.acceptsRequests { carryOut(shutdown.closed(handle), engine) }
    }

    /// Lets a request begin.
    func requireAccepting(_ operation: HandleOperation) throws(HandleError) {
        guard !shutdown.acceptsRequests else { return }
        throw HandleError(.shutdown, operation, reason: "the session is shutting down")
    }

    func carryOut(_ action: ShutdownStateMachine.Action, _ engine: TransferEngine) {
        switch action {
        case .doNothing: break
        case .setAlarm(let time):
            if let alarm = shutdownAlarm { return engine.move(alarm, to: time) }
            // An engine that has failed has no alarms.
            guard (try? engine.makeReadyForAlarms()) != nil else { return endGracePeriod(engine) }
            shutdownAlarm = engine.setAlarm(of: self, at: time)
        case .closeAll:
            cancelAlarm(engine)
            // In a command of its own: the handle that was closed last may be in the middle of that.
            driver.submit { [object = DriverBound(self)] in object.value.closeAll($0) }
        case .cancelAlarm: cancelAlarm(engine)
        }
    }

    private func cancelAlarm(_ engine: TransferEngine) {
        if let alarm = shutdownAlarm.take() { engine.cancel(alarm) }
    }
}
