import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The states of a handle, as `HandleLifetime` passes through them, and what each way to close a request does to it.
struct HandleLife {
    /// What happens to a handle with at most one child.
    private enum Input: String, CaseIterable { case childOpened, childGone, closed }

    private enum State: String { case open, closing, gone }

    private struct Step: Hashable {
        let from: State
        let input: Input
        let hasChild: Bool
        let to: State
    }

    /// How a request is closed, and what is seen of it.
    private struct Ending {
        let way: String
        /// What the pending operation throws.
        let error: String
        let events: [String]
    }

    private let steps: Set<Step>
    private let endings: [Ending]

    init() async throws {
        steps = Self.explored()
        endings = try await Self.played()
    }

    // MARK: States

    /// Every step of a handle, from the machine alone.
    private static func explored() -> Set<Step> {
        var steps: Set<Step> = []
        var paths: [[Input]] = [[]]
        while let path = paths.popLast() {
            let (state, children) = replay(path)
            for input in Input.allCases {
                // A handle that is gone has no children; another is closed once.
                let isPossible =
                    switch input {
                    case .childOpened: state == .open && children == 0
                    case .childGone: children > 0
                    case .closed: state == .open
                    }
                guard isPossible else { continue }
                let step = Step(from: state, input: input, hasChild: children > 0, to: replay(path + [input]).state)
                if steps.insert(step).inserted { paths.append(path + [input]) }
            }
        }
        return steps
    }

    private static func replay(_ path: [Input]) -> (state: State, children: Int) {
        var lifetime = HandleLifetime()
        var isGone = false
        var children = 0
        for input in path {
            switch input {
            case .childOpened:
                lifetime.childOpened()
                children += 1
            case .childGone:
                isGone = lifetime.childGone() == .finish
                children -= 1
            case .closed: isGone = lifetime.closed() == .finish
            }
        }
        return (isGone ? .gone : lifetime.isOpen ? .open : .closing, children)
    }

    // MARK: Endings

    private static func played() async throws -> [Ending] {
        var endings = [
            try await ending("close()") { session, request, waiting in try request.close() },
            try await ending("the task inside its call is cancelled") { session, request, waiting in waiting.cancel() },
            try await ending("closeAll() of a handle above it") { session, request, waiting in try session.closeAll() },
        ]
        endings.append(try await leftScope())
        endings.append(try await released())
        return endings
    }

    private typealias Waiting = Task<ResponseHead, any Error>

    /// A request that waits for its response is ended.
    private static func ending(
        _ way: String,
        _ end: (SessionHandle, RequestHandle, Waiting) async throws -> Void
    ) async throws -> Ending {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        let waiting = Task.immediate { try await request.receiveResponse() }
        try await end(session, request, waiting)
        return try await outcome(way, waiting, recorder)
    }

    private static func leftScope() async throws -> Ending {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            connection.waitForClose()
        }
        let (waiting, recorder) = try await withSession { session in
            let request = try await session.openRequest(.get, server.url())
            let recorder = EventRecorder(of: request)
            try await request.send()
            return (Task.immediate { try await request.receiveResponse() }, recorder)
        }
        return try await outcome("withSession returns or throws", waiting, recorder)
    }

    /// What is pending keeps the handle, so nothing is.
    private static func released() async throws -> Ending {
        let session = try SessionHandle()
        let recorder = try await record(of: session)
        let events = try await recorder.finish().map(\.kind.name)
        return Ending(way: "its last reference is released", error: "nothing is pending", events: events)
    }

    private static func record(of session: SessionHandle) async throws -> EventRecorder {
        EventRecorder(of: try await session.openRequest(.get, "http://192.0.2.1/"))
    }

    private static func outcome(_ way: String, _ waiting: Waiting, _ recorder: EventRecorder) async throws -> Ending {
        let error = try await #require(throws: HandleError.self) { try await waiting.value }
        let events = try await recorder.finish().map(\.kind.name).drop { $0 != "receivingResponse" }.dropFirst()
        return Ending(way: way, error: ".\(error.code.name)", events: Array(events))
    }

    // MARK: Drawing

    private static let texts: [Step: String] = [
        Step(from: .open, input: .childOpened, hasChild: false, to: .open): "children are made, and end",
        Step(from: .open, input: .childGone, hasChild: true, to: .open): "children are made, and end",
        Step(from: .open, input: .closed, hasChild: true, to: .closing): "closed, with a child",
        Step(from: .open, input: .closed, hasChild: false, to: .gone): "closed, without children",
        Step(from: .closing, input: .childGone, hasChild: true, to: .gone): "the last child is gone",
    ]
    private static let paths: [[State]: (path: String, x: Int, y: Int)] = [
        [.open, .open]: ("M80,110 C60,70 160,70 140,110", 110, 70),
        [.open, .closing]: ("M190,145 H286", 238, 100),
        [.closing, .gone]: ("M456,145 H522", 489, 100),
        [.open, .gone]: ("M120,180 C170,240 560,240 610,180", 365, 246),
    ]

    /// Those with the same effect.
    private var groups: [[Ending]] {
        endings.reduce(into: []) { groups, ending in
            if let last = groups.last?.first, last.error == ending.error, last.events == ending.events {
                groups[groups.count - 1].append(ending)
            } else {
                groups.append([ending])
            }
        }
    }

    var drawing: Drawing {
        var drawing = Drawing(
            width: 720,
            height: 340 + groups.map { 16 + 20 * max($0.count, $0[0].events.count) }.reduce(0, +)
        )
        drawing.text("The life of a handle", 24, 30, .title)
        var drawn: Set<[State]> = []
        for step in steps.sorted(by: { "\($0)" < "\($1)" }) {
            let ends = [step.from, step.to]
            guard let text = Self.texts[step], let path = Self.paths[ends] else {
                // Shown as a text that does not fit, which the test finds.
                drawing.text("no arrow for \(step)", -1000, 0)
                continue
            }
            guard drawn.insert(ends).inserted else { continue }
            drawing.arrow(path.path)
            drawing.text(text, path.x, path.y, .note, .middle)
        }
        for (state, x, text) in [
            (State.open, 20, "every call works"), (.closing, 286, "calls throw .invalidHandle"),
            (.gone, 522, "handleClosing, then closed()"),
        ] {
            drawing.box(x, 110, state == .gone ? 182 : 170, 70, state == .gone ? .strong : .handle)
            let middle = x + (state == .gone ? 91 : 85)
            drawing.text(state.rawValue, middle, 138, .code, .middle)
            drawing.text(text, middle, 160, .note, .middle)
        }
        for (x, head) in [(24, "what closes a request"), (300, "pending call throws"), (480, "events from then on")] {
            drawing.text(head, x, 296, .label)
        }
        var top = 310
        for group in groups {
            let height = 10 + 20 * max(group.count, group[0].events.count)
            drawing.box(16, top, drawing.width - 32, height, .plain, radius: 3)
            for (row, ending) in group.enumerated() { drawing.text(ending.way, 24, top + 20 + 20 * row) }
            drawing.text(group[0].error, 300, top + 20, group[0].error.first == "." ? .small : .note)
            for (row, event) in group[0].events.enumerated() { drawing.text(event, 480, top + 20 + 20 * row, .small) }
            top += height + 6
        }
        drawing.text(
            "close() of a session or a connection ends none of its children; it is closing until they are gone.",
            24,
            top + 18
        )
        return drawing
    }
}
