import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket state machine: ends")
struct WebSocketClosingTests {
    static func failed(_ operation: WebSocketOperation, _ failure: WebSocketFailure) -> [WebSocketAction] {
        WebSocketStateMachineTests.failed(operation, failure)
    }

    static let shutdownComplete: [WebSocketAction] = [.emit(.shutdownComplete), .succeed(.shutdown)]
    static let closeComplete: [WebSocketAction] = [.emit(.closeComplete), .succeed(.finish)]
    static func closeReceived(_ status: WebSocketCloseStatus) -> [WebSocketAction] {
        [.emit(.closeReceived(status)), .deliverClose(status)]
    }

    static let normal = WebSocketCloseStatus(.normalClosure)

    // MARK: By the caller

    @Test func `shutdown, and reading on until the peer's close frame`() {
        let socket = TestSocket()
        #expect(socket.shutDown(.normalClosure, "done") == nil)
        #expect(socket.actions.isEmpty)
        #expect(socket.sent() == [.close(1000, "done")])
        #expect(socket.actions == Self.shutdownComplete)
        #expect(socket.send("x") == .wrongState("the socket was shut down"))
        #expect(socket.ping() == .wrongState("the socket was shut down"))
        #expect(socket.roundTrip() == .wrongState("the socket was shut down"))
        #expect(socket.shutDown() == .wrongState("the socket was shut down"))
        // Reading goes on, and so do answers to pings.
        socket.receive(text("more"), frame(9, [7]))
        #expect(socket.sent() == [.pong([7])])
        socket.read()
        #expect(socket.actions == WebSocketStateMachineTests.delivered("more"))
        #expect(socket.closeStatus == nil)
        socket.read()
        socket.receive(closeFrame(1000, "bye"))
        let status = WebSocketCloseStatus(.normalClosure, reason: "bye")
        #expect(socket.actions == Self.closeReceived(status))
        #expect(socket.closeStatus == status)
        #expect(socket.read() == .closedByPeer(status))
        // WinHTTP's order: the close is complete inline.
        #expect(socket.finish() == nil)
        #expect(socket.actions == Self.closeComplete)
        socket.close()
        #expect(socket.actions == [.disconnect, .endHandle])
    }

    @Test func `shutdown after messages that wait`() {
        let socket = TestSocket()
        socket.send("a")
        socket.shutDown()
        socket.send("b")
        #expect(socket.sent() == [.text("a"), .close(1000)])
        #expect(socket.actions == WebSocketStateMachineTests.sent(1, 1) + Self.shutdownComplete)
    }

