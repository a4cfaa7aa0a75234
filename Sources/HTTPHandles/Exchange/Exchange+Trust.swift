import HTTPHandlesCore
import HTTPHandlesDriver

extension Exchange {
    /// Asks the caller's verdict about a server's certificate. Until it answers, a time limit or a close may end the
    /// exchange; the answer is dropped then.
    func askForVerdict(_ certificate: ServerCertificate, _ engine: TransferEngine) {
        guard let verdict = options.values.serverTrust.verdict else {
            // The transfer has asked because there is one.
            if let transfer { engine.answer(transfer, .refuse) }
            return
        }
        ask(as: \.certificateQuestion) {
            await verdict.answer(certificate)
        } then: { exchange, answer, engine in
            if let transfer = exchange.transfer { engine.answer(transfer, answer) }
        }
    }
}
