import Testing

@testable import HTTPHandlesCore

extension ExchangeStateMachineTests {
    @Suite("Alternative services")
    struct Alternatives {
        private static let unreachable = HandleError(.cannotConnect, .sendRequest, reason: "unreachable")

        @Test(arguments: [SecureFailure(), .nameMismatch])
        func `one that is not reached is passed over, unless the request was sent`(_ failure: SecureFailure) {
            let machine = Proxies.Machine()
            let events: [ExchangeAction] = failure.isEmpty ? [] : [.emit(.secureFailure(failure))]
            #expect(
                machine.tell { _ = $0.alternativeFailed(Self.unreachable, failure, &$1) } == [.abandonTransfer] + events
                    + [
                        .emit(.alternativeServiceFailed(Self.unreachable)), .wait(for: .connect), .startTransfer,
                    ]
            )
            _ = machine.tell { $0.reached(.sending, &$1) }
            #expect(machine.tell { _ = $0.alternativeFailed(Self.unreachable, failure, &$1) } == [])
        }
    }
}
