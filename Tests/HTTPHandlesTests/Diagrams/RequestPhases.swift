import HTTPHandles
import HTTPTypes
import Testing

/// One request with everything on its way, as its state machine reports it: the events, and which time limit runs between them.
struct RequestPhases {
    /// What can come between two events of that request, or instead of what follows.
    struct Detour {
        let after: String
        let kinds: [StatusEvent.Kind]
        /// With which event it goes on.
        let before: String
        let text: String
    }

    private let kinds: [StatusEvent.Kind]
    private let calls: [(name: String, rows: ClosedRange<Int>)]
    /// Between which events a time limit runs.
    private let limits: [(option: String, rows: ClosedRange<Int>)]

    init() {
        let exchange = PlayedExchange()
        kinds = exchange.kinds
        calls = exchange.calls
        limits = exchange.limits
    }

    private static let error = HandleError(.connectionError, .receiveResponse, reason: "")
    private static let anywhere: [StatusEvent.Kind] = [
        .retry(attempt: 2, after: .seconds(1), cause: .status(503)), .nextProxy(after: error),
        .alternativeServiceFailed(error),
    ]
    private static let detours = [
        Detour(
            after: "queued",
            kinds: [.connectionReused(address: PlayedExchange.address)],
            before: "sendingRequest",
            text: "or connectionReused, then sendingRequest"
        ),
        Detour(
            after: "connectedToServer",
            kinds: [.tunnelRefused(status: .ok, headerFields: [:]), .tunnelEstablished],
            before: "securingConnection",
            text: "proxy: tunnelRefused, tunnelEstablished"
        ),
        Detour(
            after: "securingConnection",
            kinds: [.secureFailure(.unknownAuthority), .requestError(error)],
            before: "handleClosing",
            text: "or secureFailure, requestError"
        ),
        Detour(
            after: "sendingRequest",
            kinds: [.writeComplete(bytes: 1)],
            before: "requestSent",
            text: "writeComplete for each piece"
        ),
        Detour(
            after: "receivingResponse",
            kinds: [.intermediateResponse(status: .continue, headerFields: [:])],
            before: "responseReceived",
            text: "intermediateResponse for each 1xx"
        ),
        Detour(
            after: "responseReceived",
            kinds: [.redirect(url: "")],
            before: "detectingProxy",
            text: "or redirect, then detectingProxy"
        ),
        Detour(
            after: "responseReceived",
            kinds: [.retryRefused(.attempts, cause: .status(503))],
            before: "headersAvailable",
            text: "retryRefused, if not sent again"
        ),
        Detour(
            after: "readComplete(bytes: 5)",
            kinds: [.dataAvailable(bytes: 1)],
            before: "readComplete(bytes: 0)",
            text: "dataAvailable for each available()"
        ),
        Detour(
            after: "readComplete(bytes: 0)",
            kinds: [.closingConnection, .connectionClosed],
            before: "handleClosing",
            text: "closingConnection, connectionClosed"
        ),
    ]

    /// Reads are told apart by their sizes.
    private static func label(_ kind: StatusEvent.Kind) -> String {
        if case .readComplete(let bytes) = kind { "\(kind.name)(bytes: \(bytes))" } else { kind.name }
    }

    private func row(_ label: String) throws -> Int {
        try #require(kinds.firstIndex { Self.label($0) == label })
    }

