import Testing

@testable import HTTPHandlesCore

/// Every phase of a socket with every event: what is refused, what ends, and what goes to the network.
@Suite("WebSocket state machine: every phase and every event")
struct WebSocketPhaseTests {
    /// WinHTTP's phases (winhttp: open, send pending, receive pending, after Shutdown, peer's close frame received, after
    /// Close, closed), those in the middle of a message, and those after a failure.
    enum Phase: CaseIterable {
        case open, sendPending, receivePending, receiving, sendingPieces
        case shuttingDown, shutDown, peerClosed, peerClosedUnanswered, peerClosedUnread
        case finishing, finished, failing, failed, lost, lostUnread, over

        func socket() -> TestSocket {
            let socket = TestSocket()
            switch self {
            case .open: break
            case .sendPending: socket.send("pending")
            case .receivePending: socket.read()
            case .receiving: socket.receive(text("beginning", fin: false))
            case .sendingPieces:
                socket.send(WebSocketPiece(.textFragment, [0x61]))
                socket.sent()
            case .shuttingDown: socket.shutDown()
            case .shutDown:
                socket.shutDown()
                socket.sent()
            case .peerClosed:
                socket.receive(closeFrame(1001))
                socket.sent()
                socket.read()
            case .peerClosedUnanswered: socket.receive(closeFrame(1001))
            case .peerClosedUnread: socket.receive(text("unread") + closeFrame(1001))
            case .finishing:
                socket.finish()
                socket.sent()
            case .finished:
                socket.finish()
                socket.sent()
                socket.receive(closeFrame(1000))
            case .failing: socket.receive([0x83])
            case .failed:
                socket.receive([0x83])
                socket.sent()
            case .lost: socket.inputEnds()
            case .lostUnread:
                socket.receive(text("unread"))
                socket.inputEnds()
            case .over: socket.close()
            }
            _ = socket.actions
            return socket
        }

        /// Why nothing more can be sent.
        var sendRefusal: WebSocketFailure? {
            switch self {
            case .open, .sendPending, .receivePending, .receiving, .sendingPieces: nil
            case .shuttingDown, .shutDown, .finishing, .finished: .wrongState("the socket was shut down")
            case .peerClosed, .peerClosedUnanswered, .peerClosedUnread: .closedByPeer(WebSocketCloseStatus(.goingAway))
            case .failing, .failed: .protocolError("the opcode 3 is reserved")
            case .lost, .lostUnread: .connectionLost
            case .over: .closedHandle
            }
        }

        var receiveRefusal: WebSocketFailure? {
            switch self {
            case .open, .sendPending, .receiving, .sendingPieces, .shuttingDown, .shutDown: nil
            case .peerClosedUnanswered, .peerClosedUnread, .lostUnread: nil
            case .receivePending: .wrongState("receive has not finished yet")
            case .finishing, .finished: .wrongState("the socket is being finished")
            case .peerClosed, .failing, .failed, .lost, .over: sendRefusal
            }
        }

        var shutdownRefusal: WebSocketFailure? {
            switch self {
            case .peerClosed, .peerClosedUnanswered, .peerClosedUnread: nil
            default: sendRefusal
            }
        }

        var finishRefusal: WebSocketFailure? {
            switch self {
            case .finishing, .finished: .wrongState("the socket is being finished")
            case .shuttingDown, .shutDown: nil
            default: shutdownRefusal
            }
        }

        /// What is pending, in its order.
        var pending: [WebSocketOperation] {
            switch self {
            case .sendPending: [.send(1)]
            case .receivePending: [.receive]
            case .shuttingDown: [.shutdown]
            case .finishing: [.finish]
            default: []
            }
        }

        /// Messages and the peer's close frame have a meaning.
        var isReceiving: Bool {
            switch self {
            case .open, .sendPending, .receivePending, .receiving, .sendingPieces, .shuttingDown, .shutDown, .finishing:
                true
            default: false
            }
        }

        var isConnected: Bool { self != .lost && self != .lostUnread && self != .over }

