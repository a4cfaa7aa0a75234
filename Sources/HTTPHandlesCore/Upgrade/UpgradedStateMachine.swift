/// The life of a connection that was upgraded to another protocol than WebSocket, from the answer to the request to the
/// end of its handle: bytes both ways, each direction with an end of its own.
///
/// The owner gives it what comes from the network, fetches what is to be sent, and carries out the actions in their order.
package struct UpgradedStateMachine: ~Copyable {
    /// Where sending stands.
    private enum Sending: Hashable {
        /// Can transition to: ending, off.
        case open
        /// The end is sent as soon as the bytes before it are. Can transition to: ended, off.
        case ending
        /// The owner was told to end the sending direction. Can transition to: ended, off.
        case endAsked
        /// Final.
        case ended
        /// The connection is gone. Final.
        case off
    }

    /// What comes after the bytes that were received.
    private enum Source: Hashable {
        case flowing
        /// The peer has ended its direction, or the connection.
        case ended
        case failed(HandleError)
    }

    private struct Write {
        let number: Int
        let bytes: [UInt8]
        var offset = 0
    }

    private let marks: BufferMarks
    private var sending = Sending.open
    private var source = Source.flowing
    private var isOver = false
    private var isConnected = true
    private var isPaused = false
    private var received: [UInt8] = []
    /// How many of them were read already.
    private var start = 0
    /// How many bytes the pending read wants.
    private var read: Int?
    private var writes = FIFOQueue<Write>()
    private var shutdownPending = false
    /// The owner has got no output, and waits for `resumeWriting`.
    private var isWriterIdle = true

    /// - Parameter marks: When the peer is held up.
    package init(_ marks: BufferMarks) {
        self.marks = marks
    }

    // MARK: The caller

    package mutating func readRequested(upTo limit: Int, _ actions: inout UpgradedActions) -> UpgradedAnswer {
        if isOver { return .refused(.closed(.readData)) }
        if read != nil { return .refused(.wrongState(.readData, "readData has not finished yet")) }
        read = max(limit, 1)
        deliver(&actions)
        return .accepted
    }

    package mutating func writeRequested(
        _ number: Int,
        _ bytes: [UInt8],
        _ actions: inout UpgradedActions
    ) -> UpgradedAnswer {
        if let refusal = writeRefusal(.writeData) { return .refused(refusal) }
        writes.append(Write(number: number, bytes: bytes))
        resumeWriting(&actions)
        return .accepted
    }

    /// Completes when everything was sent, and the peer can see that nothing follows.
    package mutating func shutdownRequested(_ actions: inout UpgradedActions) -> UpgradedAnswer {
        if let refusal = writeRefusal(.shutdown) { return .refused(refusal) }
        sending = .ending
        shutdownPending = true
        resumeWriting(&actions)
        return .accepted
    }

    private func writeRefusal(_ operation: HandleOperation) -> HandleError? {
        if isOver { return .closed(operation) }
        switch (sending, source) {
        case (.open, .failed(let error)): return error.seen(by: operation)
        case (.open, _) where isConnected: return nil
        case (.open, _), (.off, _):
            return HandleError(.connectionError, operation, reason: "the server has closed the connection")
        case (.ending, _), (.endAsked, _), (.ended, _):
            return .wrongState(operation, "the sending direction was ended")
        }
    }

    /// The handle was closed, its task cancelled, or its last reference dropped.
    package mutating func closed(_ actions: inout UpgradedActions) {
        guard !isOver else { return }
        isOver = true
        failRead(.cancelled(.readData), &actions)
        failWrites(.cancelled(.writeData), &actions)
        received = []
        start = 0
        guard isConnected else { return }
        isConnected = false
        sending = .off
        actions.append(.disconnect)
    }

    // MARK: The network

    package mutating func received(_ bytes: [UInt8], _ actions: inout UpgradedActions) {
        guard !isOver, source == .flowing else { return }
        if received.isEmpty { received = bytes } else { received += bytes }
        deliver(&actions)
        if !isPaused, unread >= marks.high {
            isPaused = true
            actions.append(.pauseReading)
        }
    }

    /// The transfer is over: everything came, or it has failed. Nothing more can be sent.
    package mutating func transferEnded(_ error: HandleError?, _ actions: inout UpgradedActions) {
        guard !isOver, isConnected else { return }
        isConnected = false
        source = error.map { .failed($0) } ?? .ended
        if let error { actions.append(.emit(.socketFailed(error))) }
        let reason = "the server closed the connection before everything was sent"
        failWrites(error ?? HandleError(.connectionError, .writeData, reason: reason), &actions)
        sending = .off
        deliver(&actions)
    }

    /// The next bytes to be sent, at most `limit`. None means that there are none until `resumeWriting`.
    package mutating func takeOutput(upTo limit: Int, _ actions: inout UpgradedActions) -> [UInt8] {
        var output: [UInt8] = []
        while output.count < limit, var write = writes.first {
            let piece = write.bytes[write.offset...].prefix(limit - output.count)
            output += piece
            write.offset = piece.endIndex
            guard write.offset == write.bytes.count else {
                writes.first = write
                break
            }
            _ = writes.removeFirst()
            actions.append(.emit(.writeComplete(bytes: write.bytes.count)))
            actions.append(.succeed(.write(write.number)))
        }
        guard output.isEmpty else { return output }
        isWriterIdle = true
        if sending == .ending {
            sending = .endAsked
            actions.append(.endSending)
        }
        return output
    }

    /// The owner has carried out `endSending`.
    package mutating func sendingEnded(_ actions: inout UpgradedActions) {
        guard sending == .endAsked else { return }
        sending = .ended
        guard shutdownPending else { return }
        shutdownPending = false
        actions.append(.emit(.shutdownComplete))
        actions.append(.succeed(.shutdown))
    }

    // MARK: How things end

    private mutating func deliver(_ actions: inout UpgradedActions) {
        guard let limit = read else { return }
        if unread > 0 {
            let taken = take(upTo: limit)
            read = nil
            actions.append(.emit(.readComplete(bytes: taken.count)))
            actions.append(.deliver(taken))
            if isPaused, unread <= marks.low, isConnected {
                isPaused = false
                actions.append(.resumeReading)
            }
            return
        }
        switch source {
        case .flowing: break
        case .ended:
            read = nil
            actions.append(.emit(.readComplete(bytes: 0)))
            actions.append(.deliver([]))
        case .failed(let error): failRead(error.seen(by: .readData), &actions)
        }
    }

    private var unread: Int { received.count - start }

    private mutating func take(upTo limit: Int) -> [UInt8] {
        var taken: [UInt8] = []
        if start == 0, received.count <= limit {
            swap(&taken, &received)
            return taken
        }
        let end = start + min(limit, unread)
        taken = Array(received[start..<end])
        start = end
        // Moving the rest forward costs its length, so only when at least as much was read since.
        if start * 2 >= received.count {
            received.removeFirst(start)
            start = 0
        }
        return taken
    }

    private mutating func failRead(_ error: HandleError, _ actions: inout UpgradedActions) {
        guard read != nil else { return }
        read = nil
        actions.append(.emit(.requestError(error)))
        actions.append(.fail(.read, error))
    }

    private mutating func failWrites(_ error: HandleError, _ actions: inout UpgradedActions) {
        while let write = writes.removeFirst() {
            let error = error.seen(by: .writeData)
            actions.append(.emit(.requestError(error)))
            actions.append(.fail(.write(write.number), error))
        }
        guard shutdownPending else { return }
        shutdownPending = false
        let error = error.seen(by: .shutdown)
        actions.append(.emit(.requestError(error)))
        actions.append(.fail(.shutdown, error))
    }

    private mutating func resumeWriting(_ actions: inout UpgradedActions) {
        guard isWriterIdle, isConnected else { return }
        isWriterIdle = false
        actions.append(.resumeWriting)
    }
}

