import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Exchange state machine")
struct ExchangeStateMachineTests {
    typealias Action = ExchangeAction

    /// Drives the machines of one handle, one line for each input. Actions for time limits and connections are collected
    /// separately.
    final class Driver {
        private var machine: ExchangeStateMachine?
        private(set) var time: [Action] = []

        func send(_ upload: RequestUpload = .upFront, thenReceive: Bool = false) -> Outcome {
            if let refusal = machine?.sendRefusal { return Outcome(refusal: refusal) }
            return Outcome(
                .accepted,
                answer { actions in
                    machine?.replaced(&actions)
                    machine = ExchangeStateMachine(upload, thenReceive: thenReceive)
                    machine?.begin(&actions)
                }
            )
        }

        func receive() -> Outcome {
            var answer = ExchangeStateMachine.Answer.refused(ExchangeStateMachine.nothingSent)
            let actions = self.answer { actions in
                if let answered = machine?.receiveRequested(&actions) { answer = answered }
            }
            return Outcome(answer, actions)
        }

        func reached(_ reports: TransferReport...) -> [Action] {
            answer { actions in
                for report in reports {
                    switch report {
                    case .milestone(let milestone): machine?.reached(milestone, &actions)
                    case .addressesNeeded: break
                    case .informational(let head): machine?.informationalArrived(head, &actions)
                    case .challenge(let head): machine?.challengeArrived(head, &actions)
                    case .head(let head): machine?.headArrived(head, .deliver, &actions)
                    case .trailers, .certificateQuestion: break
                    case .finished: machine?.transferEnded(&actions)
                    case .failed(let error, let secureFailure):
                        machine?.transferFailed(error, secureFailure, nil, &actions)
                    }
                }
            }
        }

        func head(_ head: HeaderBlock, _ disposition: HeadDisposition) -> [Action] {
            answer { machine?.headArrived(head, disposition, &$0) }
        }

        func answer(_ answer: CredentialAnswer) -> [Action] {
            self.answer { machine?.answered(answer, &$0) }
        }

        func failed(_ error: HandleError, _ decision: RetryDecision) -> [Action] {
            answer { machine?.transferFailed(error, [], decision, &$0) }
        }

        func retryDue() -> [Action] {
            answer { machine?.retryDue(&$0) }
        }

        func decided(_ decision: RedirectDecision) -> [Action] {
            answer { machine?.decided(decision, &$0) }
        }

        func queued() -> [Action] {
            answer { machine?.queued(&$0) }
        }

        func slotGranted() -> [Action] {
            answer { machine?.slotGranted(&$0) }
        }

        func close() -> [Action] {
            answer { machine?.closed(&$0) }
        }

        private func answer(_ input: (inout ExchangeActions) -> Void) -> [Action] {
            var actions = ExchangeActions()
            input(&actions)
            time = actions.list.filter { Self.isAboutTime($0) }
            return actions.list.filter { !Self.isAboutTime($0) }
        }

        private static func isAboutTime(_ action: Action) -> Bool {
            switch action {
            case .wait, .waitForCaller, .stopWaiting, .releaseConnection: true
            default: false
            }
        }
    }

    struct Outcome: Equatable {
        var refusal: HandleError?
        var actions: [Action]

        init(_ answer: ExchangeStateMachine.Answer, _ actions: [Action]) {
            if case .refused(let error) = answer { refusal = error }
            self.actions = actions
        }

        init(refusal: HandleError? = nil, _ actions: Action...) {
            self.refusal = refusal
            self.actions = actions
        }
    }

