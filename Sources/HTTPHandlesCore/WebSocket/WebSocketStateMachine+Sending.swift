// What goes to the network, and the timers that ask for pings.

extension WebSocketStateMachine {
    /// The next bytes to be sent, at most `limit`. None means that there are none until `resumeWriting`.
    ///
    /// Control frames go before data, between two frames of a message.
    ///
    /// - Parameter generator: For the masking keys: it must not be predictable.
    package mutating func takeOutput(
        upTo limit: Int,
        at now: MonotonicTime,
        using generator: inout some RandomNumberGenerator,
        _ actions: inout WebSocketActions
    ) -> [UInt8] {
        var output: [UInt8] = []
        guard isConnected, !isOver else { return output }
        while output.count < limit {
            guard writer.isInsideFrame || beginFrame(into: &output, at: now, &generator, &actions) else { break }
            writer.write(into: &output, upTo: limit)
            if !writer.isInsideFrame { frameSent(&actions) }
        }
        if output.isEmpty { isWriterIdle = true } else { lastSign = now }
        return output
    }

    mutating func resumeWriting(_ actions: inout WebSocketActions) {
        guard isWriterIdle, isConnected else { return }
        isWriterIdle = false
        actions.append(.resumeWriting)
    }

    /// Begins the next frame, if there is one.
    private mutating func beginFrame(
        into output: inout [UInt8],
        at now: MonotonicTime,
        _ generator: inout some RandomNumberGenerator,
        _ actions: inout WebSocketActions
    ) -> Bool {
        guard sending != .off else { return false }
        if let payload = pong.take() {
            writer.begin(.pong, payload[...], WebSocketMaskingKey(using: &generator), into: &output)
            return true
        }
        if let ping = pings.removeFirst() {
            completion = ping.operation.map { .operation($0) } ?? .nothing
            writer.begin(.ping, ping.payload[...], WebSocketMaskingKey(using: &generator), into: &output)
            return true
        }
        if let index = roundTrips.firstIndex(where: { $0.ping == nil }) {
            let key = WebSocketMaskingKey(using: &generator)
            let payload = (generator.next() as UInt64).bigEndianBytes
            roundTrips[index].ping = (payload, now)
            writer.begin(.ping, payload[...], key, into: &output)
            return true
        }
        return beginMessageFrame(into: &output, at: now, &generator, &actions)
    }

    private mutating func beginMessageFrame(
        into output: inout [UInt8],
        at now: MonotonicTime,
        _ generator: inout some RandomNumberGenerator,
        _ actions: inout WebSocketActions
    ) -> Bool {
        var completed: [OutgoingMessages.Piece] = []
        let next: OutgoingMessages.Frame?
        do {
            next = try outgoing.nextFrame(completed: &completed)
        } catch {
            fail(error, at: now, &actions)
            next = nil
        }
        for piece in completed { succeed(piece, &actions) }
        if let next {
            completion = next.completed.map { .piece($0) } ?? .nothing
            writer.begin(
                next.opcode,
                next.payload,
                isFinal: next.isFinal,
                isCompressed: next.isCompressed,
                WebSocketMaskingKey(using: &generator),
                into: &output
            )
            return true
        }
        guard case .closing(let status) = sending else { return false }
        completion = .close
        writer.begin(.close, status.payload[...], WebSocketMaskingKey(using: &generator), into: &output)
        return true
    }

    /// A whole frame was handed out.
    private mutating func frameSent(_ actions: inout WebSocketActions) {
        let completed = completion
        completion = .nothing
        switch completed {
        case .nothing: break
        case .piece(let piece): succeed(piece, &actions)
        case .operation(let operation):
            if end(operation) { actions.append(.succeed(operation)) }
        case .close:
            if case .closing = sending { sending = .closed }
            endShutdown(&actions)
        }
    }

    private mutating func succeed(_ piece: OutgoingMessages.Piece, _ actions: inout WebSocketActions) {
        guard end(piece.operation) else { return }
        actions.emit(.writeComplete(bytes: piece.bytes.count, kind: piece.kind))
        actions.append(.succeed(piece.operation))
    }

    // MARK: Time

    package mutating func timerFired(
        _ timer: WebSocketTimer,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        guard !isOver, timers.remove(timer) != nil else { return }
        switch timer {
        case .keepAlive where settings.keepAliveInterval > .zero: keepAliveFired(at: now, &actions)
        case .answer where settings.answerTimeout > .zero: answerFired(at: now, &actions)
        case .close where settings.closeTimeout > .zero: closeTimerFired(at: now, &actions)
        // The limit was taken away.
        case .keepAlive, .answer, .close: break
        }
    }

    /// After `timesChanged`: the pings, and the wait for an answer, begin anew.
    package mutating func timersChanged(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard receiving == .open, isConnected, !isOver else { return }
        if settings.keepAliveInterval > .zero {
            setTimer(.keepAlive, now + settings.keepAliveInterval, &actions)
        } else {
            stopTimer(.keepAlive, &actions)
        }
        if settings.answerTimeout > .zero, askedAt != nil {
            setTimer(.answer, now + settings.answerTimeout, &actions)
        } else {
            stopTimer(.answer, &actions)
        }
    }

    /// Asks a peer that was silent for the interval.
    private mutating func keepAliveFired(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        // While reading is paused, nothing can be received.
        let due =
            isPaused ? now + settings.keepAliveInterval : max(lastReceived, resumedAt) + settings.keepAliveInterval
        guard now >= due else { return setTimer(.keepAlive, due, &actions) }
        setTimer(.keepAlive, now + settings.keepAliveInterval, &actions)
        // The ping before may still wait behind a frame that the peer does not take.
        guard askedAt == nil else { return }
        pings.append(Ping(payload: [], operation: nil))
        awaitAnswer(at: now, &actions)
        resumeWriting(&actions)
    }

    mutating func awaitAnswer(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        if askedAt == nil { askedAt = now }
        guard settings.answerTimeout > .zero, !timers.contains(.answer) else { return }
        setTimer(.answer, now + settings.answerTimeout, &actions)
    }

    /// Any bytes show that the peer is there. A peer that takes none and sends none is not.
    private mutating func answerFired(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard let asked = askedAt else { return }
        guard !isPaused else { return setTimer(.answer, now + settings.answerTimeout, &actions) }
        let due = max(asked, lastSign, resumedAt) + settings.answerTimeout
        guard now < due else { return fail(.noAnswer(within: settings.answerTimeout), at: now, &actions) }
        // The peer is there, but may have left a ping unanswered.
        while let trip = roundTrips.first, let sent = trip.ping?.time,
            now >= max(sent, resumedAt) + settings.answerTimeout
        {
            roundTrips.removeFirst()
            fail(trip.operation, .noAnswer(within: settings.answerTimeout), &actions)
        }
        if roundTrips.isEmpty, lastReceived > asked { askedAt = nil } else { setTimer(.answer, due, &actions) }
    }
}
