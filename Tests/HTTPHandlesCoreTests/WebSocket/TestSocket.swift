@testable import HTTPHandlesCore

/// A machine with what its owner does: time, random numbers, and the actions so far.
final class TestSocket {
    private var machine: WebSocketStateMachine
    private var generator: SeededGenerator
    private var settings: WebSocketSettings
    /// The number of the last operation that has one.
    private(set) var lastNumber = 0
    var now = MonotonicTime(nanoseconds: 0)
    /// The bytes that were sent and are not in `sent` yet.
    private var output: [UInt8] = []
    /// The latest moment of each timer that runs.
    private(set) var timers: [WebSocketTimer: MonotonicTime] = [:]
    private(set) var isPaused = false
    private(set) var isConnected = true
    private(set) var isOver = false
    /// The owner has something to write.
    private(set) var wantsToWrite = false
    private(set) var decodesLater = false
    /// Whether whole messages are lent between the steps, and read from there.
    var lendsMessages = false
    private var lent: LentMessages?
    /// What was done since the last look, without timers and the flow of bytes.
    private var log: [WebSocketAction] = []

    init(
        _ settings: WebSocketSettings = TestSocket.settings,
        _ compression: WebSocketCompression? = nil,
        seed: UInt64 = 1
    ) {
        self.settings = settings
        machine = WebSocketStateMachine(settings, compression, at: now)
        generator = SeededGenerator(seed: seed)
        carryOut { $0.begin(at: now, &$1) }
    }

    /// No keep-alive, small limits.
    static var settings: WebSocketSettings {
        var settings = WebSocketSettings()
        settings.keepAliveInterval = .zero
        settings.limits = WebSocketFrameParser.Limits(frameSize: 1 << 20, messageSize: 1 << 20)
        return settings
    }

    var bufferedBytes: Int { machine.bufferedBytes }
    var closeStatus: WebSocketCloseStatus? { machine.closeStatus }

    private func carryOut(
        takingBack: Bool = true,
        _ input: (inout WebSocketStateMachine, inout WebSocketActions) -> Void
    ) {
        if takingBack { takeBack() }
        var actions = WebSocketActions()
        input(&machine, &actions)
        take(actions)
        lend()
    }

    private func call(
        _ input: (inout WebSocketStateMachine, inout WebSocketActions) -> WebSocketAnswer
    ) -> WebSocketFailure? {
        takeBack()
        var actions = WebSocketActions()
        let answer = input(&machine, &actions)
        take(actions)
        lend()
        if case .refused(let failure) = answer { return failure }
        return nil
    }

    private func lend() {
        guard lendsMessages, let messages = machine.lendMessages() else { return }
        lent = messages
    }

    private func takeBack() {
        if let messages = lent.take() { machine.takeBack(messages) }
    }

    private func take(_ actions: WebSocketActions) {
        var actions = actions
        actions.carryOut { action in
            precondition(!isOver, "nothing follows the end of the handle")
            switch action {
            case .resumeWriting:
                precondition(!wantsToWrite && isConnected)
                wantsToWrite = true
            case .pauseReading:
                precondition(!isPaused)
                isPaused = true
            case .resumeReading:
                precondition(isPaused)
                isPaused = false
            case .decodeLater: decodesLater = true
            case .setTimer(let timer, let time): timers[timer] = time
            case .stopTimer(let timer): timers[timer] = nil
            case .disconnect:
                precondition(isConnected)
                isConnected = false
                log.append(action)
            case .endHandle:
                isOver = true
                log.append(action)
            default: log.append(action)
            }
        }
    }

    /// What was done since the last look.
    var actions: [WebSocketAction] {
        defer { log = [] }
        return log
    }

    /// The events among them.
    var events: [WebSocketEvent] {
        actions.compactMap { if case .emit(let event) = $0 { event } else { nil } }
    }

    // MARK: The network

    func receive(_ bytes: [UInt8]...) {
        for piece in bytes { carryOut { $0.received(piece[...], at: now, &$1) } }
        while decodesLater {
            decodesLater = false
            carryOut { $0.decodeDue(at: now, &$1) }
        }
    }

    func inputEnds() {
        isConnected = false
        carryOut { $0.inputEnded(at: now, &$1) }
    }

