import HTTPHandles
import HTTPTypes

/// What became of a transfer.
struct TransferReport {
    let job: TransferJob
    let start = ContinuousClock.now
    var method = HTTPRequest.Method.get
    var fields = HTTPFields()
    var referer = ""
    var request: RequestHandle?
    var head: ResponseHead?
    /// The file; `nil` for standard output.
    var path: String?
    var received: UInt64 = 0
    var content: HARContent
    var times: RequestTimes?
    var statistics: RequestStatistics?
    var connection: ConnectionInfo?
    var elapsed = Duration.zero
    var failure: TransferFailure?

    init(_ job: TransferJob, keepsBody: Bool) {
        self.job = job
        content = HARContent(keepsBytes: keepsBody)
    }

    /// The answers that redirected.
    var redirects: [Hop] {
        let hops = request?.hops ?? []
        return head == nil ? hops : hops.dropLast()
    }

    var status: Int32 { failure?.status ?? ExitStatus.success }
}
