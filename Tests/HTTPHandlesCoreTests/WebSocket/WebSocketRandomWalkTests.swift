import Testing

@testable import HTTPHandlesCore

/// Random inputs, and a simple model beside the machine: lists of what was sent and what came.
@Suite("WebSocket state machine: random walks")
struct WebSocketRandomWalkTests {
    /// What must be true whatever happens.
    struct Model {
        /// The messages that the peer has sent whole, in order, and the one that it has begun.
        var fromPeer: [WebSocketPiece] = []
        var begun: (isText: Bool, bytes: [UInt8])?
        /// The messages that the reader has got, and the beginning of one.
        var read: [WebSocketPiece] = []
        var readBeginning: [UInt8] = []
        /// The whole messages that were accepted, and those whose send has succeeded.
        var accepted: [Int: WebSocketPiece] = [:]
        var succeeded: [Int] = []
        var pending: Set<WebSocketOperation> = []
        var events: [WebSocketEvent] = []
        /// The frames that were written.
        var frames: [SentFrame] = []
        var pings: [[UInt8]] = []
    }

    final class Walk {
        var model = Model()
        let socket: TestSocket
        var generator: SeededGenerator
        let peer: MessageDeflater?
        var nextNumber = 0
        let frameSize: Int

        init(_ seed: UInt64) {
            generator = SeededGenerator(seed: seed)
            var settings = TestSocket.settings
            settings.receiveBuffer = [100, 1000, 20_000].randomElement(using: &generator) ?? 100
            settings.sentFrameSize = [1, 10, 1000].randomElement(using: &generator) ?? 10
            settings.keepAliveInterval = Bool.random(using: &generator) ? .zero : .seconds(30)
            settings.compressionThreshold = 10
            frameSize = settings.sentFrameSize
            let isCompressed = Bool.random(using: &generator)
            socket = TestSocket(settings, isCompressed ? .small() : nil, seed: seed)
            socket.lendsMessages = Bool.random(using: &generator)
            peer = isCompressed ? MessageDeflater(.small()) : nil
        }

        func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

        func bytes(isText: Bool) -> [UInt8] {
            let texts = ["", "a", "é€", "😀 text ", "hello hello hello "]
            if isText { return Array(String(repeating: texts[random(0...4)], count: random(0...20)).utf8) }
            return (0..<random(0...300)).map { _ in UInt8(random(0...3)) }
        }

        // MARK: The peer

        func peerSends() {
            let isText = model.begun?.isText ?? (random(0...1) == 0)
            let payload = bytes(isText: isText)
            let ends = random(0...2) > 0
            let isFirst = model.begun == nil
            let coded = (try? peer?.deflate(payload[...], flush: true, endsMessage: ends)) ?? payload
            let opcode: UInt8 = isFirst ? (isText ? 1 : 2) : 0
            let bytes = frame(opcode, coded, fin: ends, rsv: isFirst && peer != nil ? 4 : 0)
            let all = (model.begun?.bytes ?? []) + payload
            model.begun = ends ? nil : (isText, all)
            if ends {
                model.fromPeer.append(WebSocketPiece(WebSocketPieceKind(isText: isText, endsMessage: true), all))
            }
            let cut = random(0...bytes.count)
            socket.receive(Array(bytes[..<cut]), Array(bytes[cut...]))
        }

        func peerPings() {
            let payload = [UInt8(random(0...255))]
            socket.receive(frame(9, payload))
            model.pings.append(payload)
        }

        func peerAnswers() {
            guard let ping = model.frames.last(where: { $0.opcode == 9 }) else { return }
            socket.receive(frame(10, ping.payload))
        }

        // MARK: The caller

        func sends() {
            let isText = random(0...1) == 0
            let piece = WebSocketPiece(WebSocketPieceKind(isText: isText, endsMessage: true), bytes(isText: isText))
            nextNumber += 1
            // Whole messages of senders that do nothing else.
            guard socket.send(piece, of: nextNumber) == nil else { return }
            model.accepted[lastNumber] = piece
            model.pending.insert(.send(lastNumber))
        }

        /// The number that the socket has given the last operation.
        var lastNumber: Int { socket.lastNumber }

        /// Returns whether there may be more to read.
        @discardableResult
        func reads() -> Bool {
            guard socket.read(whole: random(0...1) == 0) == nil else { return false }
            model.pending.insert(.receive)
            return true
        }

        func pings() {
            if socket.ping([1]) == nil { model.pending.insert(.ping(lastNumber)) }
        }

        func roundTrips() {
            if socket.roundTrip() == nil { model.pending.insert(.roundTrip(lastNumber)) }
        }

        func shutsDown() {
            if socket.shutDown() == nil { model.pending.insert(.shutdown) }
        }

        func finishes() {
            if socket.finish() == nil { model.pending.insert(.finish) }
        }

        // MARK: The checks

