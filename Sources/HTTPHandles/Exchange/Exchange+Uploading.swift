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

    /// A stored body is about to be sent, from its beginning.
    func startStoredBody() {
        request.body.stored?.start { [driver, exchange = DriverBound(self)] in
            driver.submit { exchange.value.bodyWasWritten($0) }
        }
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
        if case .failed(let error) = delivery.outcome { handle.emit(.requestError(error)) }
        if delivery.mustResume { bodyWasWritten(engine) }
        delivery.resume(delivery.outcome)
    }

    // MARK: Ends

    /// The server does not want the rest of the body, or the transfer failed.
    func endUpload(_ error: HandleError?, _ engine: TransferEngine) {
        request.body.upload?.end(error)
        wakeProducer(engine)
        // libcurl does not end a transfer whose upload is paused.
        transfer?.resumeSending()
    }

    /// The request is sent again, and this body is not for it.
    func abandonUpload(_ engine: TransferEngine) {
        if let delivery = request.body.upload?.abandon() { pass(delivery, engine) }
        request.body.stored?.stop()
    }

    /// The handle is closed.
    func closeUpload(_ engine: TransferEngine) {
        if let delivery = request.body.upload?.close() { pass(delivery, engine) }
    }
}
