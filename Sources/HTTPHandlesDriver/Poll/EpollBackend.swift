#if os(Linux)
import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// `curl_multi_socket_action` on epoll: every turn looks only at the transfers whose socket is ready or whose timer is
/// due.
///
/// libcurl's callbacks note what it wants; the difference to what epoll knows is applied just before sleeping. A
/// keep-alive request makes libcurl lose and regain interest in its socket, and so costs no system call. A descriptor
/// that libcurl has lost interest in stays registered: what comes on an idle connection is seen at once.
@safe
final class EpollBackend: EventBackend {
    /// What libcurl wants of a descriptor, and what epoll was told.
    private struct Interest {
        var wanted: Int32 = 0
        var registered: UInt32 = 0
        /// In the list of descriptors to look at before sleeping.
        var isNoted = false
        /// How often the descriptor was ready in a row without libcurl doing anything about it.
        var idleWakeUps = 0
    }

    private let descriptor: Int32
    private let multi: CurlMulti
    private let waker: Waker
    private let sockets: SocketTable
    @safe @exclusivity(unchecked) private var interests: [Interest] = []
    @safe @exclusivity(unchecked) private var noted: [Int32] = []
    /// When libcurl's timer is due. One-shot: removed before libcurl is called.
    private var timer: MonotonicTime?
    /// Counts libcurl's callbacks, to tell a wake-up that led to something from one that did not.
    private var activity = 0
    @safe @exclusivity(unchecked) private var muted: [(descriptor: Int32, until: MonotonicTime)] = []
    /// What the last sleep ended with: this many of `events`.
    private var readyCount = 0
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)

    init(multi: CurlMulti, waker: Waker, sockets: SocketTable) throws(MultiFailure) {
        self.multi = multi
        self.waker = waker
        self.sockets = sockets
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw MultiFailure(system: "epoll_create1", errno) }
        // Each call of the waker is an edge, so it is never cleared.
        guard control(EPOLL_CTL_ADD, waker.descriptor, chttphandles_epoll_in | chttphandles_epoll_edge) else {
            let problem = errno
            close(descriptor)
            unsafe events.deallocate()
            throw MultiFailure(system: "epoll", problem)
        }
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe multi.setSocketCallback(onSocketChange, this)
        unsafe multi.setTimerCallback(onTimerChange, this)
    }

    deinit {
        close(descriptor)
        unsafe events.deallocate()
    }

    // MARK: What libcurl's callbacks note

    /// libcurl wants something else of a socket.
    func socketChanged(_ socket: Int32, _ what: Int32) {
        guard socket >= 0 else { return }
        activity += 1
        let wanted = what == CURL_POLL_REMOVE ? 0 : what
        if !sockets.upgraded.isEmpty { sockets.waits(on: socket, for: wanted) }
        while socket >= interests.count { interests.append(Interest()) }
        interests[Int(socket)].wanted = wanted
        if wanted == 0, !sockets.isConnected(socket) {
            // Not a socket whose end is announced: it is the resolver's, or libcurl closes it in the middle of
            // connecting without a callback. Its number may belong to another descriptor in a moment.
            unregister(socket)
        } else if !interests[Int(socket)].isNoted {
            interests[Int(socket)].isNoted = true
            noted.append(socket)
        }
    }

    fileprivate func timerChanged(_ milliseconds: Int) {
        timer =
            switch milliseconds {
            case ..<0: nil
            case 0: MonotonicTime(nanoseconds: 0)
            default: .now + .milliseconds(milliseconds)
            }
    }

    func opened(_ descriptor: Int32) {
        activity += 1
        // What is known of this number was about a socket that is closed.
        if Int(descriptor) < interests.count { interests[Int(descriptor)].registered = 0 }
    }

    func closing(_ descriptor: Int32) {
        activity += 1
        unregister(descriptor)
    }

    func noteNewWork() {}

    func noteActivity() { activity += 1 }

    // MARK: Turns

    func hasDueWork(at now: MonotonicTime) -> Bool {
        timer.map { now >= $0 } ?? false
    }

    func runDueWork(at now: MonotonicTime) throws(MultiFailure) {
        guard hasDueWork(at: now) else { return }
        timer = nil
        try multi.act(on: CURL_SOCKET_TIMEOUT, 0)
        // Where our clock was a little early libcurl has done nothing and does not announce the rest again.
        if timer == nil, let milliseconds = multi.timeout() { timerChanged(milliseconds) }
    }

    func sleep(until deadline: MonotonicTime?, now: MonotonicTime) throws(MultiFailure) {
        try applyInterest()
        let milliseconds = nearest(deadline).map { ($0 - now).millisecondsRoundedUp } ?? -1
        let count = unsafe epoll_wait(descriptor, events.baseAddress, Int32(events.count), milliseconds)
        guard count >= 0 else {
            readyCount = 0
            if errno == EINTR { return }
            throw MultiFailure(system: "epoll", errno)
        }
        readyCount = Int(count)
    }

    func work() throws(MultiFailure) {
        for index in 0..<readyCount {
            let event = unsafe events[index]
            let socket = Int32(truncatingIfNeeded: unsafe event.data.u64)
            if socket == waker.descriptor { continue }
            let generation = UInt32(truncatingIfNeeded: unsafe event.data.u64 >> 32)
            // An earlier event of this turn may have closed the socket and opened another of the same number.
            guard generation == sockets.generation(of: socket) else { continue }
            try handle(socket, unsafe event.events)
        }
        unmute()
    }

    private func nearest(_ deadline: MonotonicTime?) -> MonotonicTime? {
        var nearest = deadline
        if let timer { nearest = min(nearest ?? timer, timer) }
        for (_, until) in muted { nearest = min(nearest ?? until, until) }
        return nearest
    }

    private func handle(_ socket: Int32, _ events: UInt32) throws(MultiFailure) {
        guard interests[Int(socket)].wanted != 0 else {
            let ends = chttphandles_epoll_peer_has_ended | chttphandles_epoll_hang_up | chttphandles_epoll_error
            switch sockets.somethingCame(on: socket, isOver: events & ends != 0) {
            case .inUse: unregister(socket)
            case .touched: try register(socket, chttphandles_epoll_peer_has_ended)
            case .untouched, .ended: break
            }
            return
        }
        var ready: Int32 = 0
        if events & (chttphandles_epoll_in | chttphandles_epoll_hang_up) != 0 { ready |= CURL_CSELECT_IN }
        if events & chttphandles_epoll_out != 0 { ready |= CURL_CSELECT_OUT }
        if events & chttphandles_epoll_error != 0 { ready |= CURL_CSELECT_ERR }
        if events & chttphandles_epoll_out != 0 { sockets.noteConnection(socket) }
        let before = activity
        try multi.act(on: socket, ready)
        if activity == before {
            interests[Int(socket)].idleWakeUps += 1
            if interests[Int(socket)].idleWakeUps >= Self.spinLimit { disarm(socket) }
        } else {
            interests[Int(socket)].idleWakeUps = 0
        }
    }

    // MARK: Interest

    private func applyInterest() throws(MultiFailure) {
        for socket in noted {
            interests[Int(socket)].isNoted = false
            let interest = interests[Int(socket)]
            var events: UInt32 = 0
            if interest.wanted & CURL_POLL_IN != 0 { events |= chttphandles_epoll_in }
            if interest.wanted & CURL_POLL_OUT != 0 { events |= chttphandles_epoll_out }
            // What comes on an idle connection is handled here, not by libcurl.
            if events == 0, sockets.idle.contains(socket) { events = chttphandles_epoll_in }
            guard events != 0, events != interest.registered else { continue }
            try register(socket, events)
        }
        noted.removeAll(keepingCapacity: true)
    }

    /// If it fails, the session ends: nothing would ever be heard of the socket.
    private func register(_ socket: Int32, _ events: UInt32) throws(MultiFailure) {
        // The table may be wrong about what the kernel knows, in both directions: the other call is tried as well.
        let isKnown = interests[Int(socket)].registered != 0
        interests[Int(socket)].registered = events
        guard !control(isKnown ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, events) else { return }
        guard !control(isKnown ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, events) else { return }
        interests[Int(socket)].registered = 0
        throw MultiFailure(system: "epoll", errno)
    }

    private func unregister(_ socket: Int32) {
        guard Int(socket) < interests.count, interests[Int(socket)].registered != 0 else { return }
        interests[Int(socket)].registered = 0
        // Fails where libcurl has closed the socket without telling; then the kernel knows nothing of it any more.
        _ = control(EPOLL_CTL_DEL, socket, 0)
    }

    private func control(_ operation: Int32, _ socket: Int32, _ events: UInt32) -> Bool {
        var event = unsafe epoll_event()
        unsafe event.events = events
        unsafe event.data.u64 = UInt64(sockets.generation(of: socket)) << 32 | UInt64(UInt32(bitPattern: socket))
        return unsafe epoll_ctl(descriptor, operation, socket, &event) == 0
    }

    // MARK: Spinning

    // A libcurl with a broken event interface can leave a descriptor ready without ever reading it. Such a descriptor is
    // removed for a short time; a normal one is never ready this often without any action of libcurl.
    private static let spinLimit = 1000
    private static let muteDuration = Duration.milliseconds(10)

    private func disarm(_ socket: Int32) {
        interests[Int(socket)].idleWakeUps = 0
        unregister(socket)
        muted.append((socket, .now + Self.muteDuration))
    }

    private func unmute() {
        guard !muted.isEmpty else { return }
        let now = MonotonicTime.now
        for (socket, until) in muted where until <= now && !interests[Int(socket)].isNoted {
            interests[Int(socket)].isNoted = true
            noted.append(socket)
        }
        muted.removeAll { $0.until <= now }
    }
}

private func onSocketChange(
    _ easy: UnsafeMutableRawPointer?,
    _ socket: curl_socket_t,
    _ what: Int32,
    _ data: UnsafeMutableRawPointer?,
    _ socketData: UnsafeMutableRawPointer?
) -> Int32 {
    if let data = unsafe data {
        CurlCallback.run {
            unsafe Unmanaged<EpollBackend>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.socketChanged(socket, what) }
        }
    }
    return 0
}

private func onTimerChange(
    _ multi: UnsafeMutableRawPointer?,
    _ milliseconds: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    if let data = unsafe data {
        CurlCallback.run {
            unsafe Unmanaged<EpollBackend>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.timerChanged(milliseconds) }
        }
    }
    return 0
}
#endif
