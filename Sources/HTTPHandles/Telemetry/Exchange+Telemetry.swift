import HTTPHandlesCore
import HTTPHandlesDriver

// Where an exchange tells its telemetry of what happens. Without the traits these functions are empty, and so are the calls.

extension Exchange {
    #if TELEMETRY
    func beginTelemetry(for caller: Caller, _ engine: TransferEngine) {
        guard let session = resources.telemetry, let caller = caller.telemetry else { return }
        telemetry = ExchangeTelemetry(session, caller, request.message, at: engine.now)
    }

    /// What a transfer that begins is to send.
    func traced(_ request: TransferRequest, _ engine: TransferEngine) -> TransferRequest {
        telemetry?.begin(request, at: engine.now) ?? request
    }

    func record(_ version: HTTPVersion) {
        telemetry?.headArrives(version)
    }

    func beginRecording() {
        telemetry?.enter()
    }

    func record(_ action: borrowing ExchangeAction, _ engine: TransferEngine) {
        telemetry?.take(action, transfer, at: engine.now)
    }

    func endRecording(_ engine: TransferEngine) {
        telemetry?.leave(isOver: machine.isOver, isUpgraded: upgraded != nil, at: engine.now)
    }
    #else
    @inline(__always) func beginTelemetry(for caller: Caller, _ engine: TransferEngine) {}
    @inline(__always) func traced(_ request: TransferRequest, _ engine: TransferEngine) -> TransferRequest { request }
    @inline(__always) func record(_ version: HTTPVersion) {}
    @inline(__always) func beginRecording() {}
    @inline(__always) func record(_ action: borrowing ExchangeAction, _ engine: TransferEngine) {}
    @inline(__always) func endRecording(_ engine: TransferEngine) {}
    #endif
}
