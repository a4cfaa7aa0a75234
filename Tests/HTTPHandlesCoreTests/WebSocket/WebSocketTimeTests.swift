import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket state machine: time and memory")
struct WebSocketTimeTests {
    static func settings(_ change: (inout WebSocketSettings) -> Void = { _ in }) -> WebSocketSettings {
        var settings = TestSocket.settings
        settings.keepAliveInterval = .seconds(30)
        settings.answerTimeout = .seconds(20)
        change(&settings)
        return settings
    }

    static let failure = WebSocketFailure.noAnswer(within: .seconds(20))

    @Test func `a silent peer is asked, and its answer keeps the socket`() {
        let socket = TestSocket(Self.settings())
        for _ in 0..<5 {
            socket.advance(by: .seconds(29))
            #expect(!socket.wantsToWrite)
            socket.advance(by: .seconds(1))
            #expect(socket.sent() == [.ping([])])
            socket.receive(frame(10))
        }
        #expect(socket.actions.isEmpty)
    }

    @Test func `pings are switched off, and on again`() {
        let socket = TestSocket(Self.settings())
        socket.change { $0.keepAliveInterval = .zero }
        socket.advance(by: .seconds(100))
        #expect(socket.sent() == [] && socket.timers.isEmpty)
        socket.change { $0.keepAliveInterval = .seconds(10) }
        socket.advance(by: .seconds(10))
        #expect(socket.sent() == [.ping([])])
    }

    @Test func `the limit for an answer is taken away while it is awaited, and set again`() {
        let socket = TestSocket(Self.settings())
        socket.advance(by: .seconds(30))
        #expect(socket.sent() == [.ping([])])
        socket.change { $0.answerTimeout = .zero }
        socket.advance(by: .seconds(100))
        #expect(socket.sent() == [] && socket.actions.isEmpty)
        socket.change { $0.answerTimeout = .seconds(20) }
        socket.advance(by: .seconds(20))
        #expect(socket.actions == [.emit(.socketFailed(Self.failure)), .disconnect])
    }

    @Test func `a peer that sends is not asked`() {
        let socket = TestSocket(Self.settings())
        for _ in 0..<20 {
            socket.advance(by: .seconds(20))
            socket.receive(text("x"))
            #expect(socket.messages().count == 1)
        }
        #expect(socket.sent() == [])
    }

