import HTTPHandlesCore
import HTTPHandlesDriver

/// A connection that was taken over from an exchange: its transfer, what comes and goes over it, and its slot.
final class UpgradedConnection {
    let head: ResponseHead
    let agreement: WebSocketHandshake.Agreement
    let stream: UpgradedStream
    /// `nil` after `release`.
    private(set) var transfer: Transfer?
    private var slot: Origin?
    private let resources: ExchangeResources

    init(
        _ stream: UpgradedStream,
        _ transfer: Transfer,
        slot: Origin?,
        _ resources: ExchangeResources,
        _ head: ResponseHead,
        _ agreement: WebSocketHandshake.Agreement
    ) {
        self.stream = stream
        self.transfer = transfer
        self.slot = slot
        self.resources = resources
        self.head = head
        self.agreement = agreement
    }

    /// Gives the connection to a handle's object: what has come before comes to it first.
    func begin(_ owner: some TransferDelegate & UpgradedOutput) {
        stream.output = owner
        transfer?.handOver(to: owner)
    }

    #if TELEMETRY
    var telemetry: SessionTelemetry? { resources.telemetry }
    #endif

    func isOf(_ transfer: Transfer) -> Bool { transfer === self.transfer }

    /// Goes on with reading where `UpgradedStream` was full.
    func readOn() {
        if !stream.isHeld { transfer?.resumeReceiving() }
    }

    func holdReading() { stream.isHeld = true }

    func resumeReading() {
        stream.isHeld = false
        transfer?.resumeReceiving()
    }

    func resumeWriting() { transfer?.resumeSending() }

    var canEndSending: Bool { transfer?.canEndSending ?? true }

    /// Everything was handed out: see `Transfer.endSending`.
    func endSending() -> Transfer.EndOfSending {
        stream.isOutputOver = true
        return transfer?.endSending() ?? .done
    }

    func setAlarm(at time: MonotonicTime, _ engine: TransferEngine) {
        transfer?.setAlarm(at: time, engine)
    }

    /// Takes the transfer out of libcurl, and gives the slot back.
    func release(_ engine: TransferEngine) {
        guard let transfer else { return }
        // What happens to the connection in the course of this is still reported.
        transfer.release()
        self.transfer = nil
        stream.output = nil
        guard let origin = slot.take() else { return }
        resources.releaseSlot(origin)
        resources.grantSlots(engine)
    }
}
