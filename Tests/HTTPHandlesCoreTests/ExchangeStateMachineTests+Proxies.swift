import HTTPTypes
import Testing

@testable import HTTPHandlesCore

extension ExchangeStateMachineTests {
    @Suite("Proxies")
    struct Proxies {
        private static let proxy = ProxyAddress(.http, host: "h", port: 1)
        private static let unreachable = HandleError(
            .cannotConnect,
            .sendRequest,
            reason: "r",
            proxyFailure: ProxyFailure(proxy)
        )
        private static let challenge = HandleError(
            .loginFailure,
            .sendRequest,
            reason: "r",
            proxyFailure: ProxyFailure(proxy, response: HTTPResponse(status: .init(code: 407)))
        )

        /// A machine that was begun, and what it answers.
        final class Machine {
            var machine = ExchangeStateMachine(.upFront, thenReceive: true)

            init() {
                _ = tell { $0.begin(&$1) }
            }

            func tell(_ body: (inout ExchangeStateMachine, inout ExchangeActions) -> Void) -> [ExchangeAction] {
                var actions = ExchangeActions()
                actions.begin(isHeard: true)
                body(&machine, &actions)
                return actions.list
            }
        }

        @Test func `a closure is asked before the transfer begins`() {
            let machine = Machine()
            #expect(machine.tell { $0.proxyAsked(&$1) } == [.wait(for: .proxy), .emit(.detectingProxy)])
            #expect(machine.machine.awaited == .proxy && machine.machine.mayRetry)
            #expect(machine.tell { $0.proxyChosen(&$1) } == [.wait(for: .connect)])
            #expect(machine.machine.awaited == nil)
            // An answer that comes twice, or late.
            #expect(machine.tell { $0.proxyChosen(&$1) } == [])
        }

        @Test func `closing while the closure is asked has no transfer to abandon`() {
            let machine = Machine()
            _ = machine.tell { $0.proxyAsked(&$1) }
            let error = HandleError.cancelled(.closeHandle).seen(by: .sendRequest)
            #expect(
                machine.tell { $0.closed(&$1) } == [
                    .emit(.requestError(error)), .fail(error), .stopWaiting, .closeBodies,
                ]
            )
            #expect(machine.tell { $0.proxyChosen(&$1) } == [])
        }

        @Test func `a proxy that is not reached is passed over, unless the request was sent`() {
            let machine = Machine()
            #expect(
                machine.tell { _ = $0.proxyUnreachable(Self.unreachable, &$1) } == [
                    .abandonTransfer, .emit(.nextProxy(after: Self.unreachable)), .wait(for: .connect), .startTransfer,
                ]
            )
            _ = machine.tell { $0.reached(.sending, &$1) }
            #expect(machine.tell { _ = $0.proxyUnreachable(Self.unreachable, &$1) } == [])
        }

        @Test func `the provider is asked for a tunnel at once`() {
            for (answer, expected) in [
                (.sendAgain, [.wait(for: .connect), .startTransfer]),
                (.deliver, Self.failure(Self.challenge)),
                (.refuse(Self.unreachable), Self.failure(Self.unreachable)),
            ] as [(CredentialAnswer, [ExchangeAction])] {
                let machine = Machine()
                #expect(
                    machine.tell { _ = $0.tunnelChallenged(Self.challenge, &$1) } == [
                        .releaseConnection, .waitForCaller, .askForCredentials,
                    ]
                )
                #expect(machine.machine.awaited == .credentials)
                #expect(machine.machine.tunnelChallenge == Self.challenge)
                #expect(machine.tell { $0.answered(answer, &$1) } == expected)
                #expect(machine.machine.tunnelChallenge == nil)
            }
        }

        private static func failure(_ error: HandleError) -> [ExchangeAction] {
            [
                .releaseConnection, .emit(.requestError(error)), .fail(error), .stopWaiting,
                .endBody(error.seen(by: .readData)),
            ]
        }

        @Test func `a time limit ends the question about a tunnel`() {
            let machine = Machine()
            _ = machine.tell { _ = $0.tunnelChallenged(Self.challenge, &$1) }
            let late = HandleError.timeout(.total, after: .seconds(1), .sendRequest)
            #expect(machine.tell { $0.transferFailed(late, [], nil, &$1) } == Self.failure(late))
            #expect(machine.tell { $0.answered(.sendAgain, &$1) } == [])
        }

        @Test func `a 407 that is answered by libcurl goes on like a 401`() {
            let head = HeaderBlock(bytes: Array("HTTP/1.1 407 Ask\r\n\r\n".utf8))
            let machine = Machine()
            _ = machine.tell { $0.reached(.sending, &$1) }
            _ = machine.tell { $0.reached(.requestSent(bytes: 1), &$1) }
            #expect(
                machine.tell { $0.challengeArrived(head, &$1) } == [
                    .wait(for: .receive), .emit(.responseReceived(status: 407, bytes: 20)),
                ]
            )
            #expect(machine.tell { $0.reached(.sending, &$1) } == [.wait(for: .send), .emit(.sendingRequest)])
        }

        @Test func `the events of a tunnel`() {
            let machine = Machine()
            let head = HeaderBlock(bytes: Array("HTTP/1.1 407 Ask\r\nA: b\r\n\r\n".utf8))
            let status = HTTPResponse.Status(code: 407, reasonPhrase: "Ask")
            #expect(
                machine.tell { $0.reached(.tunnelRefused(head), &$1) } == [
                    .emit(.tunnelRefused(status: status, headerFields: [.init("A")!: "b"]))
                ]
            )
            #expect(
                machine.tell { $0.reached(.tunnelEstablished(secure: true), &$1) } == [
                    .emit(.tunnelEstablished), .emit(.securingConnection),
                ]
            )
            #expect(machine.tell { $0.reached(.tunnelEstablished(secure: false), &$1) } == [.emit(.tunnelEstablished)])
        }
    }
}
