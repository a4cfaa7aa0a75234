import HTTPHandlesCore
import HTTPHandlesDriver

// Names are resolved by libcurl, except where the caller has a resolver. That is asked while the transfer waits outside of
// libcurl, under the same time limits.

extension Exchange {
    func askForAddresses(of host: String) {
        guard let resolver = options.values.nameResolver.custom else { return }
        ask {
            await resolver.addresses(of: host)
        } then: { exchange, answer, engine in
            exchange.answered(answer, for: host, engine)
        }
    }

    private func answered(_ answer: Result<[String], any Error>, for host: String, _ engine: TransferEngine) {
        guard let transfer, transfer.awaitsAddresses else { return }
        do throws(HandleError) {
            let addresses = try CustomResolver.usable(answer, for: host, options.values.ipVersion)
            try engine.proceed(transfer, to: addresses)
        } catch {
            deadlines = nil
            releaseTransfer(engine)
            transferFailed(error, engine)
        }
    }
}
