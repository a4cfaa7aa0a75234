import Testing

@testable import HTTPHandlesCore

@Suite("State machine of upgraded connections")
struct UpgradedStateMachineTests {
    /// Tells a machine of one thing, and returns the actions.
    static func actions(
        _ machine: inout UpgradedStateMachine,
        _ tell: (inout UpgradedStateMachine, inout UpgradedActions) -> Void
    ) -> [UpgradedAction] {
        var actions = UpgradedActions()
        tell(&machine, &actions)
        return actions.list
    }

    /// What a machine answers with actions.
    static func check(
        _ machine: inout UpgradedStateMachine,
        gives expected: [UpgradedAction],
        _ location: SourceLocation = #_sourceLocation,
        _ tell: (inout UpgradedStateMachine, inout UpgradedActions) -> Void
    ) {
        let actions = actions(&machine, tell)
        #expect(actions == expected, sourceLocation: location)
    }

    /// The same, where there is an answer.
    static func check<Answer: Equatable>(
        _ machine: inout UpgradedStateMachine,
        _ expected: Answer,
        gives expectedActions: [UpgradedAction],
        _ location: SourceLocation = #_sourceLocation,
        _ tell: (inout UpgradedStateMachine, inout UpgradedActions) -> Answer
    ) {
        var actions = UpgradedActions()
        let answer = tell(&machine, &actions)
        #expect(answer == expected, sourceLocation: location)
        #expect(actions.list == expectedActions, sourceLocation: location)
    }

    static let small = BufferMarks(low: 2, high: 5)
    static let lost = HandleError(.connectionError, .receiveResponse, reason: "lost")

    @Test func `bytes that come are read in pieces, and hold the peer up`() {
        var machine = UpgradedStateMachine(Self.small)
        Self.check(&machine, gives: [.pauseReading]) { $0.received([1, 2, 3, 4, 5, 6], &$1) }
        Self.check(&machine, UpgradedAnswer.accepted, gives: [.emit(.readComplete(bytes: 3)), .deliver([1, 2, 3])]) {
            $0.readRequested(upTo: 3, &$1)
        }
        Self.check(
            &machine,
            UpgradedAnswer.accepted,
            gives: [.emit(.readComplete(bytes: 1)), .deliver([4]), .resumeReading]
        ) { $0.readRequested(upTo: 1, &$1) }
        Self.check(&machine, UpgradedAnswer.accepted, gives: [.emit(.readComplete(bytes: 2)), .deliver([5, 6])]) {
            $0.readRequested(upTo: 9, &$1)
        }
        Self.check(&machine, UpgradedAnswer.accepted, gives: []) { $0.readRequested(upTo: 9, &$1) }
        let refusal = HandleError.wrongState(.readData, "readData has not finished yet")
        Self.check(&machine, UpgradedAnswer.refused(refusal), gives: []) { $0.readRequested(upTo: 9, &$1) }
        Self.check(&machine, gives: [.emit(.readComplete(bytes: 0)), .deliver([])]) { $0.transferEnded(nil, &$1) }
        Self.check(&machine, UpgradedAnswer.accepted, gives: [.emit(.readComplete(bytes: 0)), .deliver([])]) {
            $0.readRequested(upTo: 9, &$1)
        }
    }

    @Test func `writes go out in order, and then the end`() {
        var machine = UpgradedStateMachine(BufferMarks())
        Self.check(&machine, UpgradedAnswer.accepted, gives: [.resumeWriting]) { $0.writeRequested(1, [1, 2, 3], &$1) }
        Self.check(&machine, UpgradedAnswer.accepted, gives: []) { $0.writeRequested(2, [4], &$1) }
        Self.check(&machine, UpgradedAnswer.accepted, gives: []) { $0.shutdownRequested(&$1) }
        Self.check(&machine, [UInt8]([1, 2]), gives: []) { $0.takeOutput(upTo: 2, &$1) }
        Self.check(
            &machine,
            [UInt8]([3, 4]),
            gives: [
                .emit(.writeComplete(bytes: 3)), .succeed(.write(1)), .emit(.writeComplete(bytes: 1)),
                .succeed(.write(2)),
            ]
        ) { $0.takeOutput(upTo: 2, &$1) }
        Self.check(&machine, [UInt8](), gives: [.endSending]) { $0.takeOutput(upTo: 2, &$1) }
        Self.check(&machine, gives: [.emit(.shutdownComplete), .succeed(.shutdown)]) { $0.sendingEnded(&$1) }
        let refusal = HandleError.wrongState(.writeData, "the sending direction was ended")
        Self.check(&machine, UpgradedAnswer.refused(refusal), gives: []) { $0.writeRequested(3, [1], &$1) }
        Self.check(&machine, UpgradedAnswer.accepted, gives: []) { $0.readRequested(upTo: 1, &$1) }
    }

    @Test func `a failure ends everything that is pending, once`() {
        var machine = UpgradedStateMachine(BufferMarks())
        _ = Self.actions(&machine) { machine, actions in
            _ = machine.readRequested(upTo: 1, &actions)
            _ = machine.writeRequested(1, [1], &actions)
            _ = machine.shutdownRequested(&actions)
        }
        func seen(_ operation: HandleOperation) -> HandleError { Self.lost.seen(by: operation) }
        Self.check(
            &machine,
            gives: [
                .emit(.socketFailed(Self.lost)), .emit(.requestError(seen(.writeData))),
                .fail(.write(1), seen(.writeData)), .emit(.requestError(seen(.shutdown))),
                .fail(.shutdown, seen(.shutdown)), .emit(.requestError(seen(.readData))),
                .fail(.read, seen(.readData)),
            ]
        ) { $0.transferEnded(Self.lost, &$1) }
        Self.check(&machine, gives: []) { $0.closed(&$1) }
        Self.check(&machine, UpgradedAnswer.refused(.closed(.readData)), gives: []) { $0.readRequested(upTo: 1, &$1) }
    }

    @Test func `closing`() {
        var machine = UpgradedStateMachine(BufferMarks())
        _ = Self.actions(&machine) { machine, actions in
            _ = machine.readRequested(upTo: 1, &actions)
            _ = machine.writeRequested(1, [1], &actions)
        }
        let (read, write) = (HandleError.cancelled(.readData), HandleError.cancelled(.writeData))
        Self.check(
            &machine,
            gives: [
                .emit(.requestError(read)), .fail(.read, read), .emit(.requestError(write)),
                .fail(.write(1), write),
                .disconnect,
            ]
        ) { $0.closed(&$1) }
        Self.check(&machine, gives: []) { $0.closed(&$1) }
    }
}
