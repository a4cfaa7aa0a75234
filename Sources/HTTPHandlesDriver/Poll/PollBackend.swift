import HTTPHandlesCore

/// `curl_multi_perform` and `curl_multi_poll`: every turn looks at every transfer.
final class PollBackend: EventBackend {
    private let multi: CurlMulti
    private let waker: Waker
    private var hasNewWork = false

    init(multi: CurlMulti, waker: Waker) {
        self.multi = multi
        self.waker = waker
    }

    func hasDueWork(at now: MonotonicTime) -> Bool { hasNewWork }

    func runDueWork(at now: MonotonicTime) throws(MultiFailure) {
        guard hasNewWork else { return }
        hasNewWork = false
        try multi.perform()
    }

    func sleep(until deadline: MonotonicTime?, now: MonotonicTime) throws(MultiFailure) {
        // libcurl shortens the time itself when a timer of its own is due earlier.
        let longest = Duration.milliseconds(60_000)
        let left = deadline.map { min($0 - now, longest) } ?? longest
        try multi.poll(also: waker.descriptor, milliseconds: left.millisecondsRoundedUp)
    }

    func work() throws(MultiFailure) {
        waker.clear()
        try multi.perform()
    }

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
