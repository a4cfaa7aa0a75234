import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

// The request body on its way from its producer to the transfer. That it ends is said by the machine (`endUpload`); here it
// is carried out.

extension Exchange {
    /// A streamed body can be written from now on.
    func openUpload() {
        guard case .stream(let upload, let length, let hasTrailers) = request.body else { return }
        upload.open(length: length, hasTrailers: hasTrailers, options.values.sendBuffer)
    }

    /// A body that can be sent again is about to be sent, from its beginning.
    func startBody() {
        guard request.body.isMade else { return }
        let resume: @Sendable () -> Void = { [driver, exchange = DriverBound(self)] in
            driver.submit { exchange.value.bodyWasWritten($0) }
        }
        request.body.stored?.start(resume)
        request.body.source?.start(options.values.sendBuffer, resume)
    }

    /// The producer has written something, or everything, on its own thread.
    func bodyWasWritten(_ engine: TransferEngine) {
        resumeWaiting(engine)
        transfer?.resumeSending()
    }

    func wakeProducer(_ engine: TransferEngine) {
        if let delivery = request.body.upload?.takeWaiter() { pass(delivery, engine) }
    }

    private func pass(_ delivery: UploadBuffer.Delivery, _ engine: TransferEngine) {
        // That of a body which the library has made ends the exchange, with an event of its own.
        if request.body.isStreamed, case .failed(let error) = delivery.outcome { handle.emit(.requestError(error)) }
        if delivery.mustResume { bodyWasWritten(engine) }
        delivery.resume(delivery.outcome)
    }

    // MARK: Ends

    /// The server does not want the rest of the body, or the transfer failed.
    func endUpload(_ error: HandleError?, _ engine: TransferEngine) {
        request.body.upload?.end(error)
        wakeProducer(engine)
        request.body.source?.cancelProducer()
        // libcurl does not end a transfer whose upload is paused.
        transfer?.resumeSending()
    }

    /// The server does not want the rest of a body that is made while it is sent. To the machine such a body is there in
    /// advance, and needs no end.
    func endSource(_ engine: TransferEngine) {
        guard let source = request.body.source else { return }
        source.buffer?.end(nil)
        wakeProducer(engine)
        source.cancelProducer()
        transfer?.resumeSending()
    }

    /// The request is sent again, and this body is not for it.
    func abandonUpload(_ engine: TransferEngine) {
        if let delivery = request.body.upload?.abandon() { pass(delivery, engine) }
        request.body.stop()
    }

    /// The handle is closed.
    func closeUpload(_ engine: TransferEngine) {
        if let delivery = request.body.upload?.close() { pass(delivery, engine) }
    }
}