        func step() {
            switch random(0...99) {
            case ..<25: peerSends()
            case ..<30: peerPings()
            case ..<33: peerAnswers()
            case ..<50: sends()
            case ..<70: reads()
            case ..<73: pings()
            case ..<76: roundTrips()
            case ..<92: socket.write(upTo: random(1...500))
            case ..<95: socket.advance(by: .seconds(random(0...20)))
            case 95: shutsDown()
            case 96 where random(0...2) == 0: finishes()
            case 97 where random(0...3) == 0: socket.receive(closeFrame(1001))
            case 98 where random(0...5) == 0: socket.receive(frame(8, [1]))
            case 99 where random(0...5) == 0: socket.inputEnds()
            default: break
            }
            check()
        }

        func check() {
            for action in socket.actions {
                switch action {
                case .emit(let event): model.events.append(event)
                case .deliver(let piece):
                    #expect(model.pending.remove(.receive) != nil)
                    #expect(model.events.last == .readComplete(bytes: piece.bytes.count, kind: piece.kind))
                    #expect(!piece.kind.isText || String(validating: piece.bytes, as: UTF8.self) != nil)
                    model.readBeginning += piece.bytes
                    guard piece.kind.endsMessage else { continue }
                    let message = WebSocketPiece(piece.kind, model.readBeginning)
                    #expect(model.read.count < model.fromPeer.count && message == model.fromPeer[model.read.count])
                    model.read.append(message)
                    model.readBeginning = []
                case .deliverClose(let status):
                    #expect(model.pending.remove(.receive) != nil)
                    #expect(socket.closeStatus == status)
                case .succeed(let operation), .measured(let operation, _):
                    #expect(model.pending.remove(operation) != nil)
                    if case .send(let number) = operation { model.succeeded.append(number) }
                case .fail(let operation, let failure):
                    #expect(model.pending.remove(operation) != nil)
                    #expect(model.events.last == .requestError(operation, failure))
                default: break
                }
            }
            model.frames += socket.sentSoFar()
            // The buffer, a piece of the network, and a step of the inflater.
            guard socket.bufferedBytes > 20_000 + 40_000 else { return }
            Issue.record("\(socket.bufferedBytes) bytes are kept")
        }

        /// What was written: the messages in the order in which they were accepted, with control frames between frames.
        func checkWriting() throws {
            var messages: [WebSocketPiece] = []
            var isText: Bool?
            var isCompressed = false
            var bytes: [UInt8] = []
            var inflater = MessageCompressionTests.inflater()
            var closeFrames = 0
            for frame in model.frames {
                if frame.opcode >= 8 {
                    #expect(frame.fin && frame.payload.count <= 125 && frame.rsv == 0)
                    if frame.opcode == 8 { closeFrames += 1 }
                    if frame.opcode == 10 { #expect(model.pings.contains(frame.payload)) }
                    continue
                }
                #expect(closeFrames == 0, "no data after the close frame")
                #expect((frame.opcode == 0) == (isText != nil))
                if isText == nil {
                    isText = frame.opcode == 1
                    isCompressed = frame.rsv == 4
                    bytes = []
                } else {
                    #expect(frame.rsv == 0)
                }
                bytes += frame.payload
                guard frame.fin, let text = isText else { continue }
                let message = isCompressed ? try MessageCompressionTests.inflate([bytes], with: &inflater) : bytes
                messages.append(WebSocketPiece(WebSocketPieceKind(isText: text, endsMessage: true), message))
                isText = nil
            }
            #expect(closeFrames <= 1)
            let accepted = model.accepted.sorted { $0.key < $1.key }.map(\.value)
            #expect(messages.elementsEqual(accepted.prefix(messages.count)))
            #expect(model.succeeded == model.succeeded.sorted() && model.succeeded.count <= messages.count)
        }

        func end() throws {
            check()
            socket.close()
            var isOver = false
            for action in socket.actions {
                #expect(!isOver)
                if case .fail(let operation, let failure) = action {
                    #expect(failure == .cancelled)
                    #expect(model.pending.remove(operation) != nil)
                }
                if case .endHandle = action { isOver = true }
            }
            // Each operation has ended once, and the handle last.
            #expect(isOver && model.pending.isEmpty)
            try checkWriting()
        }
    }

    @Test(arguments: 1...15)
    func `three hundred steps`(seed: UInt64) throws {
        for half in UInt64(0)...1 {
            let walk = Walk(seed * 2 + half)
            for _ in 0..<300 { walk.step() }
            try walk.end()
        }
    }

    @Test func `a peer that keeps the rules is read to its end`() throws {
        for seed in 0..<30 {
            let walk = Walk(UInt64(seed))
            for _ in 0..<60 {
                walk.peerSends()
                if walk.random(0...3) == 0 { walk.peerPings() }
                walk.check()
                walk.reads()
                walk.check()
            }
            while walk.model.begun != nil { walk.peerSends() }
            walk.socket.receive(closeFrame(1000))
            walk.check()
            while walk.reads() { walk.check() }
            #expect(walk.model.read == walk.model.fromPeer)
        }
    }
}
