import ArgumentParser
import HTTPHandles

/// The transfers of a command, one after the other or several at the same time.
struct TransferBatch {
    private let plan: TransferPlan
    private let jobs: TransferJobs
    private let session: SessionHandle
    private let heads: HeadDump?
    private let record: SessionRecording?
    private let output: OutputOptions
    /// How many at the same time.
    var limit = 1

    init(
        _ plan: TransferPlan,
        _ jobs: TransferJobs,
        _ session: SessionHandle,
        _ heads: HeadDump?,
        _ record: SessionRecording?,
        shows output: OutputOptions
    ) {
        self.plan = plan
        self.jobs = jobs
        self.session = session
        self.heads = heads
        self.record = record
        self.output = output
    }

    /// The status of the last transfer, or in parallel of the last failure, as in curl.
    struct Outcome {
        var status = ExitStatus.success
        var failure: TransferFailure?
    }

    func run() async -> Outcome {
        limit == 1 ? await runInOrder() : await runInParallel()
    }

    private func runInOrder() async -> Outcome {
        var outcome = Outcome()
        for job in jobs {
            switch job {
            case .failure(let error): return refuse(error)
            case .success(let job):
                let transfer = Transfer(
                    job: job,
                    plan: plan,
                    session: session,
                    heads: heads,
                    showsProgress: output.showsProgress
                )
                let failure = finish(await transfer.run())
                outcome = Outcome(status: failure?.status ?? ExitStatus.success, failure: failure)
                if outcome.failure != nil, output.failEarly { return outcome }
            }
        }
        return outcome
    }

    private func runInParallel() async -> Outcome {
        await withTaskGroup(of: TransferReport.self) { group in
            var outcome = Outcome()
            var running = 0
            func finishOne() async {
                guard let report = await group.next() else { return }
                running -= 1
                guard let failure = finish(report) else { return }
                outcome = Outcome(status: failure.status, failure: failure)
            }
            for job in jobs {
                if running == limit { await finishOne() }
                if outcome.failure != nil, output.failEarly { break }
                let next: TransferJob
                do {
                    next = try job.get()
                } catch {
                    outcome = refuse(error)
                    break
                }
                running += 1
                let (plan, session, heads) = (plan, session, heads)
                group.addTask {
                    let transfer = Transfer(
                        job: next,
                        plan: plan,
                        session: session,
                        heads: heads,
                        showsProgress: false
                    )
                    return await transfer.run()
                }
            }
            while running > 0 { await finishOne() }
            return outcome
        }
    }

    /// A URL of a glob that cannot be used.
    private func refuse(_ error: any Error) -> Outcome {
        let failure = error as? TransferFailure ?? TransferFailure(ExitStatus.usage, "\(error)")
        show(failure)
        return Outcome(status: failure.status, failure: failure)
    }

    /// Shows what became of a transfer, and writes its `-w`.
    private func finish(_ report: TransferReport) -> TransferFailure? {
        var failure = report.failure
        if let format = plan.format {
            do throws(TransferFailure) {
                try WriteOut(report: report).write(format)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { show(failure) }
        try? report.request?.close()
        record?.add(report)
        return failure
    }

    private func show(_ failure: TransferFailure) {
        guard output.showsErrors else { return }
        let text = "error: \(failure.text)"
        if let record { record.show(text) } else { Terminal.say(text) }
    }
}