/// What an `UpgradedStateMachine` is asked to do. The numbers tell several writes apart.
package enum UpgradedOperation: Sendable, Hashable {
    case read
    case write(Int)
    case shutdown
}

/// What an `UpgradedStateMachine` has its owner do.
package enum UpgradedAction: Sendable, Hashable {
    /// Tell the listeners.
    indirect case emit(StatusEvent.Kind)
    /// The pending read succeeded; without bytes it has reached the end.
    case deliver([UInt8])
    /// The operation, which is not a read, succeeded.
    case succeed(UpgradedOperation)
    case fail(UpgradedOperation, HandleError)
    /// There is output again after `takeOutput` returned none.
    case resumeWriting
    /// Everything was handed out: end the sending direction, and call `sendingEnded`.
    case endSending
    /// The reader is slow: take no more bytes from the network.
    case pauseReading
    case resumeReading
    /// Take the transfer out of libcurl.
    case disconnect
}

/// A list of actions.
package struct UpgradedActions {
    package private(set) var list: [UpgradedAction] = []

    package init() {}

    /// Hands out the actions in their order, and leaves the list empty.
    package mutating func carryOut(_ body: (consuming UpgradedAction) -> Void) {
        if list.count > 1 { list.reverse() }
        while let action = list.popLast() { body(action) }
    }

    mutating func append(_ action: UpgradedAction) {
        list.append(action)
    }
}

/// The answer to a call.
package enum UpgradedAnswer: Sendable, Hashable {
    case accepted
    /// The call is not possible; nothing has changed, and there is no event.
    case refused(HandleError)
}
