import HTTPHandlesCore
import HTTPHandlesDriver

// Names are resolved by libcurl, except where the caller has a resolver, and with a libcurl that cannot be stopped while it
// resolves (`SystemResolver`). The resolver is asked while the transfer waits outside of libcurl, under the same time limits.

extension Exchange {
    func askForAddresses(of host: String) {
        guard let resolver = transfer?.resolver else { return }
        ask {
            await resolver.addresses(of: host)
        } then: { exchange, answer, engine in
            exchange.answered(answer, for: host, engine)
        }
    }

    private func answered(_ answer: Result<[String], any Error>, for host: String, _ engine: TransferEngine) {
        guard let transfer, transfer.awaitsAddresses else { return }
        do throws(HandleError) {
            try engine.proceed(transfer, to: usable(answer, for: host, transfer))
        } catch {
            deadlines = nil
            releaseTransfer(engine)
            transferFailed(error, engine)
        }
    }

    private func usable(
        _ answer: Result<[String], any Error>,
        for host: String,
        _ transfer: Transfer
    ) throws(HandleError) -> [String] {
        do throws(HandleError) {
            return try CustomResolver.usable(answer, for: host, options.values.ipVersion)
        } catch {
            throw transfer.resolver === SystemResolver.shared ? transfer.unknownName(host) : error
        }
    }
}