    /// The order and each detour are allowed, and no kind of event is missing but those of sockets.
    func check() throws {
        try Self.check(kinds)
        for detour in Self.detours {
            let start = kinds[...(try row(detour.after))]
            try Self.check(start + detour.kinds + kinds[(try row(detour.before))...])
        }
        let (sending, deciding) = (try row("queued"), try row("responseReceived"))
        for row in sending...deciding {
            for kind in Self.anywhere { try Self.check(kinds[...row] + [kind] + kinds[1...]) }
        }
        let shown = Set((kinds + Self.detours.flatMap(\.kinds) + Self.anywhere).map(\.name))
        let declared = try Document("Sources/HTTPHandlesCore/Events/StatusEvent.swift").text
            .matches(of: /\n        case (\w+)/).map { String($0.1) }
        #expect(
            Set(declared).subtracting(shown) == [
                "webSocketReadComplete", "webSocketCloseReceived", "webSocketWriteComplete", "shutdownComplete",
                "closeComplete", "socketFailed",
            ]
        )
    }

    private static func check(_ kinds: some Sequence<StatusEvent.Kind>) throws {
        let handle = HandleID(level: .request, number: 3)
        var checker = EventOrderChecker(of: handle)
        let time = ContinuousClock.now
        for (sequence, kind) in kinds.enumerated() {
            let event = StatusEvent(handle: handle, context: nil, time: time, sequence: sequence, kind: kind)
            try checker.check(event)
        }
        try checker.end()
    }

    // MARK: Drawing

    var drawing: Drawing {
        let (top, pitch) = (84, 26)
        var drawing = Drawing(width: 870, height: top + pitch * kinds.count + 62)
        func y(_ row: Int) -> Int { top + pitch * row }
        drawing.text("The phases of a request", 24, 30, .title)
        for (x, head) in [(24, "call"), (172, "time limit, and its default"), (374, "event"), (584, "also")] {
            drawing.text(head, x, 56, .label)
        }
        for (name, rows) in calls {
            drawing.box(24, y(rows.lowerBound), 10, pitch * rows.count - pitch, .bar, radius: 3)
            drawing.text(name, 42, (y(rows.lowerBound) + y(rows.upperBound)) / 2 + 4, .code)
        }
        for (option, rows) in limits {
            let isTotal = option == "totalTimeout"
            let x = isTotal ? 186 : 172
            let height = pitch * rows.count - pitch
            drawing.box(x, y(rows.lowerBound) + 1, 10, height - 2, isTotal ? .total : .bar, radius: 3)
            let label = "\(option) \(Self.initial(option))"
            let middle = y(rows.lowerBound) + (isTotal ? height + 16 : height / 2 + 4)
            drawing.text(label, isTotal ? 172 : 204, middle, .code)
        }
        drawing.line("M380,\(y(0)) V\(y(kinds.count - 1))")
        for (row, kind) in kinds.enumerated() {
            drawing.dot(380, y(row))
            drawing.text(Self.label(kind), 394, y(row) + 4, .code)
        }
        for (after, detours) in Dictionary(grouping: Self.detours, by: \.after).sorted(by: { $0.key < $1.key }) {
            guard let row = kinds.firstIndex(where: { Self.label($0) == after }) else { continue }
            for (number, detour) in detours.enumerated() {
                drawing.text(detour.text, 584, y(row) + pitch * number + pitch / 2 + 4, .note)
            }
        }
        let names = Self.anywhere.map(\.name).joined(separator: ", ")
        drawing.text("Up to the head also \(names), and again from detectingProxy.", 24, drawing.height - 36)
        drawing.text(
            "At any time requestError, for the operation that is pending; then handleClosing, or the next send.",
            24,
            drawing.height - 16
        )
        return drawing
    }

    /// The default of a time limit, as in the table of options.
    private static func initial(_ option: String) -> String {
        let text = OptionEntry.all.first { $0.row.name == option }?.initial ?? ""
        return text == "0.0 seconds" ? "none" : text.replacing(".0 seconds", with: " s")
    }
}

/// Drives an `ExchangeStateMachine` through one exchange, and notes what it reports.
private final class PlayedExchange {
    static let address = SocketAddress(host: "192.0.2.1", port: 443)

    private(set) var kinds: [StatusEvent.Kind] = [.handleCreated(parent: HandleID(level: .connection, number: 2))]
    private(set) var calls: [(name: String, rows: ClosedRange<Int>)] = []
    private(set) var limits: [(option: String, rows: ClosedRange<Int>)] = []
    private var machine = ExchangeStateMachine(.upFront, thenReceive: false)
    private var begins: [HandleOperation: Int] = [:]
    private var phase: (TimeoutPhase, since: Int)?

