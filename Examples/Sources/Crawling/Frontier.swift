import HTTPHandles

/// What is to be requested, and when: each URL once, and each host not more often than it likes.
///
/// It has no clock: times are durations since the start of the crawl.
struct Frontier {
    enum Job: Hashable {
        /// The robots.txt of a host, which comes before its pages.
        case robots(HTTPURL)
        case page(HTTPURL, depth: Int)
    }

    private struct Host {
        var pages: [(url: HTTPURL, depth: Int)] = []
        var rules: RobotRules?
        var hasAskedForRules = false
        var running = 0
        var nextStart = Duration.zero
    }

    private let limits: CrawlLimits
    private var hosts: [String: Host] = [:]
    private var seen: Set<HTTPURL> = []
    private var pagesStarted = 0
    /// How many URLs the rules of their hosts exclude.
    private(set) var disallowed = 0

    init(_ seeds: [HTTPURL], _ limits: CrawlLimits) {
        self.limits = limits
        for url in seeds {
            hosts[url.origin] = hosts[url.origin] ?? Host()
            add(url, depth: 0)
        }
    }

    /// Adds a link, unless it was seen, or leads too far.
    mutating func add(_ url: HTTPURL, depth: Int) {
        guard depth <= limits.depth, url.text.utf8.count <= limits.urlLength, seen.count < limits.pages * 100,
            limits.leavesHosts || hosts[url.origin] != nil, seen.insert(url).inserted
        else { return }
        hosts[url.origin, default: Host()].pages.append((url, depth))
    }

    /// The next job, and when it may start; `nil` if nothing can be started before something that runs is finished.
    mutating func next(at now: Duration) -> (job: Job, start: Duration)? {
        while let (origin, host) = nextHost() {
            let start = max(now, host.nextStart)
            let (url, depth) = host.pages[0]
            guard let rules = host.rules else {
                hosts[origin]?.hasAskedForRules = true
                guard let file = try? url.resolving("/robots.txt") else { continue }
                return (.robots(file), start)
            }
            hosts[origin]?.pages.removeFirst()
            guard rules.allows(url.target) else {
                disallowed += 1
                continue
            }
            pagesStarted += 1
            hosts[origin]?.running += 1
            hosts[origin]?.nextStart = start + min(max(limits.delay, rules.delay ?? .zero), limits.maximumDelay)
            return (.page(url, depth: depth), start)
        }
        return nil
    }

    /// The one that may be asked first, of those that may be asked.
    private func nextHost() -> (origin: String, host: Host)? {
        hosts.filter { isUsable($0.value) }
            .min { ($0.value.nextStart, $0.key) < ($1.value.nextStart, $1.key) }
            .map { ($0.key, $0.value) }
    }

    private func isUsable(_ host: Host) -> Bool {
        guard pagesStarted < limits.pages, !host.pages.isEmpty else { return false }
        return host.rules == nil ? !host.hasAskedForRules : host.running < limits.perHost
    }

    mutating func obtained(_ rules: RobotRules, for url: HTTPURL) {
        hosts[url.origin]?.rules = rules
    }

    /// - Parameter pause: How long the host wants to be left alone, if it says so.
    mutating func finished(_ url: HTTPURL, at now: Duration, pause: Duration?) {
        hosts[url.origin]?.running -= 1
        guard let pause, let next = hosts[url.origin]?.nextStart else { return }
        hosts[url.origin]?.nextStart = max(next, now + min(pause, limits.maximumDelay))
    }
}