    @Test func `a peer that does not answer ends the socket`() {
        let socket = TestSocket(Self.settings())
        socket.read()
        socket.advance(by: .seconds(30))
        socket.sent()
        socket.advance(by: .milliseconds(19_999))
        #expect(socket.actions.isEmpty)
        socket.advance(by: .milliseconds(1))
        #expect(
            socket.actions == [.emit(.socketFailed(Self.failure)), .disconnect]
                + WebSocketStateMachineTests.failed(.receive, Self.failure)
        )
        #expect(socket.timers.isEmpty)
    }

    @Test func `a peer that takes output is not silent, and one that takes none is`() {
        let socket = TestSocket(Self.settings())
        socket.send(String(repeating: "a", count: 64 * 1024))
        for _ in 0..<10 {
            socket.advance(by: .seconds(15))
            socket.write(upTo: 100)
        }
        #expect(socket.actions.isEmpty)
        socket.advance(by: .seconds(21))
        #expect(socket.events.first == .socketFailed(Self.failure))
    }

    @Test func `no answer is awaited while reading is paused`() {
        let socket = TestSocket(Self.settings { $0.receiveBuffer = 10 })
        socket.receive(text("long enough"))
        #expect(socket.isPaused)
        socket.advance(by: .seconds(1000))
        #expect(socket.actions.isEmpty && socket.sent() == [])
        #expect(socket.messages().count == 1)
        #expect(!socket.isPaused)
        socket.advance(by: .seconds(29))
        #expect(!socket.wantsToWrite)
        socket.advance(by: .seconds(1))
        #expect(socket.sent() == [.ping([])])
    }

    @Test func `a ping that is out when reading is paused has its time afterwards`() {
        let socket = TestSocket(Self.settings { $0.receiveBuffer = 10 })
        socket.roundTrip()
        socket.sent()
        socket.receive(text("long enough"))
        socket.advance(by: .seconds(100))
        _ = socket.messages()
        socket.advance(by: .seconds(19))
        #expect(socket.actions.isEmpty)
        socket.advance(by: .seconds(30))
        #expect(socket.events.contains(.socketFailed(Self.failure)))
    }

    @Test func `a round trip without an answer fails alone, if the peer is there`() {
        let socket = TestSocket(Self.settings())
        socket.roundTrip()
        socket.sent()
        for _ in 0..<10 {
            socket.advance(by: .seconds(5))
            socket.receive(frame(10, [1]))
        }
        #expect(socket.actions == WebSocketStateMachineTests.failed(.roundTrip(1), Self.failure))
        #expect(socket.isConnected)
    }

    @Test func `without limits there are no timers`() {
        let socket = TestSocket(
            Self.settings {
                $0.keepAliveInterval = .zero
                $0.answerTimeout = .zero
                $0.closeTimeout = .zero
            }
        )
        socket.roundTrip()
        socket.finish()
        #expect(socket.timers.isEmpty)
    }

    @Test func `a timer that fires late changes nothing`() {
        for timer in WebSocketTimer.allCases {
            let socket = TestSocket(Self.settings())
            socket.receive(closeFrame(1000))
            socket.sent()
            socket.inputEnds()
            socket.fire(timer)
            #expect(socket.actions.isEmpty && !socket.wantsToWrite)
        }
    }

    // MARK: Memory

    @Test func `reading is paused and resumed at two marks`() {
        let socket = TestSocket(Self.settings { $0.receiveBuffer = 10_000 })
        var count = 0
        while !socket.isPaused {
            socket.receive(frame(2, Array(repeating: 0, count: 1000)))
            count += 1
        }
        #expect(count == 10)
        var read = 0
        while socket.isPaused {
            socket.read()
            read += 1
        }
        #expect(read == 6)
    }

    @Test func `empty messages are limited too`() {
        let socket = TestSocket(Self.settings { $0.receiveBuffer = 10_000 })
        var count = 0
        while !socket.isPaused {
            socket.receive(frame(1))
            count += 1
        }
        #expect(count < 200)
        #expect(socket.messages().count == count)
        #expect(socket.bufferedBytes == 0 && !socket.isPaused)
    }

    @Test(arguments: [false, true])
    func `compressed data are not inflated further than the buffer reaches`(isWhole: Bool) throws {
        let socket = TestSocket(Self.settings { $0.receiveBuffer = 20_000 }, .small())
        let coded = try MessageCompressionTests.coded(1_000_000)
        #expect(coded.count < 20_000)
        socket.receive(frame(2, coded, rsv: 4))
        #expect(socket.bufferedBytes < 60_000)
        var count = 0
        while count < 1_000_000, socket.read(whole: isWhole) == nil {
            // What is inflated in later turns.
            socket.receive([])
            for case .deliver(let piece) in socket.actions {
                count += piece.bytes.count
                #expect(isWhole || piece.bytes.count < 60_000)
            }
        }
        #expect(count == 1_000_000)
    }

    @Test func `a message that is too big fails without being kept`() throws {
        let socket = TestSocket(Self.settings { $0.limits.messageSize = 100_000 }, .small())
        socket.read(whole: true)
        socket.receive(frame(2, try MessageCompressionTests.coded(1_000_000), rsv: 4))
        let failure = WebSocketFailure.tooBig("a message has more than 100000 bytes")
        #expect(
            socket.actions == [.emit(.socketFailed(failure))] + WebSocketStateMachineTests.failed(.receive, failure)
        )
        #expect(socket.sent() == [.close(1009, failure.reason)])
    }
}