        /// The close frame was sent.
        var hasSentClose: Bool {
            switch self {
            case .shutDown, .peerClosed, .finishing, .finished, .failed: true
            default: false
            }
        }
    }

    static func failures(_ operations: [WebSocketOperation], _ failure: WebSocketFailure) -> [WebSocketAction] {
        operations.flatMap { WebSocketStateMachineTests.failed($0, failure) }
    }

    /// A failure of the socket: the pending receive ends last.
    static func socketFailed(_ phase: Phase, _ failure: WebSocketFailure) -> [WebSocketAction] {
        [.emit(.socketFailed(failure))] + failures(phase.pending, failure)
    }

    @Test(arguments: Phase.allCases)
    func send(phase: Phase) {
        let socket = phase.socket()
        #expect(socket.send("x") == phase.sendRefusal)
        #expect(socket.actions.isEmpty)
        guard phase.sendRefusal == nil else { return }
        let frames = socket.sent()
        let isEnd = phase == .sendingPieces
        #expect(frames.last == SentFrame(opcode: isEnd ? 0 : 1, payload: [0x78]))
    }

    @Test(arguments: Phase.allCases)
    func `ping and round trip`(phase: Phase) {
        let socket = phase.socket()
        #expect(socket.ping([1]) == phase.sendRefusal)
        #expect(socket.roundTrip() == phase.sendRefusal)
        #expect(socket.actions.isEmpty)
        guard phase.sendRefusal == nil else { return }
        #expect(socket.sent().prefix(2).map(\.opcode) == [9, 9])
    }

    @Test(arguments: Phase.allCases)
    func receive(phase: Phase) {
        let socket = phase.socket()
        #expect(socket.read() == phase.receiveRefusal)
        let expected: [WebSocketAction] =
            switch phase {
            case .receiving: WebSocketStateMachineTests.delivered("beginning", ends: false)
            case .peerClosedUnanswered: WebSocketClosingTests.closeReceived(WebSocketCloseStatus(.goingAway))
            case .peerClosedUnread, .lostUnread: WebSocketStateMachineTests.delivered("unread")
            default: []
            }
        #expect(socket.actions == expected)
    }

    @Test(arguments: Phase.allCases)
    func shutdown(phase: Phase) {
        let socket = phase.socket()
        #expect(socket.shutDown() == phase.shutdownRefusal)
        let isInline = phase == .peerClosed
        #expect(socket.actions == (isInline ? WebSocketClosingTests.shutdownComplete : []))
        guard phase.shutdownRefusal == nil, !isInline else { return }
        let code: UInt16 = phase.sendRefusal == nil ? 1000 : 1001
        #expect(socket.sent().last == .close(code))
        #expect(socket.actions.suffix(2) == WebSocketClosingTests.shutdownComplete)
    }

    @Test(arguments: Phase.allCases)
    func finish(phase: Phase) {
        let socket = phase.socket()
        #expect(socket.finish() == phase.finishRefusal)
        guard phase.finishRefusal == nil else { return #expect(socket.actions.isEmpty) }
        let cancelled = phase == .receivePending ? Self.failures([.receive], .finishing) : []
        let isInline = phase == .peerClosed
        #expect(socket.actions == cancelled + (isInline ? WebSocketClosingTests.closeComplete : []))
        guard !isInline else { return }
        socket.sent()
        socket.receive(closeFrame(1000))
        #expect(socket.actions.suffix(2) == WebSocketClosingTests.closeComplete)
        #expect(socket.bufferedBytes == 0)
    }

    @Test(arguments: Phase.allCases)
    func `a message comes`(phase: Phase) {
        let socket = phase.socket()
        let before = socket.bufferedBytes
        socket.receive(phase == .receiving ? frame(0, [0x78]) : text("x"))
        #expect(
            socket.actions == (phase == .receivePending ? WebSocketStateMachineTests.delivered("x") : [])
        )
        let isKept = phase.isReceiving && phase != .finishing && phase != .receivePending
        #expect((socket.bufferedBytes > before) == isKept)
    }

