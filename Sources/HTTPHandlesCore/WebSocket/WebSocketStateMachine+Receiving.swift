// What comes from the network, and how it reaches the reader.

extension WebSocketStateMachine {
    /// The work of inflating in one turn, in bytes, about.
    private static var workInOneTurn: Int { 256 * 1024 }

    package mutating func received(
        _ bytes: ArraySlice<UInt8>,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        guard !isOver, receiving == .open else { return }
        lastReceived = now
        lastSign = now
        var rest = bytes
        do {
            while receiving == .open, let element = try parser.next(&rest) { take(element, at: now, &actions) }
        } catch {
            fail(error, at: now, &actions)
        }
        if roundTrips.isEmpty { askedAt = nil }
        advance(at: now, &actions)
    }

    /// The turn after `decodeLater`.
    package mutating func decodeDue(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard !isOver else { return }
        advance(at: now, &actions)
    }

    private mutating func take(
        _ element: WebSocketFrameParser.Element,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        switch element {
        case .data(let bytes, let isText, let isCompressed, let endsMessage):
            guard !isFinishing else { return }
            incoming.append(
                bytes,
                isText: isText,
                isCompressed: isCompressed,
                endsMessage: endsMessage,
                unfinishedBytes: parser.unfinishedBytes
            )
        case .ping(let payload):
            pong = payload
            resumeWriting(&actions)
        case .pong(let payload): pongArrived(payload, at: now, &actions)
        case .close(let status): peerClosed(status, at: now, &actions)
        }
    }

    /// A pong answers its ping and those before (RFC 6455, section 5.5.3).
    private mutating func pongArrived(
        _ payload: [UInt8],
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        guard let index = roundTrips.firstIndex(where: { $0.ping?.payload == payload }) else { return }
        for trip in roundTrips[...index] {
            guard let sent = trip.ping?.time else { continue }
            end(trip.operation)
            actions.append(.measured(trip.operation, now - sent))
        }
        roundTrips.removeSubrange(...index)
    }

    // MARK: Lending

    /// Lends the messages that are there whole, so that a reader can take them on its own thread; `nil` if there are none, or
    /// not for any reader.
    ///
    /// Before anything else happens to the machine, apart from `takeOutput`, they are taken back: so to the machine they were
    /// read in between.
    package mutating func lendMessages() -> LentMessages? {
        guard !isOver, !isFinishing, !pending.contains(.receive) else { return nil }
        return incoming.lend(mark: isPaused || incoming.hasWaiting ? settings.receiveBuffer / 2 : nil)
    }

    package var hasLentMessages: Bool { incoming.areLent }

    package mutating func takeBack(_ lent: consuming LentMessages) {
        incoming.takeBack(lent)
    }

    /// There is room again: some of the lent messages were read.
    package mutating func messagesRead(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard !isOver else { return }
        advance(at: now, &actions)
    }

    // MARK: The reader

    /// Gives the reader what there is, inflates ahead, and pauses or resumes reading.
    mutating func advance(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        var work = 0
        deliver(&actions)
        while incoming.canDecode, work < Self.workInOneTurn {
            do {
                work += try incoming.decode()
            } catch {
                incoming.removeWaiting()
                decodingFailure = error
                fail(error, at: now, &actions)
            }
            deliver(&actions)
        }
        if incoming.canDecode { actions.append(.decodeLater) } else { deliverEnd(&actions) }
        controlFlow(at: now, &actions)
    }

    private mutating func deliver(_ actions: inout WebSocketActions) {
        guard pending.contains(.receive) else { return }
        guard let piece = read == .whole ? incoming.nextMessage() : incoming.nextPiece() else { return }
        end(.receive)
        actions.emit(.readComplete(bytes: piece.bytes.count, kind: piece.kind))
        actions.append(.deliver(piece))
    }

    /// Ends the pending receive, if nothing more comes.
    private mutating func deliverEnd(_ actions: inout WebSocketActions) {
        guard incoming.isDrained, pending.contains(.receive) else { return }
        if let decodingFailure { return fail(.receive, decodingFailure, &actions) }
        switch receiving {
        case .open: break
        case .closed(let status):
            closeDelivered = true
            end(.receive)
            actions.emit(.closeReceived(status))
            actions.append(.deliverClose(status))
        case .failed(let failure): fail(.receive, failure, &actions)
        }
    }

    /// Pauses reading where the reader has to catch up. After the end of the messages everything is read, and ignored, until
    /// the connection is closed.
    mutating func controlFlow(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard isConnected, !isOver else { return }
        let mayPause = receiving == .open
        if !isPaused, mayPause, incoming.bytes >= settings.receiveBuffer {
            isPaused = true
            actions.append(.pauseReading)
        } else if isPaused, !mayPause || incoming.bytes <= settings.receiveBuffer / 2 {
            isPaused = false
            resumedAt = now
            actions.append(.resumeReading)
        }
    }
}