    init() {
        begin(.sendRequest)
        take { $0.begin(&$1) }
        take { $0.proxyAsked(&$1) }
        take { $0.proxyChosen(&$1) }
        take { $0.queued(&$1) }
        take { $0.slotGranted(&$1) }
        let milestones: [TransferMilestone] = [
            .resolving(host: "example.com"), .resolved(address: "192.0.2.1"), .connecting(Self.address),
            .connected(Self.address, secure: true), .secured, .sending, .requestSent(bytes: 100),
        ]
        for milestone in milestones { take { $0.reached(milestone, &$1) } }
        begin(.receiveResponse, since: kinds.count - 1)
        take { _ = $0.receiveRequested(&$1) }
        take { $0.headArrived(HeaderBlock(status: .ok, [:], .http1_1), .deliver, &$1) }
        // Reads bypass the machine.
        begin(.readData, since: kinds.count - 1)
        kinds.append(.readComplete(bytes: 5))
        take { $0.transferEnded(&$1) }
        kinds.append(.readComplete(bytes: 0))
        end(.readData)
        kinds.append(.handleClosing)
        limits = joined(limits)
    }

    private func begin(_ operation: HandleOperation, since row: Int? = nil) {
        begins[operation] = row ?? kinds.count
    }

    /// With the event that was noted last.
    private func end(_ operation: HandleOperation) {
        guard let start = begins[operation] else { return }
        let names: [HandleOperation: String] = [
            .sendRequest: "send", .receiveResponse: "receiveResponse", .readData: "body",
        ]
        calls.append((names[operation] ?? "\(operation)", start...(kinds.count - 1)))
    }

    private func take(_ input: (inout ExchangeStateMachine, inout ExchangeActions) -> Void) {
        var actions = ExchangeActions()
        actions.begin(isHeard: true)
        input(&machine, &actions)
        actions.carryOut { action in
            switch action {
            case .emit(let kind): kinds.append(kind)
            case .wait(let next): wait(for: next)
            case .stopWaiting: wait(for: nil)
            case .succeed(let operation): end(operation)
            default: break
            }
        }
    }

    /// From the next event on another time limit runs.
    private func wait(for next: TimeoutPhase?) {
        if let (phase, since) = phase, since < kinds.count {
            for option in Self.running(in: phase) { limits.append((option, since...kinds.count)) }
        }
        phase = next.map { ($0, kinds.count) }
    }

    /// The time limits that can expire in a phase.
    private static func running(in phase: TimeoutPhase) -> [String] {
        let second = Duration.seconds(1)
        let limits: [(String, TimeoutLimits)] = [
            ("queueTimeout", TimeoutLimits(queue: second)), ("resolveTimeout", TimeoutLimits(resolve: second)),
            ("connectTimeout", TimeoutLimits(connect: second)), ("sendTimeout", TimeoutLimits(send: second)),
            ("responseTimeout", TimeoutLimits(response: second)), ("receiveTimeout", TimeoutLimits(receive: second)),
            ("totalTimeout", TimeoutLimits(total: second)),
        ]
        let start = MonotonicTime(nanoseconds: 0)
        return limits.filter { _, limits in
            let limits = TimeLimits(limits)
            return ExchangeDeadlines(limits: limits, startedAt: start, phase: phase, since: start).next != nil
        }.map(\.0)
    }

    /// Makes one of those that follow one another without a gap.
    private func joined(_ limits: [(option: String, rows: ClosedRange<Int>)]) -> [(
        option: String, rows: ClosedRange<Int>
    )] {
        var joined: [(option: String, rows: ClosedRange<Int>)] = []
        for (option, rows) in limits {
            if let index = joined.lastIndex(where: { $0.option == option }),
                joined[index].rows.upperBound == rows.lowerBound
            {
                joined[index].rows = joined[index].rows.lowerBound...rows.upperBound
            } else {
                joined.append((option, rows))
            }
        }
        return joined
    }
}
