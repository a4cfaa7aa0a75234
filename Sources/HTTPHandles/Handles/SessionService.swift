#if ServiceLifecycle
public import ServiceLifecycle

/// A session as a service of a service group: it ends with the group, in good order. With the trait `ServiceLifecycle`.
///
///     let client = SessionService(session, gracePeriod: .seconds(20))
///     let group = ServiceGroup(services: [client, server], gracefulShutdownSignals: [.sigterm], logger: logger)
///     try await group.run()
///
/// A group shuts its services down in the opposite order: name the session before the services that use it.
///
/// Not in WinHTTP.
public struct SessionService: Service {
    /// The session.
    public let session: SessionHandle
    /// How long requests in flight may take when the group shuts down.
    public let gracePeriod: Duration

    /// Makes a service of a session. Nothing is begun: a session can be used before its service runs.
    ///
    /// - Parameters:
    ///   - session: The session, which only this service should close.
    ///   - gracePeriod: How long requests in flight may take when the group shuts down. It should be shorter than the time after
    ///     which the process is killed, and than the group's `maximumGracefulShutdownDuration`.
    public init(_ session: SessionHandle, gracePeriod: Duration) {
        self.session = session
        self.gracePeriod = gracePeriod
    }

    /// Waits for the graceful shutdown of the group, shuts the session down, and returns when nothing of it is left.
    ///
    /// Cancellation of the task, which is what a group does with its other services when one has failed, closes the session at
    /// once, also during the grace period. Returns too when something else has closed the session. Never throws.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Throws where it is cancelled. Then there is no grace period, because the task that waits is cancelled.
                try? await gracefulShutdown()
                await session.shutDown(gracePeriod: gracePeriod)
            }
            group.addTask { await session.closed() }
            await group.next()
            group.cancelAll()
        }
    }
}
#endif
