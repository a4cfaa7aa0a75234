import Foundation
import HTTPHandles
import HTTPHandlesDriver
import HTTPHandlesLock
import HTTPHandlesTimeline

/// What `watch` writes to standard output: on a terminal a live view, otherwise a line for each attempt.
final class WatchDisplay: Sendable {
    private struct State {
        var timeline = Timeline()
        var progress: WatchScreen.Progress
        var events: [String] = []
        var number = 0
        var failure: HandleError?
    }

    /// Attempts and events that are kept: more than any terminal has lines.
    private static let kept = 500

    private let state: Lock<State>
    private let isTerminal = isatty(STDOUT_FILENO) != 0
    private let start = ContinuousClock.now

    init(_ session: SessionHandle, rounds: Int?) {
        state = Lock(State(progress: WatchScreen.Progress(rounds: rounds)))
        if isTerminal { write(Self.enter) }
        let events = session.statusEvents(scope: .tree)
        let following = Task { for await event in events { take(event) } }
        let drawing = isTerminal ? Task { await drawRepeatedly() } : nil
        tasks.withLock { $0 = (following, drawing) }
    }

    private let tasks = Lock<(following: Task<Void, Never>, drawing: Task<Void, Never>?)?>(nil)

    /// The alternative screen, without a cursor.
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
    private static let leave = "\u{1B}[?25h\u{1B}[?1049l"

    /// Whether standard output cannot be written.
    var hasFailed: Bool { state.withLock { $0.failure != nil } }

    func begin(_ round: Int) { state.withLock { $0.progress.round = round } }

    /// A request has ended.
    func count(_ error: HandleError?) {
        state.withLock { state in
            state.progress.requests += 1
            if error != nil { state.progress.failures += 1 }
        }
    }

    /// Waits for the last event, which is the session's `handleClosing`, and restores the terminal.
    func finish() async throws {
        let tasks = tasks.withLock { $0 }
        await tasks?.following.value
        tasks?.drawing?.cancel()
        await tasks?.drawing?.value
        if isTerminal { draw() }
        let (progress, failure) = state.withLock { ($0.progress, $0.failure) }
        write((isTerminal ? Self.leave : "") + progress.text + "\n")
        if let failure { throw TransferFailure(failure) }
    }

    private func take(_ event: StatusEvent) {
        let line: String? = state.withLock { state in
            let ended = state.timeline.add(event)
            state.timeline.forget(keeping: Self.kept)
            state.events.append(EventPrinter.text(event, since: start))
            if state.events.count > 2 * Self.kept { state.events.removeFirst(Self.kept) }
            guard let ended, !isTerminal else { return nil }
            state.number += 1
            return WatchScreen.line(state.number, ended)
        }
        if let line { write(line + "\n") }
    }

    private func drawRepeatedly() async {
        while !Task.isCancelled {
            draw()
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func draw() {
        let screen = Terminal.screen(of: STDOUT_FILENO)
        let view = state.withLock { state in
            let now = state.timeline.origin.map { ContinuousClock.now - $0 } ?? .zero
            return WatchScreen(state.timeline, state.progress, state.events, now: now, on: screen)
        }
        write("\u{1B}[H" + view.lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    private func write(_ text: String) {
        do {
            try WritableFile.standardOutput().write(Array(text.utf8))
        } catch {
            state.withLock { $0.failure = $0.failure ?? error }
        }
    }
}

/// Calls an action on SIGINT and SIGTERM, in place of ending the process.
struct Interrupts {
    private let sources: [any DispatchSourceSignal]

    init(_ action: @escaping @Sendable () -> Void) {
        sources = [SIGINT, SIGTERM].map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: action)
            source.resume()
            return source
        }
    }

    func end() { for source in sources { source.cancel() } }
}