    static let ok = HeaderBlock(bytes: Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".utf8))
    static let found = HeaderBlock(bytes: Array("HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n".utf8))
    static let lost = HandleError(.connectionError, .sendRequest, reason: "lost")
    let address = SocketAddress(host: "127.0.0.1", port: 80)

    @Test func `a GET on a new connection`() {
        let driver = Driver()
        #expect(driver.send() == Outcome(.startTransfer))
        #expect(driver.reached(.connecting(address)) == [.emit(.connectingToServer(address: address))])
        #expect(
            driver.reached(.connected(address, secure: false)) == [.emit(.connectedToServer(address: address))]
        )
        #expect(driver.reached(.sending) == [.emit(.sendingRequest)])
        #expect(
            driver.reached(.requestSent(bytes: 70)) == [
                .emit(.requestSent(bytes: 70)), .emit(.sendRequestComplete), .succeed(.sendRequest),
                .emit(.receivingResponse),
            ]
        )
        #expect(driver.receive() == Outcome())
        #expect(
            driver.reached(.head(Self.ok)) == [
                .emit(.responseReceived(bytes: 38)), .emit(.headersAvailable), .succeed(.receiveResponse),
            ]
        )
        #expect(driver.reached(.finished) == [.endBody(nil)])
        #expect(driver.close() == [.closeBodies])
    }

    @Test func `a head before receiveResponse is kept`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(driver.reached(.head(Self.ok)) == [.emit(.responseReceived(bytes: 38))])
        #expect(driver.reached(.finished) == [.endBody(nil)])
        #expect(driver.receive() == Outcome(.emit(.headersAvailable), .succeed(.receiveResponse)))
    }

    @Test func `receive may be asked for while sending`() {
        let driver = Driver()
        _ = driver.send()
        #expect(driver.receive() == Outcome())
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(driver.reached(.head(Self.ok)).last == .succeed(.receiveResponse))
    }

    @Test func `receiving at once makes one operation of two`() {
        let driver = Driver()
        #expect(driver.send(thenReceive: true) == Outcome(.startTransfer))
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        let receiving = HandleError(.connectionError, .receiveResponse, reason: "lost")
        #expect(
            driver.reached(.failed(Self.lost, [])) == [
                .emit(.requestError(receiving)), .fail(receiving), .endBody(receiving.seen(by: .readData)),
            ]
        )
    }

    @Test func `a failure without a pending operation is the error of the next one`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(driver.reached(.failed(Self.lost, [])) == [.endBody(Self.lost.seen(by: .readData))])
        let receiving = Self.lost.seen(by: .receiveResponse)
        #expect(driver.receive() == Outcome(.emit(.requestError(receiving)), .fail(receiving)))
        #expect(driver.receive().refusal == .wrongState(.receiveResponse, "no request was sent"))
        #expect(driver.send() == Outcome(.startTransfer))
    }

    @Test func `a TLS failure is announced before the error`() {
        let driver = Driver()
        _ = driver.send()
        let error = HandleError(.secureFailure, .sendRequest, reason: "certificate")
        #expect(
            driver.reached(.failed(error, .dateInvalid)) == [
                .emit(.secureFailure(.dateInvalid)), .emit(.requestError(error)), .fail(error),
                .endBody(error.seen(by: .readData)),
            ]
        )
    }

    @Test func `a failure in the body leaves the response received`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1), .head(Self.ok))
        #expect(driver.reached(.failed(Self.lost, [])) == [.endBody(Self.lost.seen(by: .readData))])
        #expect(
            driver.receive().refusal == .wrongState(.receiveResponse, "the response was already received")
        )
    }

    // MARK: Closing

    @Test func `closing fails what is pending, in the order in which it was begun`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.receive()
        let sending = HandleError.cancelled(.sendRequest)
        let receiving = HandleError.cancelled(.receiveResponse)
        #expect(
            driver.close() == [
                .abandonTransfer, .emit(.requestError(sending)), .fail(sending), .emit(.requestError(receiving)),
                .fail(receiving), .closeBodies,
            ]
        )
    }

    // MARK: Wrong states

    @Test func `receiving twice is refused and leaves the response alone`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1), .head(Self.ok))
        let error = HandleError.wrongState(.receiveResponse, "the response was already received")
        #expect(driver.receive() == Outcome(refusal: error, .emit(.requestError(error))))
        #expect(driver.reached(.finished) == [.endBody(nil)])
    }

    @Test func `sending while sending or receiving is refused`() {
        let driver = Driver()
        _ = driver.send()
        #expect(driver.send().refusal == .wrongState(.sendRequest, "sendRequest has not finished yet"))
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        _ = driver.receive()
        #expect(driver.send().refusal == .wrongState(.sendRequest, "receiveResponse has not finished yet"))
    }

    @Test func `sending again takes the old transfer out first`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1), .head(Self.ok))
        #expect(driver.send() == Outcome(.abandonTransfer, .startTransfer))
        _ = driver.reached(.sending, .requestSent(bytes: 1), .head(Self.ok), .finished)
        #expect(driver.send() == Outcome(.startTransfer))
    }

    // MARK: Uploads

    @Test func `a streamed request is sent when its head is`() {
        let driver = Driver()
        _ = driver.send(.streamed)
        _ = driver.reached(.sending)
        #expect(
            driver.reached(.headSent(bytes: 100)) == [
                .emit(.requestSent(bytes: 100)), .emit(.sendRequestComplete), .succeed(.sendRequest),
            ]
        )
        #expect(driver.reached(.pieceSent(bytes: 5)) == [.emit(.writeComplete(bytes: 5))])
        #expect(driver.reached(.requestSent(bytes: 105)) == [.emit(.receivingResponse)])
    }

    @Test func `an early error response ends the upload`() {
        let driver = Driver()
        _ = driver.send(.streamed)
        _ = driver.reached(.sending, .headSent(bytes: 100))
        let refused = HeaderBlock(bytes: Array("HTTP/1.1 413 No\r\n\r\n".utf8))
        #expect(
            driver.reached(.head(refused)) == [
                .emit(.receivingResponse), .emit(.responseReceived(status: 413, bytes: 19)), .endUpload(nil),
            ]
        )
    }

    @Test func `an early response to a body given up front completes the send`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending)
        #expect(
            driver.reached(.head(Self.ok)) == [
                .emit(.sendRequestComplete), .succeed(.sendRequest), .emit(.receivingResponse),
                .emit(.responseReceived(bytes: 38)),
            ]
        )
    }

    @Test func `a failing transfer ends the upload with the error`() {
        let driver = Driver()
        _ = driver.send(.streamed)
        _ = driver.reached(.sending, .headSent(bytes: 100))
        #expect(
            driver.reached(.failed(Self.lost, [])) == [
                .endUpload(Self.lost.seen(by: .writeData)), .endBody(Self.lost.seen(by: .readData)),
            ]
        )
    }
}

extension TransferReport {
    static let sending = TransferReport.milestone(.sending)
    static func requestSent(bytes: Int) -> TransferReport { .milestone(.requestSent(bytes: bytes)) }
    static func headSent(bytes: Int) -> TransferReport { .milestone(.headSent(bytes: bytes)) }
    static func pieceSent(bytes: Int) -> TransferReport { .milestone(.pieceSent(bytes: bytes)) }
    static func connecting(_ address: SocketAddress) -> TransferReport { .milestone(.connecting(address)) }
    static func connected(_ address: SocketAddress, secure: Bool) -> TransferReport {
        .milestone(.connected(address, secure: secure))
    }
}