    @Test func `shutdown inside a message`() {
        let socket = TestSocket()
        socket.send(WebSocketPiece(.textFragment, [0x61]), of: 1)
        socket.send("behind", of: 2)
        socket.send(WebSocketPiece(.textFragment, [0x62]), of: 1)
        socket.shutDown()
        #expect(
            socket.actions
                == Self.failed(.send(2), .wrongState("the socket was shut down inside the message before"))
        )
        #expect(
            socket.sent() == [
                SentFrame(opcode: 1, payload: [0x61], fin: false), SentFrame(opcode: 0, payload: [0x62], fin: false),
                .close(1000),
            ]
        )
    }

    @Test func `a close frame without a code`() {
        let socket = TestSocket()
        socket.shutDown(.noStatusReceived)
        #expect(socket.sent() == [SentFrame(opcode: 8, payload: [])])
    }

    @Test func `codes and reasons that must not be sent are refused`() {
        let socket = TestSocket()
        for code: WebSocketCloseCode in [.abnormalClosure, .tlsHandshake, WebSocketCloseCode(rawValue: 999)] {
            #expect(socket.shutDown(code) == .invalidParameter("the close code \(code) must not be sent"))
            #expect(socket.finish(code) == .invalidParameter("the close code \(code) must not be sent"))
        }
        #expect(socket.send("still open") == nil)
    }

    @Test func `finish ends a pending receive, discards messages, and ends with the peer's close frame`() {
        let socket = TestSocket()
        socket.read()
        #expect(socket.finish(.goingAway, "x") == nil)
        #expect(socket.actions == Self.failed(.receive, .finishing))
        #expect(socket.sent() == [.close(1001, "x")])
        socket.receive(text("discarded"), frame(2, Array(repeating: 0, count: 70_000)))
        #expect(!socket.isPaused && socket.bufferedBytes == 0)
        #expect(socket.read() == .wrongState("the socket is being finished"))
        #expect(socket.finish() == .wrongState("the socket is being finished"))
        #expect(socket.shutDown() == .wrongState("the socket was shut down"))
        #expect(socket.actions.isEmpty)
        socket.receive(closeFrame(1001))
        #expect(socket.actions == Self.closeComplete)
        #expect(socket.closeStatus == WebSocketCloseStatus(.goingAway))
        socket.inputEnds()
        #expect(socket.actions.isEmpty && socket.timers.isEmpty)
    }

    @Test func `finish after shutdown sends no second close frame`() {
        let socket = TestSocket()
        socket.shutDown()
        socket.finish(.goingAway)
        #expect(socket.sent() == [.close(1000)])
        #expect(socket.actions == Self.shutdownComplete)
        socket.receive(closeFrame(1000))
        #expect(socket.actions == Self.closeComplete)
    }

    @Test func `finish waits for its own close frame too`() {
        let socket = TestSocket()
        socket.finish()
        socket.receive(closeFrame(4000))
        #expect(socket.actions.isEmpty)
        #expect(socket.sent() == [.close(1000)])
        #expect(socket.actions == Self.closeComplete)
    }

    @Test func `finish of a paused socket reads on`() {
        var settings = TestSocket.settings
        settings.receiveBuffer = 10
        let socket = TestSocket(settings)
        socket.receive(text("long enough"))
        #expect(socket.isPaused)
        socket.finish()
        #expect(!socket.isPaused && socket.bufferedBytes == 0)
    }

    @Test func `finish has a time limit`() {
        let socket = TestSocket()
        socket.finish()
        socket.sent()
        socket.advance(by: .milliseconds(9999))
        #expect(socket.actions.isEmpty)
        socket.advance(by: .milliseconds(1))
        let failure = WebSocketFailure.notClosed(within: .seconds(10))
        #expect(socket.actions == [.emit(.socketFailed(failure))] + Self.failed(.finish, failure) + [.disconnect])
        #expect(failure.code == .timeout)
        #expect(socket.finish() == failure)
        socket.close()
        #expect(socket.actions == [.endHandle])
    }

    // MARK: By the peer

    @Test func `the peer's close frame is answered with its code`() {
        for (received, answer) in [
            (closeFrame(1001, "going"), SentFrame.close(1001)), (closeFrame(4999), .close(4999)),
            (frame(8), SentFrame(opcode: 8, payload: [])),
        ] {
            let socket = TestSocket()
            socket.receive(received)
            #expect(socket.sent() == [answer])
            // The server closes the connection.
            #expect(socket.actions.isEmpty && socket.isConnected)
            socket.inputEnds()
            #expect(socket.actions.isEmpty && socket.timers.isEmpty)
        }
    }

    @Test func `a peer that does not close the connection`() {
        let socket = TestSocket()
        socket.receive(closeFrame(1000))
        socket.sent()
        socket.advance(by: .seconds(10))
        #expect(socket.actions == [.disconnect])
        #expect(socket.closeStatus == Self.normal)
    }

    @Test func `messages before the close frame are read first`() {
        let socket = TestSocket()
        socket.receive(text("a") + text("b") + closeFrame(1000) + text("ignored") + [0xFF, 0xFF])
        #expect(socket.messages() == [WebSocketPiece(.textMessage, [0x61]), WebSocketPiece(.textMessage, [0x62])])
        #expect(socket.read() == .closedByPeer(Self.normal))
    }

    @Test func `the peer's close frame ends what is sent, at the end of the frame`() {
        var settings = TestSocket.settings
        settings.sentFrameSize = 100
        let socket = TestSocket(settings)
        socket.send(String(repeating: "a", count: 250))
        socket.ping([1])
        socket.roundTrip()
        socket.write(upTo: 100)
        _ = socket.actions
        socket.receive(closeFrame(1001))
        let failure = WebSocketFailure.closedByPeer(WebSocketCloseStatus(.goingAway))
        #expect(socket.actions == Self.failed(.send(1), failure) + Self.failed(.roundTrip(3), failure))
        let frames = socket.sent()
        #expect(frames.map(\.opcode) == [9, 9, 1, 8])
        #expect(frames.last == .close(1001))
        #expect(socket.send("x") == failure)
        #expect(socket.shutDown() == nil)
        #expect(socket.actions == Self.shutdownComplete)
    }

    @Test func `shutdown and finish while the answer waits`() {
        let socket = TestSocket()
        socket.receive(closeFrame(1000))
        socket.shutDown()
        socket.finish()
        #expect(socket.actions.isEmpty)
        #expect(socket.sent() == [.close(1000)])
        #expect(socket.actions == Self.shutdownComplete + Self.closeComplete)
    }

    @Test func `a peer that is gone after its close frame wanted no answer`() {
        let socket = TestSocket()
        socket.receive(closeFrame(1000))
        socket.shutDown()
        socket.inputEnds()
        #expect(socket.actions == Self.shutdownComplete)
        #expect(socket.read() == nil)
        #expect(socket.actions == Self.closeReceived(Self.normal))
        socket.finish()
        #expect(socket.actions == Self.closeComplete)
    }

    // MARK: Failures

    @Test func `a violation is answered with its code, and fails what is pending`() {
        let socket = TestSocket()
        socket.receive(text("good"))
        socket.send("x")
        socket.roundTrip()
        socket.read(whole: true)
        #expect(socket.actions == WebSocketStateMachineTests.delivered("good"))
        socket.read(whole: true)
        socket.receive([0x81, 2, 0x61, 0xFF])
        let failure = WebSocketFailure.invalidPayload("a text is not UTF-8")
        #expect(
            socket.actions == [.emit(.socketFailed(failure))] + Self.failed(.send(1), failure)
                + Self.failed(.roundTrip(2), failure) + Self.failed(.receive, failure)
        )
        #expect(socket.sent() == [.close(1007, "a text is not UTF-8")])
        // Everything fails for the same reason, what comes is ignored, and the server closes the connection.
        socket.receive(text("ignored"), closeFrame(1000))
        #expect(socket.send("x") == failure && socket.read() == failure && socket.ping() == failure)
        #expect(socket.shutDown() == failure && socket.finish() == failure && socket.roundTrip() == failure)
        #expect(socket.closeStatus == nil)
        socket.inputEnds()
        #expect(socket.actions.isEmpty && socket.timers.isEmpty)
    }

    @Test func `a violation while the peer takes nothing`() {
        let socket = TestSocket()
        socket.receive([0x83])
        socket.advance(by: .seconds(10))
        #expect(socket.events == [.socketFailed(.protocolError("the opcode 3 is reserved"))])
        #expect(!socket.isConnected)
    }

    @Test func `messages before a violation are read first`() {
        let socket = TestSocket()
        socket.receive(text("a") + text("beginning", fin: false) + text("b"))
        let failure = WebSocketFailure.protocolError("a message begins inside another")
        #expect(socket.events == [.socketFailed(failure)])
        #expect(socket.messages(whole: false).map(\.text) == ["a", "beginning"])
        #expect(socket.read() == failure)
    }

    @Test func `a violation after the own close frame sends no second one`() {
        let socket = TestSocket()
        socket.finish()
        socket.sent()
        socket.receive([0x83])
        let failure = WebSocketFailure.protocolError("the opcode 3 is reserved")
        #expect(socket.actions == [.emit(.socketFailed(failure))] + Self.failed(.finish, failure))
        #expect(socket.sent() == [])
    }

    @Test func `a violation while the own close frame waits replaces it`() {
        let socket = TestSocket()
        socket.send("waits")
        socket.shutDown()
        socket.receive([0x83])
        #expect(socket.sent() == [.close(1002, "the opcode 3 is reserved")])
    }

    @Test func `the connection ends without a close frame`() {
        for isTransferError in [false, true] {
            let error = HandleError(.connectionError, .receiveResponse, reason: "reset")
            let failure: WebSocketFailure = isTransferError ? .transferFailed(error) : .connectionLost
            let socket = TestSocket()
            socket.receive(text("a") + [0x81, 5, 0x62])
            socket.send("x")
            socket.finish()
            let other = TestSocket()
            other.receive(text("a") + [0x81, 5, 0x62])
            if isTransferError {
                socket.transferFails(error)
                other.transferFails(error)
            } else {
                socket.inputEnds()
                other.inputEnds()
            }
            #expect(
                socket.actions == [.emit(.socketFailed(failure))] + Self.failed(.send(1), failure)
                    + Self.failed(.finish, failure)
            )
            #expect(socket.sent() == [])
            #expect(other.messages(whole: false).map(\.text) == ["a", "b"])
            #expect(other.read() == failure)
            #expect(failure.error(in: .readData).code == .connectionError)
            #expect(failure.error(in: .readData).operation == .readData)
        }
    }

    @Test func `data that do not inflate fail when they are`() throws {
        for closesFirst in [false, true] {
            let socket = TestSocket(TestSocket.settings, .small())
            socket.receive(text("a") + frame(1, [0xFF, 0xFF], rsv: 4) + (closesFirst ? closeFrame(1000) : []))
            let failure = WebSocketFailure.invalidPayload("malformed")
            #expect(socket.messages() == [WebSocketPiece(.textMessage, [0x61])])
            #expect(socket.read() == failure)
            #expect(socket.sent() == [closesFirst ? .close(1000) : .close(1007, "malformed")])
        }
    }

    // MARK: The handle

    @Test func `closing the handle ends all operations in order, then the connection, then the handle`() {
        let socket = TestSocket()
        socket.send("a")
        socket.read()
        socket.roundTrip()
        socket.ping()
        socket.shutDown()
        socket.send("b")
        socket.close()
        #expect(
            socket.actions == [.send(1), .receive, .roundTrip(2), .ping(3), .shutdown].flatMap {
                Self.failed($0, .cancelled)
            }
                + [.disconnect, .endHandle]
        )
        #expect(socket.timers.isEmpty)
        socket.close()
        socket.receive(text("late"))
        socket.inputEnds()
        #expect(socket.sent() == [])
        #expect(socket.actions.isEmpty)
        #expect(socket.read() == .closedHandle && socket.send("x") == .closedHandle && socket.finish() == .closedHandle)
    }

    @Test func `closing the handle while it finishes`() {
        let socket = TestSocket()
        socket.finish()
        socket.sent()
        socket.close()
        #expect(socket.actions == Self.failed(.finish, .cancelled) + [.disconnect, .endHandle])
    }
}
