import Testing

@testable import HTTPHandlesCore

/// The races at the end of a session: of each two ends only the first has an effect.
@Suite("Shutdown of a session")
struct ShutdownStateMachineTests {
    private typealias Action = ShutdownStateMachine.Action

    private let start = MonotonicTime(nanoseconds: 1000)
    private let first = HandleID(level: .request, number: 1)
    private let second = HandleID(level: .request, number: 2)
    private let socket = HandleID(level: .webSocket, number: 3)

    /// The machine is not copyable: its actions are compared as values.
    private func actions(_ body: (inout ShutdownStateMachine) -> [Action]) -> [Action] {
        var machine = ShutdownStateMachine()
        return body(&machine)
    }

    private func begin(
        _ machine: inout ShutdownStateMachine,
        _ period: Duration = .seconds(10),
        at time: MonotonicTime? = nil,
        inFlight: Set<HandleID>? = nil
    ) -> Action {
        machine.begin(period, at: time ?? start, inFlight: inFlight ?? [first, second])
    }

    @Test func `requests are accepted until it begins`() {
        var machine = ShutdownStateMachine()
        let before = machine.acceptsRequests
        _ = begin(&machine)
        let after = machine.acceptsRequests
        #expect([before, after] == [true, false])
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min), .nanoseconds(Int64.min)])
    func `without a period everything ends at once`(period: Duration) {
        #expect(actions { [begin(&$0, period)] } == [.closeAll])
    }

    @Test func `with nothing in flight everything ends at once`() {
        #expect(actions { [begin(&$0, inFlight: [])] } == [.closeAll])
    }

    @Test func `the last of those in flight ends it, and others do not count`() {
        let actions = actions {
            [
                begin(&$0), $0.closed(first), $0.closed(first), $0.closed(socket), $0.closed(second),
                $0.alarm(at: start + .seconds(10)), $0.cancelled(),
            ]
        }
        let end = start + .seconds(10)
        #expect(
            actions == [.setAlarm(end), .doNothing, .doNothing, .doNothing, .closeAll, .doNothing, .doNothing]
        )
    }

    @Test func `a request that became a socket is replaced by it`() {
        let actions = actions {
            var actions = [begin(&$0, inFlight: [first])]
            $0.upgraded(to: socket)
            actions += [$0.closed(first), $0.closed(socket)]
            return actions
        }
        #expect(actions == [.setAlarm(start + .seconds(10)), .doNothing, .closeAll])
    }

    @Test func `the end of the period ends it, and an alarm that is too early is set again`() {
        let end = start + .seconds(10)
        let actions = actions {
            [begin(&$0), $0.alarm(at: start + .seconds(9)), $0.alarm(at: end), $0.closed(first), $0.closed(second)]
        }
        #expect(actions == [.setAlarm(end), .setAlarm(end), .closeAll, .doNothing, .doNothing])
    }

    @Test func `the last request and the period end in the same moment`() {
        let end = start + .seconds(10)
        let lastFirst = actions { [begin(&$0, inFlight: [first]), $0.closed(first), $0.alarm(at: end)] }
        let periodFirst = actions { [begin(&$0, inFlight: [first]), $0.alarm(at: end), $0.closed(first)] }
        #expect(lastFirst == [.setAlarm(end), .closeAll, .doNothing])
        #expect(periodFirst == lastFirst)
    }

    @Test func `the earliest end of several periods counts`() {
        let later = start + .seconds(2)
        let actions = actions {
            [
                begin(&$0), begin(&$0, .seconds(20), at: later), begin(&$0, .seconds(8), at: later),
                begin(&$0, .seconds(3), at: later), begin(&$0, .zero, at: later), begin(&$0, at: later),
            ]
        }
        #expect(
            actions == [
                .setAlarm(start + .seconds(10)), .doNothing, .doNothing, .setAlarm(start + .seconds(5)), .closeAll,
                .doNothing,
            ]
        )
    }

    @Test func `cancellation ends it at once, also before it begins`() {
        #expect(actions { [begin(&$0), $0.cancelled(), $0.cancelled()] }.last == .doNothing)
        #expect(actions { [begin(&$0), $0.cancelled()] } == [.setAlarm(start + .seconds(10)), .closeAll])
        #expect(actions { [$0.cancelled(), begin(&$0)] } == [.closeAll, .doNothing])
    }

    @Test func `the session ends for another reason`() {
        let end = start + .seconds(10)
        #expect(
            actions { [begin(&$0), $0.sessionEnded(), $0.closed(first)] } == [.setAlarm(end), .cancelAlarm, .doNothing]
        )
        #expect(actions { [$0.sessionEnded(), begin(&$0)] } == [.doNothing, .doNothing])
        #expect(actions { [begin(&$0, inFlight: []), $0.sessionEnded()] } == [.closeAll, .doNothing])
    }

    @Test func `a period that never ends`() {
        let end = MonotonicTime(nanoseconds: .max)
        #expect(
            actions { [begin(&$0, .seconds(Int64.max)), $0.alarm(at: start)] } == [.setAlarm(end), .setAlarm(end)]
        )
    }
}
