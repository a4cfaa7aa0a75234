package import HTTPHandles

/// What is to be checked.
package struct HealthCheck: Sendable {
    package var url: String
    /// The statuses of a healthy server.
    package var statuses = 200...299
    /// A text that the beginning of the body has to contain.
    package var text: String?
    /// How long the check may take.
    package var timeout = Duration.seconds(10)

    package init(_ url: String) {
        self.url = url
    }
}

/// The result of a check.
package struct CheckResult: Sendable {
    package enum Verdict: Sendable, Hashable {
        case healthy
        case wrongStatus(Int)
        case missingText
        case failed(HandleError)
    }

    package let url: String
    package let verdict: Verdict
    package let timeline: Timeline

    package var isHealthy: Bool { verdict == .healthy }
}

extension CheckResult: CustomStringConvertible {
    package var description: String {
        let verdict =
            switch verdict {
            case .healthy: "ok"
            case .wrongStatus(let status): "status \(status)"
            case .missingText: "the text is missing"
            case .failed(let error): "\(error)"
            }
        return (["\(isHealthy ? "+" : "-") \(url): \(verdict)"] + timeline.lines()).joined(separator: "\n")
    }
}

/// Checks servers, and notes how long each phase of each check took.
///
///     try await withSession(userAgent: "health-checker/1.0", options: HealthChecker.sessionOptions) { session in
///         for result in try await HealthChecker(session).run([HealthCheck("https://example.com/")]) { print(result) }
///     }
package struct HealthChecker: Sendable {
    /// How much of a body is read.
    private static let maximumBody = 1 << 20

    private let session: SessionHandle

    package init(_ session: SessionHandle) {
        self.session = session
    }

    /// What the session starts with: each check resolves the name, and makes a connection.
    package static var sessionOptions: [OptionSetting] {
        [.set(.keepAlive, to: false), .set(.resolverCacheTime, to: .zero), .set(.usesCookies, to: false)]
    }

    /// Runs checks at the same time, and returns their results in the same order.
    ///
    /// Cancelling the task ends all of them, and throws.
    ///
    /// - Parameters:
    ///   - checks: The checks.
    ///   - limit: How many run at a time. One that waits for its turn does not measure that.
    package func run(_ checks: [HealthCheck], atOnce limit: Int = 8) async throws -> [CheckResult] {
        try await withThrowingTaskGroup(of: (Int, CheckResult).self) { group in
            var results: [Int: CheckResult] = [:]
            for (index, check) in checks.enumerated() {
                if index >= limit, let (index, result) = try await group.next() { results[index] = result }
                group.addTask { (index, try await run(check)) }
            }
            for try await (index, result) in group { results[index] = result }
            return checks.indices.compactMap { results[$0] }
        }
    }

    /// Runs one check. Throws only if its task is cancelled.
    package func run(_ check: HealthCheck) async throws -> CheckResult {
        var timeline = Timeline(since: .now)
        let verdict: CheckResult.Verdict
        do throws(HandleError) {
            let options: [OptionSetting] = [.set(.totalTimeout, to: check.timeout)]
            let request = try await session.openRequest(.get, check.url, options: options)
            let events = request.statusEvents(Timeline.mask)
            async let all = Timeline(timeline, events)
            verdict = await self.verdict(of: request, check)
            // The last event comes when the handle is gone, and ends the timeline.
            try? request.close()
            timeline = await all
        } catch {
            // A URL that cannot be one.
            verdict = .failed(error)
        }
        try Task.checkCancellation()
        return CheckResult(url: check.url, verdict: verdict, timeline: timeline)
    }

    private func verdict(of request: RequestHandle, _ check: HealthCheck) async -> CheckResult.Verdict {
        do throws(HandleError) {
            try await request.send()
            let status = try await request.receiveResponse().status.code
            guard check.statuses.contains(status) else { return .wrongStatus(status) }
            let body = try await request.body.collect(upTo: Self.maximumBody)
            guard let text = check.text else { return .healthy }
            return body.firstRange(of: text.utf8) == nil ? .missingText : .healthy
        } catch {
            return .failed(error)
        }
    }
}

extension Timeline {
    /// The timeline with all further events.
    fileprivate init(_ beginning: Timeline, _ events: AsyncStream<StatusEvent>) async {
        self = beginning
        for await event in events { add(event) }
    }
}
