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
        certificateQuestion.ask {
            await verdict.answer(certificate)
        } then: { [driver, exchange = DriverBound(self)] number, answer in
            driver.submit { engine in
                guard exchange.value.certificateQuestion.isAnswered(number), let transfer = exchange.value.transfer
                else { return }
                engine.answer(transfer, answer)
            }
        }
    }
}
