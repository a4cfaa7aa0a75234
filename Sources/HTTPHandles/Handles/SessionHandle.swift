public import HTTPHandlesCore
import HTTPHandlesDriver

/// The root of a handle tree: options, a pool of connections, and one thread that drives them.
///
/// The thread starts when the session is first used and stops when it is gone. Sessions share nothing.
///
/// `WinHttpOpen`'s handle.
public actor SessionHandle {
    let object: DriverBound<SessionObject>
    private let taskExecutor: DriverTaskExecutor

    /// Makes a session. No thread is started and nothing is sent.
    ///
    /// Throws `.invalidParameter` for a user agent that is not a field value and for option values out of range,
    /// `.notSupported` where the linked libcurl is too old.
    ///
    /// `WinHttpOpen`; `curl_global_init`.
    ///
    /// - Parameters:
    ///   - userAgent: What the `User-Agent` field of requests says; without it none is sent.
    ///   - context: A value for the caller's own use, released after the session's `handleClosing`.
    ///   - options: What the session starts with.
    public init(
        userAgent: String? = nil,
        context: (any Sendable)? = nil,
        options: [OptionSetting] = []
    ) throws(HandleError) {
        try self.init(userAgent, context, options) { HandleTree($0) }
    }

    init(
        _ userAgent: String?,
        _ context: (any Sendable)?,
        _ options: [OptionSetting],
        _ makeTree: (Driver) -> HandleTree
    ) throws(HandleError) {
        var values = OptionValues()
        let settings = [.set(.userAgent, to: userAgent)] + options
        for setting in settings { try CurlLibrary.requireKnown(setting.row, for: .openSession) }
        try values.apply(settings, on: .session, for: .openSession)
        let driver = try Driver()
        let tree = makeTree(driver)
        tree.note(values)
        let base = HandleBase(.session, in: tree, context: context.map(HandleContext.init))
        object = DriverBound(SessionObject(base, options: values))
        taskExecutor = DriverTaskExecutor(driver)
    }

    deinit {
        object.closeIfOpen()
    }

    /// The session's driver: calls between the handles of a session do not change threads.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe object.bound.base.driver.asUnownedSerialExecutor()
    }

    /// The session's driver thread as an executor for tasks.
    ///
    /// A task that prefers it calls the session's handles without changing threads, which saves about as much time as
    /// libcurl needs for a small request. The price: while the task runs, the whole session waits. Never block in such a
    /// task.
    public nonisolated var executor: any TaskExecutor { taskExecutor }

    /// Closes the session and everything below it: requests, then connections, then the session.
    ///
    /// Throws `.invalidHandle` if the session is closed already.
    public nonisolated func closeAll() throws(HandleError) {
        try object.closeAll()
    }

    /// Sets the session's clock ahead, for tests: time limits that are over by then expire.
    package nonisolated func advanceClock(by duration: Duration) {
        object.bound.base.driver.submit { $0.advanceClock(by: duration) }
    }

    // MARK: Children

    /// Makes a connection handle for a server. No connection is made and no name resolved: that is done for requests.
    ///
    /// Possible while the session is open. Event: `handleCreated` of the new handle. Throws `.invalidURL` for a host
    /// that cannot be one, `.invalidParameter` for a port out of range.
    ///
    /// `WinHttpConnect`.
    ///
    /// - Parameters:
    ///   - host: A name or an IP address.
    ///   - port: The port.
    ///   - context: A value for the caller's own use; the session's if left out.
    public func connect(
        to host: String,
        port: Int,
        context: (any Sendable)? = nil
    ) throws(HandleError) -> ConnectionHandle {
        try object.bound.base.requireOpen(.connect)
        let host = try RequestURL.checkedHost(host, port: port, for: .connect)
        let child = HandleBase(.connection, in: object.bound.base.tree, context: object.bound.base.inherited(context))
        let connection = ConnectionObject(child, to: Server(host: host, port: port), of: object.value)
        object.value.adopt(connection)
        return ConnectionHandle(connection)
    }
}

extension SessionHandle: Handle {
    /// The library's own reference to the handle.
    public nonisolated var reference: HandleReference { HandleReference(object.bound) }
}