    @Test(arguments: Phase.allCases)
    func `a ping comes`(phase: Phase) {
        let socket = phase.socket()
        socket.receive(frame(9, [7]))
        #expect(socket.actions.isEmpty)
        #expect((socket.sent().first == .pong([7])) == phase.isReceiving)
    }

    @Test(arguments: Phase.allCases)
    func `a close frame comes`(phase: Phase) {
        let socket = phase.socket()
        let before = socket.closeStatus
        socket.receive(closeFrame(4321))
        let status = WebSocketCloseStatus(WebSocketCloseCode(rawValue: 4321))
        guard phase.isReceiving else {
            #expect(socket.closeStatus == before)
            return #expect(socket.actions.isEmpty)
        }
        #expect(socket.closeStatus == status)
        let expected: [WebSocketAction] =
            switch phase {
            case .sendPending: Self.failures([.send(1)], .closedByPeer(status))
            case .receivePending: WebSocketClosingTests.closeReceived(status)
            case .finishing: WebSocketClosingTests.closeComplete
            default: []
            }
        #expect(socket.actions == expected)
        let answer: [SentFrame] = phase.hasSentClose ? [] : [.close(phase == .shuttingDown ? 1000 : 4321)]
        #expect(socket.sent() == answer)
    }

    @Test(arguments: Phase.allCases)
    func `a violation comes`(phase: Phase) {
        let socket = phase.socket()
        socket.receive([0xF0])
        let failure = WebSocketFailure.protocolError("a reserved bit is set")
        guard phase.isReceiving else { return #expect(socket.actions.isEmpty) }
        #expect(socket.actions == Self.socketFailed(phase, failure))
        #expect(socket.sent() == (phase.hasSentClose ? [] : [.close(1002, "a reserved bit is set")]))
        #expect(socket.isConnected)
        // The peer does not close the connection.
        socket.advance(by: .seconds(10))
        #expect(socket.actions == [.disconnect])
    }

    @Test(arguments: Phase.allCases)
    func `the connection ends`(phase: Phase) {
        for isTransferError in [false, true] where phase.isConnected {
            let error = HandleError(.connectionError, .receiveResponse, reason: "reset")
            let socket = phase.socket()
            if isTransferError { socket.transferFails(error) } else { socket.inputEnds() }
            let failure: WebSocketFailure = isTransferError ? .transferFailed(error) : .connectionLost
            #expect(socket.actions == (phase.isReceiving ? Self.socketFailed(phase, failure) : []))
            #expect(socket.timers.isEmpty && !socket.wantsToWrite || socket.sent().isEmpty)
        }
    }

    @Test(arguments: Phase.allCases)
    func `the close timer fires`(phase: Phase) {
        let socket = phase.socket()
        let isRunning = socket.timers[.close] != nil
        let waits: [Phase] = [
            .peerClosed, .peerClosedUnanswered, .peerClosedUnread, .finishing, .finished, .failing, .failed,
        ]
        #expect(isRunning == waits.contains(phase))
        socket.fire(.close)
        let failure = WebSocketFailure.notClosed(within: .seconds(10))
        let failed = phase == .finishing ? Self.socketFailed(phase, failure) : []
        #expect(socket.actions == (isRunning ? failed + [.disconnect] : []))
    }

    @Test(arguments: Phase.allCases, [WebSocketTimer.keepAlive, .answer])
    func `a timer fires that does not run`(phase: Phase, timer: WebSocketTimer) {
        let socket = phase.socket()
        let frames = phase.socket().sent()
        socket.fire(timer)
        #expect(socket.actions.isEmpty)
        #expect(socket.sent() == frames)
    }

    @Test(arguments: Phase.allCases)
    func `the handle is closed`(phase: Phase) {
        let socket = phase.socket()
        socket.close()
        let end: [WebSocketAction] = phase == .over ? [] : phase.isConnected ? [.disconnect, .endHandle] : [.endHandle]
        #expect(socket.actions == Self.failures(phase.pending, .cancelled) + end)
        #expect(socket.timers.isEmpty && socket.sent().isEmpty)
        #expect(socket.read() == .closedHandle && socket.finish() == .closedHandle)
    }
}
