import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// `curl_multi_perform` and `curl_multi_poll`: every turn looks at every transfer, and at every idle connection.
@safe
final class PollBackend: EventBackend {
    private let multi: CurlMulti
    private let waker: Waker
    private let sockets: SocketTable
    private var hasNewWork = false
    /// The waker, and the idle connections on which nothing has come.
    private var others: [curl_waitfd]
    /// The idle connections on which something has come that may be nothing to HTTP. These cannot be slept on.
    private var touched: [pollfd] = []
    /// What of the idle connections the lists are from.
    private var version = 0

    init(multi: CurlMulti, waker: Waker, sockets: SocketTable) {
        self.multi = multi
        self.waker = waker
        self.sockets = sockets
        others = [Self.input(waker.descriptor)]
    }

    private static func input(_ descriptor: Int32) -> curl_waitfd {
        curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
    }

    func hasDueWork(at now: MonotonicTime) -> Bool { hasNewWork }

    func runDueWork(at now: MonotonicTime) throws(MultiFailure) {
        guard hasNewWork else { return }
        hasNewWork = false
        try perform()
    }

    func sleep(until deadline: MonotonicTime?, now: MonotonicTime) throws(MultiFailure) {
        // libcurl shortens the time itself when a timer of its own is due earlier.
        listIdleConnections()
        let longest = touched.isEmpty ? Duration.milliseconds(60_000) : .seconds(1)
        let left = deadline.map { min($0 - now, longest) } ?? longest
        try multi.poll(also: &others, milliseconds: left.millisecondsRoundedUp)
    }

    func work() throws(MultiFailure) {
        waker.clear()
        watchIdleConnections()
        try perform()
    }

    private func perform() throws(MultiFailure) {
        try multi.perform()
        if !sockets.upgraded.isEmpty { sockets.lookAtUpgraded() }
    }

    private func listIdleConnections() {
        guard version != sockets.idle.version else { return }
        version = sockets.idle.version
        touched.removeAll { !sockets.idle.contains($0.fd) }
        others.removeSubrange(1...)
        sockets.idle.forEach { descriptor in
            if !touched.contains(where: { $0.fd == descriptor }) { others.append(Self.input(descriptor)) }
        }
    }

    private func watchIdleConnections() {
        // Before libcurl may use one of them again.
        for other in others.dropFirst() where other.revents != 0 {
            guard case .touched = sockets.somethingCame(on: other.fd) else { continue }
            touched.append(pollfd(fd: other.fd, events: Self.endOfConnection, revents: 0))
            // The lists are made again.
            version &-= 1
        }
        guard !touched.isEmpty, unsafe poll(&touched, nfds_t(touched.count), 0) > 0 else { return }
        for entry in touched where entry.revents != 0 && sockets.idle.contains(entry.fd) { sockets.end(entry.fd) }
    }

    #if canImport(Darwin)
    /// There it does not come unasked.
    private static let endOfConnection = Int16(POLLHUP)
    #else
    private static let endOfConnection = chttphandles_peer_has_ended
    #endif

    func noteNewWork() { hasNewWork = true }

    func noteActivity() {}

    func opened(_ descriptor: Int32) {}
    func closing(_ descriptor: Int32) {}
}

extension Duration {
    /// The duration in whole milliseconds, rounded up so that a timer is never early; 0 for the past.
    var millisecondsRoundedUp: Int32 {
        let (milliseconds, rest) = nanosecondsClamped.quotientAndRemainder(dividingBy: 1_000_000)
        return Int32(clamping: max(0, milliseconds + (rest > 0 ? 1 : 0)))
    }
}