    func transferFails(_ error: HandleError) {
        isConnected = false
        carryOut { $0.transferFailed(error, at: now, &$1) }
    }

    /// Takes at most `limit` bytes of output.
    func write(upTo limit: Int) {
        guard isConnected, !isOver else { return }
        // Called from inside libcurl, between the steps.
        carryOut(takingBack: false) { machine, actions in
            let bytes = machine.takeOutput(upTo: limit, at: now, using: &generator, &actions)
            precondition(bytes.count <= limit)
            if bytes.isEmpty { wantsToWrite = false }
            output += bytes
        }
    }

    /// Takes all output. Returns the frames that were sent since the last look.
    @discardableResult
    func sent(in pieces: Int = 1 << 16) -> [SentFrame] {
        while wantsToWrite, isConnected, !isOver { write(upTo: pieces) }
        return sentSoFar()
    }

    func sentSoFar() -> [SentFrame] {
        let (frames, _, left) = SentFrame.all(in: output)
        output.removeFirst(output.count - left)
        return frames
    }

    // MARK: The caller

    func number() -> Int {
        lastNumber += 1
        return lastNumber
    }

    @discardableResult
    func send(_ piece: WebSocketPiece, of sender: Int = 0) -> WebSocketFailure? {
        let number = number()
        return call { $0.sendRequested(number, piece, of: sender, &$1) }
    }

    @discardableResult
    func send(_ text: String, of sender: Int = 0) -> WebSocketFailure? {
        send(WebSocketMessage.text(text).piece, of: sender)
    }

    @discardableResult
    func read(whole: Bool = false) -> WebSocketFailure? {
        if let (message, isBelowMark) = lent?.next() {
            log += [.emit(.readComplete(bytes: message.bytes.count, kind: message.kind)), .deliver(message)]
            if isBelowMark { carryOut { $0.messagesRead(at: now, &$1) } }
            return nil
        }
        return call { $0.receiveRequested(whole: whole, at: now, &$1) }
    }

    @discardableResult
    func ping(_ payload: [UInt8] = []) -> WebSocketFailure? {
        let number = number()
        return call { $0.pingRequested(number, payload, &$1) }
    }

    @discardableResult
    func roundTrip() -> WebSocketFailure? {
        let number = number()
        return call { $0.roundTripRequested(number, at: now, &$1) }
    }

    @discardableResult
    func shutDown(_ code: WebSocketCloseCode = .normalClosure, _ reason: String = "") -> WebSocketFailure? {
        call { $0.shutdownRequested(WebSocketCloseStatus(code, reason: reason), &$1) }
    }

    @discardableResult
    func finish(_ code: WebSocketCloseCode = .normalClosure, _ reason: String = "") -> WebSocketFailure? {
        call { $0.finishRequested(WebSocketCloseStatus(code, reason: reason), at: now, &$1) }
    }

    func abandon(_ sender: Int) {
        carryOut { $0.messageAbandoned(by: sender, at: now, &$1) }
    }

    func close() {
        carryOut { $0.closed(&$1) }
    }

    // MARK: Time

    /// Goes to that moment; the timers fire on the way.
    func advance(by duration: Duration) {
        let end = now + duration
        while let (timer, time) = timers.min(by: { $0.value < $1.value }), time <= end {
            now = max(now, time)
            fire(timer)
        }
        now = end
    }

    /// The options are changed.
    func change(_ change: (inout WebSocketSettings) -> Void) {
        change(&settings)
        carryOut { machine, actions in
            machine.timesChanged(settings)
            machine.timersChanged(at: now, &actions)
        }
    }

    func fire(_ timer: WebSocketTimer) {
        timers[timer] = nil
        carryOut { $0.timerFired(timer, at: now, &$1) }
    }

    /// All messages that can be read now.
    func messages(whole: Bool = true) -> [WebSocketPiece] {
        var pieces: [WebSocketPiece] = []
        while read(whole: whole) == nil {
            var isDelivered = false
            for action in actions {
                if case .deliver(let piece) = action {
                    pieces.append(piece)
                    isDelivered = true
                }
            }
            guard isDelivered else { break }
        }
        return pieces
    }
}
