import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket state machine: messages")
struct WebSocketStateMachineTests {
    static func delivered(_ text: String, ends: Bool = true) -> [WebSocketAction] {
        let kind = WebSocketPieceKind(isText: true, endsMessage: ends)
        let bytes = Array(text.utf8)
        return [.emit(.readComplete(bytes: bytes.count, kind: kind)), .deliver(WebSocketPiece(kind, bytes))]
    }

    static func sent(_ number: Int, _ bytes: Int, _ kind: WebSocketPieceKind = .textMessage) -> [WebSocketAction] {
        [.emit(.writeComplete(bytes: bytes, kind: kind)), .succeed(.send(number))]
    }

    static func failed(_ operation: WebSocketOperation, _ failure: WebSocketFailure) -> [WebSocketAction] {
        [.emit(.requestError(operation, failure)), .fail(operation, failure)]
    }

    // MARK: Receiving

    @Test func `a message before and after it is asked for`() {
        let socket = TestSocket()
        socket.receive(text("early"))
        #expect(socket.actions.isEmpty)
        #expect(socket.read() == nil)
        #expect(socket.actions == Self.delivered("early"))
        #expect(socket.read() == nil)
        #expect(socket.actions.isEmpty)
        socket.receive(text("late"))
        #expect(socket.actions == Self.delivered("late"))
    }

    @Test func `messages that are lent, and what is behind them`() {
        let socket = TestSocket()
        socket.lendsMessages = true
        socket.receive(text("a") + text("b") + text("c") + text("d", fin: false))
        socket.read()
        #expect(socket.actions == Self.delivered("a"))
        // What is left is taken back, and lent again.
        socket.send("x")
        socket.read(whole: true)
        #expect(socket.actions == Self.delivered("b"))
        socket.read()
        socket.read()
        #expect(socket.actions == Self.delivered("c") + Self.delivered("d", ends: false))
    }

    @Test func `reading goes on when enough of the lent messages was read`() {
        var settings = TestSocket.settings
        settings.receiveBuffer = 1000
        let socket = TestSocket(settings)
        socket.lendsMessages = true
        for _ in 0..<10 { socket.receive(frame(2, [UInt8](repeating: 0, count: 200))) }
        // Each counts as 264 bytes.
        for _ in 0..<8 { socket.read() }
        #expect(socket.isPaused && socket.actions.count == 16)
        socket.read()
        #expect(!socket.isPaused && socket.bufferedBytes == 264)
    }

    @Test func `pieces of a message, as they come`() {
        let socket = TestSocket()
        let bytes = text("abc", fin: false) + frame(0, Array("def".utf8))
        socket.receive(Array(bytes[..<4]))
        socket.read()
        #expect(socket.actions == Self.delivered("ab", ends: false))
        socket.read()
        socket.receive(Array(bytes[4...]))
        #expect(socket.actions == Self.delivered("cdef"))
    }

    @Test func `a piece of text ends at a character`() {
        let text = Array("aé€😀b".utf8)
        for cut in 0...text.count {
            for isCompressed in [false, true] {
                let socket = TestSocket(TestSocket.settings, isCompressed ? .small() : nil)
                var halves = [Array(text[..<cut]), Array(text[cut...])]
                if isCompressed, let deflater = MessageDeflater(.small()) {
                    halves = halves.enumerated().map { place, half in
                        (try? deflater.deflate(half[...], flush: true, endsMessage: place == 1)) ?? []
                    }
                }
                socket.read()
                socket.receive(frame(1, halves[0], fin: false, rsv: isCompressed ? 4 : 0))
                let first = socket.messages(whole: false)
                socket.receive(frame(0, halves[1]))
                let all = first + socket.messages(whole: false)
                let pieces = all.map { String(validating: $0.bytes, as: UTF8.self) }
                #expect(!pieces.contains(nil), "\(cut)")
            }
        }
    }

