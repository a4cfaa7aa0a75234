import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesDriver
import HTTPTypes

/// One request and its response.
struct Transfer {
    let job: TransferJob
    let plan: TransferPlan
    let session: SessionHandle
    let heads: HeadDump?
    let showsProgress: Bool

    func run() async -> TransferReport {
        var report = TransferReport(job, keepsBody: plan.keepsBodies)
        do {
            try await run(&report)
        } catch let error as HandleError {
            report.failure = TransferFailure(error)
        } catch let failure as TransferFailure {
            report.failure = failure
        } catch {
            report.failure = TransferFailure(ExitStatus.usage, "\(error)")
        }
        report.elapsed = report.start.duration(to: .now)
        return report
    }

    private func run(_ report: inout TransferReport) async throws {
        let (method, fields, body) = plan.request(job)
        report.method = method
        report.fields = fields
        report.referer = fields[.referer] ?? ""
        let request = try await session.openRequest(method, job.url.text, headerFields: fields)
        report.request = request
        if let credentials = job.credentials { try await request.setOption(.credentials, to: credentials) }
        let fails = plan.output.fail || plan.output.failWithBody
        if let policy = plan.retries.policy(for: method, fails: fails) {
            try await request.setOption(.retryPolicy, to: policy)
        }
        let canceller = closeLater(request)
        defer { canceller?.cancel() }
        let verbose = plan.output.verbose ? VerboseOutput(request, method, fields) : nil
        do {
            try await request.send(body)
            let head = try await request.receiveResponse()
            report.head = head
            await verbose?.finish(head)
            try await receive(head, request, &report)
        } catch {
            try? await collectFacts(request, &report)
            try? request.close()
            await verbose?.finish(nil)
            throw error
        }
    }

    private func receive(_ head: ResponseHead, _ request: RequestHandle, _ report: inout TransferReport) async throws {
        let earlier = report.redirects.map(\.head) + request.informationalHeads
        let allHeads = earlier.flatMap(\.rawBytes) + head.rawBytes
        try await heads?.write(allHeads)
        let isFailure = head.status.code >= 400 && (plan.output.fail || plan.output.failWithBody)
        let failure = TransferFailure(ExitStatus.statusIsFailure, "the status is \(head.status.code)")
        if isFailure, plan.output.fail {
            // As in curl, with --include the head is written.
            if plan.output.include { try WritableFile.standardOutput().write(allHeads) }
            throw failure
        }
        try await write(plan.output.include || plan.isHead ? allHeads : [], head, request, &report)
        try await collectFacts(request, &report)
        if isFailure { throw failure }
        try plan.conditions.saveTag(of: head)
    }

    private func write(
        _ start: [UInt8],
        _ head: ResponseHead,
        _ request: RequestHandle,
        _ report: inout TransferReport
    ) async throws {
        let isExcluded = head.status.code == 304 || ConditionOptions.excludes(plan.timeCondition, head)
        // What is there already is not overwritten.
        if start.isEmpty, isExcluded { return }
        let length = head.headerFields[.contentLength].flatMap { UInt64($0) }
        let limit = plan.limits.maxFilesize.map { UInt64($0.bytes) } ?? .max
        let tooLong = TransferFailure(ExitStatus.tooLong, "the body is longer than --max-filesize")
        if let length, length > limit, !plan.isHead { throw tooLong }
        let path = try job.destination.path(for: head)
        if let path, plan.output.createDirs { try Destination.makeFolders(of: path) }
        report.path = path
        let file = if let path { try WritableFile(into: path) } else { try WritableFile.standardOutput() }
        var progress = path.flatMap { _ in showsProgress ? ProgressLine(expecting: length) : nil }
        defer { progress?.finish(file.length) }
        if !start.isEmpty { try file.write(start) }
        if isExcluded { return try file.complete() }
        var pace = Pace(plan.limits.limitRate?.bytes)
        var received: UInt64 = 0
        for try await piece in request.body {
            received += UInt64(piece.count)
            guard received <= limit else { throw tooLong }
            report.content.append(piece)
            try file.write(piece)
            report.received = received
            progress?.update(file.length)
            await pace.wait(received)
        }
        // Reports errors that the system detects when a file is closed.
        try file.complete()
    }

    private func collectFacts(_ request: RequestHandle, _ report: inout TransferReport) async throws {
        report.connection = try? await request.option(.connectionInfo)
        report.statistics = try? await request.option(.requestStatistics)
        report.times = try await request.option(.requestTimes)
    }

    private func closeLater(_ request: RequestHandle) -> Task<Void, Never>? {
        plan.limits.cancelAfter.map { seconds in
            Task {
                guard (try? await Task.sleep(for: seconds.duration)) != nil else { return }
                try? request.close()
            }
        }
    }
}

/// Slows down a reader: `--limit-rate`.
private struct Pace {
    private let bytesPerSecond: Int64?
    private let start = ContinuousClock.now

    init(_ bytesPerSecond: Int64?) {
        self.bytesPerSecond = bytesPerSecond
    }

    mutating func wait(_ received: UInt64) async {
        guard let bytesPerSecond else { return }
        let due = start + .seconds(Double(received) / Double(bytesPerSecond))
        // Cancellation shows in the next read.
        try? await Task.sleep(until: due, clock: .continuous)
    }
}
