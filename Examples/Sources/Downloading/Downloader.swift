package import HTTPHandles

/// Downloads a file, however often the connection is lost, or the program is ended meanwhile.
///
/// What was received is in `<file>.partial`, and in `<file>.partial.version` which version of the resource that is. The next attempt,
/// of this process or of a later one, asks for the rest, if it is still that version (`If-Range`).
///
///     let downloader = Downloader(session)
///     let download = try await downloader.download("https://example.com/large.iso", to: "large.iso") { print($0) }
package struct Downloader: Sendable {
    private let session: SessionHandle
    private let attempts: Int
    private let firstDelay: Duration
    private let clock: any Clock<Duration>

    /// - Parameters:
    ///   - session: A session with `sessionOptions`.
    ///   - attempts: How many attempts in succession may fail without a byte.
    ///   - firstDelay: The delay before the second attempt; it doubles with each attempt that receives nothing.
    ///   - clock: What the delays are measured with.
    package init(
        _ session: SessionHandle,
        attempts: Int = 8,
        firstDelay: Duration = .seconds(1),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.session = session
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.clock = clock
    }

    /// What the session starts with: no limit on the whole time, but one on the time without a byte.
    package static var sessionOptions: [OptionSetting] { [.set(.receiveTimeout, to: .seconds(30))] }

    /// Downloads to a file.
    ///
    /// Cancelling the task throws `.operationCancelled`; what was received stays.
    ///
    /// - Parameters:
    ///   - url: The URL.
    ///   - path: The file. Its folder must exist.
    ///   - report: Called with each step. It must not block.
    package func download(
        _ url: String,
        to path: String,
        report: @escaping @Sendable (DownloadReport) -> Void = { _ in }
    ) async throws -> Download {
        let received = Counter()
        var (failures, lastReceived) = (0, UInt64(0))
        while true {
            do throws(HandleError) {
                return try await session.download(url, to: path) { progress in
                    received.set(progress.received)
                    report(.progress(progress))
                }
            } catch {
                guard error.mayPass else { throw error }
                // An attempt that has received something has not failed: large files come through bad connections in pieces.
                failures = received.value > lastReceived ? 1 : failures + 1
                lastReceived = max(lastReceived, received.value)
                guard failures < attempts else { throw error }
                let doubled = firstDelay * (1 << min(failures - 1, 6))
                let delay = max(doubled, error.requestedDelay ?? .zero)
                report(.retry(after: delay, cause: error))
                try await clock.sleep(for: delay)
            }
        }
    }
}

/// A step of a download.
package enum DownloadReport: Sendable {
    /// Bytes have arrived, or an attempt begins.
    case progress(DownloadProgress)
    /// The attempt has failed. There is another one.
    case retry(after: Duration, cause: HandleError)
}

extension HandleError {
    /// Whether a later attempt may succeed.
    fileprivate var mayPass: Bool {
        switch code {
        case .nameNotResolved, .cannotConnect, .connectionError, .timeout: true
        case .unsuccessfulStatus: [408, 429, 500, 502, 503, 504].contains(response?.status.code)
        default: false
        }
    }

    /// How long the server wants to be left alone, an hour at most.
    fileprivate var requestedDelay: Duration? {
        guard let value = response?.headerFields[.retryAfter], let parsed = RetryAfterValue(value, now: .now) else {
            return nil
        }
        return min(parsed.delay(at: .now), .seconds(3600))
    }
}
