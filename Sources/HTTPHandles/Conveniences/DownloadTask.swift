public import HTTPHandlesCore
import HTTPHandlesLock
public import HTTPTypes

/// A download that goes on by itself: it shows its progress, and can be cancelled alone.
///
///     let download = session.startDownload("https://example.com/large.iso", to: "large.iso")
///     Task { for await progress in download.progress() { print(progress.fraction ?? 0) } }
///     let length = try await download.value.length
///
/// It runs in a task of its own, which has the priority and the task-local values of the task that started it. Releasing the
/// last reference does not cancel it; closing all handles of its session (`closeAll`, `withSession`) ends it.
public final class DownloadTask: Sendable {
    private let task: Task<Result<Download, HandleError>, Never>
    private let report: ProgressList

    init(
        _ body:
            @escaping @Sendable (@escaping @Sendable (DownloadProgress) -> Void) async -> Result<Download, HandleError>
    ) {
        let report = ProgressList()
        self.report = report
        task = Task {
            let result = await body { report.update($0) }
            report.end()
            return result
        }
    }

    /// Cancels the download: its request is closed, and `value` throws `.operationCancelled`. The part that was received stays,
    /// and the next download of the same URL to the same file goes on there. No effect on a download that is over.
    public func cancel() {
        task.cancel()
    }

    /// The result, when the download is over. Cancelling the task that waits does not cancel the download.
    public var value: Download {
        get async throws(HandleError) { try await task.value.get() }
    }

    /// How far the download has come, from now on. A listener that falls behind skips to the newest element, and delays
    /// nothing. The sequence ends with the download. Any number may be made.
    public func progress() -> AsyncStream<DownloadProgress> {
        report.stream()
    }

    /// The listeners, on any thread.
    private final class ProgressList: Sendable {
        private struct State {
            var latest: DownloadProgress?
            var listeners: [AsyncStream<DownloadProgress>.Continuation] = []
            var isOver = false
        }

        private let state = Lock(State())

        func stream() -> AsyncStream<DownloadProgress> {
            let (stream, listener) = AsyncStream.makeStream(
                of: DownloadProgress.self,
                bufferingPolicy: .bufferingNewest(1)
            )
            let isOver = state.withLock { state in
                if let latest = state.latest { listener.yield(latest) }
                if !state.isOver { state.listeners.append(listener) }
                return state.isOver
            }
            if isOver { listener.finish() }
            return stream
        }

        func update(_ progress: DownloadProgress) {
            let listeners = state.withLock { state in
                state.latest = progress
                return state.listeners
            }
            for listener in listeners { listener.yield(progress) }
        }

        func end() {
            let listeners = state.withLock { state in
                state.isOver = true
                defer { state.listeners = [] }
                return state.listeners
            }
            for listener in listeners { listener.finish() }
        }
    }
}

extension SessionHandle {
    /// Starts a download and returns at once. See `download`, whose parameters and errors these are.
    ///
    /// The download has a reference to the session: it does not end when the caller releases the session.
    public nonisolated func startDownload(
        _ url: String,
        to path: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) -> DownloadTask {
        DownloadTask { progress in
            do throws(HandleError) {
                return .success(
                    try await self.download(
                        url,
                        to: path,
                        query: query,
                        headerFields: headerFields,
                        options: options,
                        context: context,
                        progress: progress
                    )
                )
            } catch {
                return .failure(error)
            }
        }
    }
}
