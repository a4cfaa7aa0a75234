package import HTTPHandles

/// What became of a URL.
package struct CrawledPage: Sendable {
    package enum Outcome: Sendable {
        /// A page of HTML.
        case page(status: Int, bytes: [UInt8])
        /// Something else, which was not read: another type, a redirect, an error status.
        case other(status: Int, type: String?)
        /// There was no answer, or no acceptable one.
        case failed(HandleError)
    }

    package let url: HTTPURL
    /// How many links away from the first URLs.
    package let depth: Int
    package let outcome: Outcome
    /// The links that were found, in the order of the page.
    package let links: [HTTPURL]
}

/// A crawler: follows links, with limits for each host, and as robots.txt wants it.
///
///     try await withSession(userAgent: "examplebot/1.0", options: limits.sessionOptions) { session in
///         let crawler = Crawler(session, robot: "examplebot", limits: limits)
///         try await crawler.run(from: [HTTPURL("https://example.com/")]) { page in print(page.url) }
///     }
package struct Crawler: Sendable {
    private enum Result: Sendable {
        case rules(RobotRules, HTTPURL)
        case page(CrawledPage, pause: Duration?)
    }

    private let session: SessionHandle
    private let robot: String
    private let limits: CrawlLimits
    private let clock: any Clock<Duration>

    /// - Parameters:
    ///   - session: A session with the options of the limits.
    ///   - robot: The name that robots.txt may have rules for.
    ///   - limits: How far it goes, and how fast.
    ///   - clock: What the delays are measured with.
    package init(
        _ session: SessionHandle,
        robot: String,
        limits: CrawlLimits = CrawlLimits(),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.session = session
        self.robot = robot
        self.limits = limits
        self.clock = clock
    }

    /// Crawls until there is nothing left, or the limits are reached, and returns how many URLs robots.txt has excluded.
    ///
    /// Cancelling the task ends all requests, and makes this throw.
    ///
    /// - Parameters:
    ///   - seeds: The first URLs.
    ///   - report: Called for each URL that was requested, one at a time. The crawler waits for it; what it throws ends the crawl.
    @discardableResult
    package func run(
        from seeds: [HTTPURL],
        _ report: (CrawledPage) async throws -> Void
    ) async throws -> Int {
        try await run(from: seeds, report, on: clock)
    }

    private func run<C: Clock<Duration>>(
        from seeds: [HTTPURL],
        _ report: (CrawledPage) async throws -> Void,
        on clock: C
    ) async throws -> Int {
        var frontier = Frontier(seeds, limits)
        let start = clock.now
        return try await withThrowingTaskGroup(of: Result.self) { group in
            var running = 0
            while true {
                while running < limits.concurrency, let next = frontier.next(at: start.duration(to: clock.now)) {
                    running += 1
                    group.addTask {
                        let delay = next.start - start.duration(to: clock.now)
                        if delay > .zero { try await clock.sleep(for: delay) }
                        return try await perform(next.job)
                    }
                }
                // Without a task that runs there is nothing left.
                guard let result = try await group.next() else { return frontier.disallowed }
                running -= 1
                switch result {
                case .rules(let rules, let url): frontier.obtained(rules, for: url)
                case .page(let page, let pause):
                    frontier.finished(page.url, at: start.duration(to: clock.now), pause: pause)
                    for link in page.links { frontier.add(link, depth: page.depth + 1) }
                    try await report(page)
                }
            }
        }
    }

    private func perform(_ job: Frontier.Job) async throws(HandleError) -> Result {
        switch job {
        case .robots(let url): .rules(try await rules(at: url), url)
        case .page(let url, let depth): try await page(url, depth)
        }
    }

    private func rules(at url: HTTPURL) async throws(HandleError) -> RobotRules {
        do throws(HandleError) {
            let options: [OptionSetting] = [
                .set(.redirectPolicy, to: .refuseDowngrade), .set(.maximumRedirects, to: 5),
            ]
            let response = try await session.get(url, options: options)
            switch response.status.kind {
            case .successful:
                return RobotRules(parsing: try await response.body.read(exactly: RobotRules.maximumSize), for: robot)
            case .serverError: return .all
            // A file that does not exist, or that robots may not read.
            default: return .none
            }
        } catch {
            if error.isCancellation { throw error }
            return .all
        }
    }

    private func page(_ url: HTTPURL, _ depth: Int) async throws(HandleError) -> Result {
        do throws(HandleError) {
            let response = try await session.get(url, headerFields: [.accept: "text/html"])
            let head = response.head
            let type = head.contentType?.mediaType
            guard head.isSuccess, type == "text/html" else {
                let target = head.status.kind == .redirection ? head.headerFields[.location] : nil
                let links = target.flatMap { try? url.resolving($0) }.map { [$0] } ?? []
                let page = CrawledPage(
                    url: url,
                    depth: depth,
                    outcome: .other(status: head.status.code, type: type),
                    links: links
                )
                // The response is released without its body being read, which closes its request.
                return .page(page, pause: head.retryDelay)
            }
            let bytes = try await response.body.collect(upTo: limits.pageSize)
            let links = PageLinks(in: bytes).resolved(against: url)
            let outcome = CrawledPage.Outcome.page(status: head.status.code, bytes: bytes)
            return .page(CrawledPage(url: url, depth: depth, outcome: outcome, links: links), pause: nil)
        } catch {
            if error.isCancellation { throw error }
            return .page(CrawledPage(url: url, depth: depth, outcome: .failed(error), links: []), pause: nil)
        }
    }
}