    @Test func `a whole message, however long the buffer is`() {
        var settings = TestSocket.settings
        settings.receiveBuffer = 100
        for isCompressed in [false, true] {
            let socket = TestSocket(settings, isCompressed ? .small() : nil)
            let deflater = isCompressed ? MessageDeflater(.small()) : nil
            #expect(socket.read(whole: true) == nil)
            for part in 0..<10 {
                #expect(!socket.isPaused)
                #expect(socket.actions.isEmpty)
                let payload = Array(repeating: UInt8(part), count: 1000)
                let coded = (try? deflater?.deflate(payload[...], flush: false, endsMessage: part == 9)) ?? payload
                socket.receive(frame(part == 0 ? 2 : 0, coded, fin: part == 9, rsv: part == 0 && isCompressed ? 4 : 0))
            }
            let whole = (0..<10).flatMap { Array(repeating: UInt8($0), count: 1000) }
            #expect(
                socket.actions == [
                    .emit(.readComplete(bytes: 10_000, kind: .binaryMessage)),
                    .deliver(WebSocketPiece(.binaryMessage, whole)),
                ]
            )
        }
    }

    @Test func `the rest of a message may be read whole`() {
        let socket = TestSocket()
        socket.receive(text("ab", fin: false))
        socket.read()
        #expect(socket.actions == Self.delivered("ab", ends: false))
        socket.read(whole: true)
        socket.receive(frame(0, Array("cd".utf8), fin: false), frame(0, Array("ef".utf8)))
        #expect(socket.actions == Self.delivered("cdef"))
    }

    @Test func `messages of both kinds in order, compressed and not`() throws {
        let deflater = MessageDeflater(.small())
        let socket = TestSocket(TestSocket.settings, .small())
        func coded(_ text: String) throws -> [UInt8] {
            try deflater?.deflate(Array(text.utf8)[...], flush: true, endsMessage: true) ?? []
        }
        socket.receive(
            frame(1, try coded("one"), rsv: 4) + text("two") + frame(2, try coded("three"), rsv: 4)
                + frame(1, try coded("four"), rsv: 4) + frame(2, [5])
        )
        #expect(
            socket.messages() == [
                WebSocketPiece(.textMessage, Array("one".utf8)), WebSocketPiece(.textMessage, Array("two".utf8)),
                WebSocketPiece(.binaryMessage, Array("three".utf8)), WebSocketPiece(.textMessage, Array("four".utf8)),
                WebSocketPiece(.binaryMessage, [5]),
            ]
        )
    }

    @Test func `a second receive is an error, and leaves the first`() {
        let socket = TestSocket()
        socket.read()
        #expect(socket.read(whole: true) == .wrongState("receive has not finished yet"))
        #expect(socket.actions.isEmpty)
        socket.receive(text("a", fin: false))
        #expect(socket.actions == Self.delivered("a", ends: false))
    }

    // MARK: Sending

    @Test func `messages are sent one after the other`() {
        let socket = TestSocket()
        #expect(socket.send("one") == nil)
        #expect(socket.send(WebSocketPiece(.binaryMessage, [2])) == nil)
        #expect(socket.actions.isEmpty)
        #expect(socket.sent() == [.text("one"), SentFrame(opcode: 2, payload: [2])])
        #expect(socket.actions == Self.sent(1, 3) + Self.sent(2, 1, .binaryMessage))
        #expect(!socket.wantsToWrite)
    }

    @Test(arguments: [1, 2, 7, 20, 1000])
    func `the network takes as little as it wants`(limit: Int) {
        var settings = TestSocket.settings
        settings.sentFrameSize = 50
        let socket = TestSocket(settings)
        socket.send(String(repeating: "a", count: 120))
        socket.ping([9])
        socket.send("")
        #expect(
            socket.sent(in: limit) == [
                .ping([9]), SentFrame(opcode: 1, payload: Array(repeating: 0x61, count: 50), fin: false),
                SentFrame(opcode: 0, payload: Array(repeating: 0x61, count: 50), fin: false),
                SentFrame(opcode: 0, payload: Array(repeating: 0x61, count: 20)), .text(""),
            ]
        )
        #expect(socket.actions == [.succeed(.ping(2))] + Self.sent(1, 120) + Self.sent(3, 0))
    }

    @Test func `each frame has a key of its own`() {
        var settings = TestSocket.settings
        settings.sentFrameSize = 10
        let socket = TestSocket(settings)
        socket.send(String(repeating: "a", count: 1000))
        var bytes: [UInt8] = []
        var machine = WebSocketStateMachine(settings, nil, at: socket.now)
        var actions = WebSocketActions()
        var generator = SeededGenerator(seed: 2)
        let answer = machine.sendRequested(
            1,
            WebSocketPiece(.binaryMessage, Array(repeating: 0, count: 1000)),
            &actions
        )
        #expect(answer == .accepted)
        bytes = machine.takeOutput(upTo: 1 << 20, at: socket.now, using: &generator, &actions)
        let keys = SentFrame.all(in: bytes).keys
        #expect(keys.count == 100 && Set(keys).count == 100)
    }

    @Test func `control frames go between the frames of a message`() {
        var settings = TestSocket.settings
        settings.sentFrameSize = 100
        let socket = TestSocket(settings)
        socket.send(String(repeating: "a", count: 250))
        socket.write(upTo: 50)
        socket.receive(frame(9, [1]))
        socket.ping([2])
        let frames = socket.sent()
        #expect(frames.map(\.opcode) == [1, 10, 9, 0, 0])
        #expect(frames.map(\.fin) == [false, true, true, false, true])
    }

    @Test func `a message in pieces, while others wait`() {
        let socket = TestSocket()
        #expect(socket.send(WebSocketPiece(.textFragment, [0x61]), of: 1) == nil)
        #expect(socket.send("other", of: 2) == nil)
        #expect(socket.send(WebSocketPiece(.binaryFragment, [1]), of: 3) == nil)
        #expect(socket.sent() == [SentFrame(opcode: 1, payload: [0x61], fin: false)])
        #expect(socket.actions == Self.sent(1, 1, .textFragment))
        // The same sender, also with another kind of end.
        #expect(socket.send(WebSocketPiece(.textFragment, [0x62]), of: 1) == nil)
        #expect(socket.send(WebSocketPiece(.textMessage, []), of: 1) == nil)
        #expect(
            socket.sent() == [
                SentFrame(opcode: 0, payload: [0x62], fin: false), SentFrame(opcode: 0, payload: []), .text("other"),
                SentFrame(opcode: 2, payload: [1], fin: false),
            ]
        )
        #expect(
            socket.actions
                == Self.sent(4, 1, .textFragment) + Self.sent(5, 0) + Self.sent(2, 5) + Self.sent(3, 1, .binaryFragment)
        )
    }

    @Test func `a piece of the other kind is refused, and changes nothing`() {
        let socket = TestSocket()
        let failure = WebSocketFailure.invalidParameter(
            "a message is either text or bytes, and this one was begun as the other"
        )
        socket.send(WebSocketPiece(.binaryFragment, [1]))
        #expect(socket.send(WebSocketPiece(.textFragment, [0x61])) == failure)
        #expect(socket.send(WebSocketPiece(.textMessage, [0x61])) == failure)
        #expect(socket.send(WebSocketPiece(.binaryMessage, [2])) == nil)
        #expect(socket.send(WebSocketPiece(.textMessage, [0x61])) == nil)
        #expect(
            socket.sent() == [
                SentFrame(opcode: 2, payload: [1], fin: false), SentFrame(opcode: 0, payload: [2]), .text("a"),
            ]
        )
    }

    @Test func `text that is sent is UTF-8`() {
        let failure = WebSocketFailure.invalidParameter("the text is not UTF-8")
        let socket = TestSocket()
        #expect(socket.send(WebSocketPiece(.textMessage, [0xFF])) == failure)
        #expect(socket.send(WebSocketPiece(.textMessage, [0xC3])) == failure)
        #expect(socket.send(WebSocketPiece(.textFragment, [0xC3])) == nil)
        #expect(socket.send(WebSocketPiece(.textFragment, [0xC3])) == failure)
        #expect(socket.send(WebSocketPiece(.textMessage, [0xA9])) == nil)
        #expect(socket.sent().count == 2)
    }

    @Test func `messages are compressed, but short ones are not`() throws {
        var settings = TestSocket.settings
        settings.sentFrameSize = 1000
        let socket = TestSocket(settings, .small())
        let long = String(repeating: "abcdefg", count: 500)
        socket.send(long)
        socket.send("short")
        socket.send(WebSocketPiece(.textFragment, [0x61]))
        socket.send(WebSocketPiece(.textMessage, [0x62]))
        let frames = socket.sent()
        #expect(
            socket.actions == Self.sent(1, 3500) + Self.sent(2, 5) + Self.sent(3, 1, .textFragment) + Self.sent(4, 1)
        )
        // The long message, the short one, and the two pieces, of which the first is flushed.
        #expect(frames.first?.rsv == 4)
        let messages = frames.split(whereSeparator: { $0 == .text("short") })
        #expect(messages.count == 2)
        var inflater = MessageCompressionTests.inflater()
        for (message, expected) in zip(messages, [long, "ab"]) {
            #expect(message.dropFirst().allSatisfy { $0.rsv == 0 && $0.opcode == 0 })
            #expect(message.last?.fin == true)
            let decoded = try MessageCompressionTests.inflate(message.map(\.payload), with: &inflater)
            #expect(decoded == Array(expected.utf8))
        }
    }

    @Test func `a window that is too small is answered without compression`() {
        let agreement = MessageCompressionTests.agreement { $0.clientWindowBits = 8 }
        let socket = TestSocket(TestSocket.settings, .small(agreement))
        socket.send(String(repeating: "a", count: 100))
        #expect(socket.sent() == [.text(String(repeating: "a", count: 100))])
    }

    // MARK: Abandoned messages

    @Test func `a message of which nothing was sent is taken back`() {
        let socket = TestSocket()
        socket.send(WebSocketPiece(.binaryFragment, [1]), of: 1)
        socket.send("other", of: 2)
        socket.abandon(1)
        socket.abandon(7)
        #expect(socket.actions == Self.failed(.send(1), .abandonedMessage))
        #expect(socket.sent() == [.text("other")])
    }

    @Test func `a message of which a part was sent ends the socket`() {
        let socket = TestSocket()
        socket.read()
        socket.send(WebSocketPiece(.binaryFragment, [1]), of: 1)
        socket.sent()
        socket.send("other", of: 2)
        _ = socket.actions
        socket.abandon(1)
        #expect(
            socket.actions == [.emit(.socketFailed(.abandonedMessage))] + Self.failed(.send(2), .abandonedMessage)
                + Self.failed(.receive, .abandonedMessage)
        )
        #expect(socket.sent() == [.close(1011, "a message was begun, but its producer failed")])
    }

    @Test func `reading goes on after a failure, up to the end of the connection`() {
        var settings = TestSocket.settings
        settings.receiveBuffer = 10
        let socket = TestSocket(settings)
        socket.send(WebSocketPiece(.binaryFragment, [1]), of: 1)
        socket.sent()
        socket.receive(text("long enough"))
        #expect(socket.isPaused)
        socket.abandon(1)
        #expect(!socket.isPaused)
        #expect(socket.messages().map(\.text) == ["long enough"])
        #expect(socket.read() == .abandonedMessage)
    }

    // MARK: Pings

    @Test func `pings are answered while nothing is read`() {
        let socket = TestSocket()
        socket.receive(text("unread"), frame(9, Array("p".utf8)))
        #expect(socket.sent() == [.pong(Array("p".utf8))])
        #expect(socket.actions.isEmpty)
    }

    @Test func `of many pings the last is answered`() {
        let socket = TestSocket()
        for number in UInt8(0)..<100 { socket.receive(frame(9, [number])) }
        #expect(socket.sent() == [.pong([99])])
        socket.receive(frame(9))
        #expect(socket.sent() == [.pong([])])
    }

    @Test func `pongs that were not asked for are ignored`() {
        let socket = TestSocket()
        socket.receive(frame(10), frame(10, [1, 2, 3]), frame(10, Array(repeating: 0, count: 8)))
        #expect(socket.actions.isEmpty && !socket.wantsToWrite)
    }

    @Test func `a ping has at most 125 bytes`() {
        let socket = TestSocket()
        #expect(socket.ping(Array(repeating: 0, count: 126)) == .invalidParameter("a ping must have at most 125 bytes"))
        #expect(socket.ping(Array(repeating: 0, count: 125)) == nil)
        #expect(socket.sent() == [.ping(Array(repeating: 0, count: 125))])
        #expect(socket.actions == [.succeed(.ping(2))])
    }

    @Test func `round trips are measured from the sending of their pings`() {
        let socket = TestSocket()
        #expect(socket.roundTrip() == nil)
        socket.advance(by: .seconds(1))
        let first = socket.sent()
        #expect(first.map(\.opcode) == [9])
        socket.advance(by: .seconds(2))
        socket.roundTrip()
        socket.roundTrip()
        let others = socket.sent()
        #expect(Set((first + others).map(\.payload)).count == 3)
        socket.advance(by: .seconds(3))
        // A pong answers what came before it.
        socket.receive(frame(10, [0]), frame(10, others[0].payload))
        #expect(
            socket.actions == [.measured(.roundTrip(1), .seconds(5)), .measured(.roundTrip(2), .seconds(3))]
        )
        socket.receive(frame(10, first[0].payload), frame(10, others[0].payload), frame(10, others[1].payload))
        #expect(socket.actions == [.measured(.roundTrip(3), .seconds(3))])
    }
}
