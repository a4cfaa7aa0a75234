import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

// A request that asks for an upgrade is an upload of unknown length without framing, which libcurl is told by a blank
// `Transfer-Encoding`. It pauses until the head has come. After a 101 it is what goes out over the connection, and the
// response's body is what comes in; after another head it is empty. libcurl's own WebSockets and `CURLOPT_CONNECT_ONLY` are
// not used: see `Docs/Decisions/0033-upgrades.md`.

extension Transfer {
    /// What the request asks to upgrade, if it does.
    private var upgradedStream: UpgradedStream? {
        guard case .upgrade(let stream)? = exchange.request?.body else { return nil }
        return stream.value
    }

    /// A request that asks for an upgrade goes out.
    func upgradeAsked(on descriptor: Int32?) {
        attempt.upgrade = .asked
        // libcurl may have ended an upload before, with which it has answered a challenge.
        attempt.isOutputEndTaken = false
        attempt.closeNotify = nil
        // libcurl has yet to read the lines: also where it answers a challenge, for which it makes another connection.
        if let key = upgradedStream?.renewKey(using: engine.random) {
            headerLines.overwrite(after: Self.webSocketKey, with: key)
        }
        if let descriptor { sockets.upgraded.insert(descriptor) }
    }

    /// The final head of a request that asks for an upgrade.
    func upgradeAnswered(_ status: Int) {
        attempt.upgrade = status == 101 ? .done : .refused
        if status != 101, let descriptor = attempt.connection?.descriptor { sockets.upgraded.remove(descriptor) }
    }

    /// `nil` if the connection was not upgraded.
    func receiveUpgraded(_ piece: UnsafeRawBufferPointer) -> BodyAnswer? {
        guard attempt.upgrade == .done || attempt.upgrade == .ended, let stream = upgradedStream else { return nil }
        guard unsafe stream.receive(piece) else {
            attempt.isReceivingPaused = true
            return .pause
        }
        note()
        movedBody = true
        attempt.bodyBytesArrived += piece.count
        return .taken
    }

    func supplyUpgraded(_ target: UnsafeMutableRawBufferPointer) -> UploadBuffer.Supply {
        guard let stream = upgradedStream else { return .end }
        let supply: UploadBuffer.Supply =
            switch attempt.upgrade {
            case .asked: .nothingYet
            case .done: unsafe stream.supply(target, at: engine.now)
            case .refused, .ended: .end
            }
        movedBody = true
        switch supply {
        case .bytes(let count): attempt.bodyBytesTaken += count
        case .nothingYet: attempt.isSendingPaused = true
        case .end: attempt.isOutputEndTaken = true
        case .abort: break
        }
        return supply
    }

    /// libcurl listens no more on the connection, and receiving is not paused: the server has ended it, or at least TLS on it.
    /// Before 8.9 libcurl does not end a transfer whose upload is paused.
    func upgradedInputEnded(on descriptor: Int32) {
        guard isRunning, !attempt.isReceivingPaused, upgradedStream != nil else { return }
        switch attempt.upgrade {
        case .done: attempt.upgrade = .ended
        // Before the answer it may listen no more for other reasons.
        case .asked where hasInputEnded(on: descriptor): attempt.upgrade = .refused
        case .asked, .ended, .refused: return
        }
        note()
    }

    /// Whether the server has ended its direction. The end of the connection may come long after that of TLS, or not at all.
    func hasInputEnded(on descriptor: Int32) -> Bool {
        switch sockets.arrivalForTransfer(on: descriptor) {
        case .end: true
        case .nothing: layersOfTLS > 0 && CloseNotify.hasCome(on: curl)
        case .bytes: false
        }
    }

    private var layersOfTLS: Int {
        (exchange.request?.message.isSecure == true ? 1 : 0)
            + (exchange.request?.route?.address.kind == .https ? 1 : 0)
    }

    /// An upload that has nothing to send ends, so that the transfer can.
    func endUpgradedUpload() {
        guard attempt.isSendingPaused else { return }
        switch attempt.upgrade {
        case .refused, .ended: resumeSending()
        case .asked, .done: break
        }
    }

    /// The transfer, with what comes over its connection from now on, is another one's.
    package func handOver(to delegate: any TransferDelegate) {
        exchange.delegate = delegate
        // Also after its end: to have looked at what came before.
        movedBody = true
        note()
    }

    /// libcurl does not wait until the connection can be written to: the system may have everything. (8.7 and later ask for
    /// more before.)
    func upgradedOutputLeft() {
        guard isRunning, attempt.waitsForOutput, !holdsOutput else { return }
        attempt.waitsForOutput = false
        movedBody = true
        note()
    }

    /// Bytes wait in libcurl.
    private var holdsOutput: Bool { curl.offset(CURLINFO_SIZE_UPLOAD_T) < Int64(attempt.bodyBytesTaken) }

    /// Whether `endSending` is possible: of two layers of TLS, which a proxy with TLS leads to, only the inner one can be ended.
    package var canEndSending: Bool { layersOfTLS < 2 }

    /// How far `endSending` has come.
    package enum EndOfSending {
        case done
        /// libcurl has bytes, or does not know of the end: the delegate is told that the body has moved when that has changed.
        case later
        /// The system has no room for the end of TLS. When it has, is not told.
        case noRoom
    }

    /// Ends the sending direction of the connection, for which nothing more may be supplied.
    package func endSending() -> EndOfSending {
        guard isRunning, let descriptor = attempt.connection?.descriptor else { return .done }
        var end = attempt.closeNotify
        if end == nil {
            attempt.waitsForOutput = holdsOutput
            guard !attempt.waitsForOutput else { return .later }
            // At the end of an upload newer versions send no bytes, which fails if the connection was shut down before.
            guard attempt.isOutputEndTaken else {
                resumeSending()
                return .later
            }
            end = layersOfTLS > 0 ? CloseNotify(endingSendingOf: curl) : CloseNotify()
        }
        let isSent = end?.send(on: descriptor) ?? true
        attempt.closeNotify = end
        guard isSent else { return .noRoom }
        shutdown(descriptor, Int32(SHUT_WR))
        return .done
    }
}
