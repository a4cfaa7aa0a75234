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
                    case .informational(let head): machine?.informationalArrived(head, &actions)
                    case .challenge(let head): machine?.challengeArrived(head, &actions)
                    case .head(let head): machine?.headArrived(head, .deliver, &actions)
                    case .trailers: break
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
                .emit(.receivingResponse), .emit(.responseReceived(bytes: 19)), .endUpload(nil),
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

    // MARK: Redirects

    @Test func `a redirect is followed when its body is over`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(
            driver.head(Self.found, .follow(url: "http://h/b")) == [
                .emit(.responseReceived(bytes: 36)), .discardBody, .emit(.redirect(url: "http://h/b")),
            ]
        )
        #expect(driver.reached(.finished) == [.startTransfer])
        #expect(driver.reached(.sending) == [.emit(.sendingRequest)])
        // No second sendRequestComplete.
        #expect(
            driver.reached(.requestSent(bytes: 2)) == [.emit(.requestSent(bytes: 2)), .emit(.receivingResponse)]
        )
        #expect(driver.reached(.head(Self.ok)).last == .succeed(.receiveResponse))
    }

    @Test func `a redirect is not followed before receiveResponse`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(driver.head(Self.found, .follow(url: "u")) == [.emit(.responseReceived(bytes: 36)), .discardBody])
        #expect(driver.reached(.finished) == [])
        #expect(driver.receive() == Outcome(.emit(.redirect(url: "u")), .startTransfer))
    }

    @Test func `a redirect whose body breaks off is followed all the same`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        _ = driver.head(Self.found, .follow(url: "u"))
        #expect(driver.reached(.failed(Self.lost, [])) == [.startTransfer])
    }

    @Test func `a refused redirect fails the receive`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        let error = HandleError(.redirectFailed, .receiveResponse, reason: "https to http")
        #expect(
            driver.head(Self.found, .refuse(error)) == [
                .emit(.responseReceived(bytes: 36)), .abandonTransfer, .emit(.requestError(error)), .fail(error),
                .endBody(error.seen(by: .readData)),
            ]
        )
    }

    // MARK: Decisions about redirects

    private static func deciding() -> Driver {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(driver.head(found, .askDecider(url: "b")) == [.emit(.responseReceived(bytes: 36)), .askDecider])
        return driver
    }

    @Test func `a decision to follow may come before the redirect's end or after it`() {
        let early = Self.deciding()
        #expect(early.decided(.follow) == [.discardBody, .emit(.redirect(url: "b"))])
        #expect(early.decided(.follow) == [])
        #expect(early.reached(.finished) == [.startTransfer])
        for end in [TransferReport.finished, .failed(Self.lost, [])] {
            let late = Self.deciding()
            #expect(late.reached(end) == [])
            #expect(late.decided(.follow) == [.discardBody, .emit(.redirect(url: "b")), .startTransfer])
        }
    }

    @Test func `a decision to stop delivers the redirect, and then its end`() {
        let delivery: [Action] = [.emit(.headersAvailable), .succeed(.receiveResponse)]
        let early = Self.deciding()
        #expect(early.decided(.stop) == delivery)
        #expect(early.reached(.finished) == [.endBody(nil)])
        let late = Self.deciding()
        #expect(late.reached(.finished) == [])
        #expect(late.decided(.stop) == delivery + [.endBody(nil)])
        let broken = Self.deciding()
        #expect(broken.reached(.failed(Self.lost, [])) == [])
        #expect(broken.decided(.stop) == delivery + [.endBody(Self.lost.seen(by: .readData))])
    }

    @Test func `time limits, refusals and closing end a decision`() {
        let timeout = HandleError.timeout(.total, after: .seconds(1), .receiveResponse)
        let slow = Self.deciding()
        #expect(
            slow.reached(.failed(timeout, [])) == [
                .emit(.requestError(timeout)), .fail(timeout), .endBody(timeout.seen(by: .readData)),
            ]
        )
        #expect(slow.decided(.follow) == [])
        #expect(Self.deciding().decided(.refuse).first == .abandonTransfer)
        let closed = Self.deciding()
        #expect(closed.close().first == .abandonTransfer)
        #expect(closed.decided(.follow) == [])
    }

    // MARK: Retries

    static let retry = Retry(attempt: 2, delay: .seconds(3), cause: .status(503))
    static let busy = HeaderBlock(bytes: Array("HTTP/1.1 503 Busy\r\n\r\n".utf8))
    /// What begins a pause.
    static let pause: [Action] = [
        .abandonTransfer, .emit(.retry(attempt: 2, after: .seconds(3), cause: .status(503))),
        .waitForRetry(.seconds(3)),
    ]

    @Test func `a failure that is retried ends nothing, and send is done once`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        #expect(driver.failed(Self.lost, .again(Self.retry)) == Self.pause)
        #expect(driver.retryDue() == [.startTransfer])
        #expect(driver.retryDue() == [])
        _ = driver.reached(.sending)
        #expect(driver.reached(.requestSent(bytes: 1)).contains(.succeed(.sendRequest)))
        #expect(driver.failed(Self.lost, .again(Self.retry)) == Self.pause)
        #expect(driver.retryDue() == [.startTransfer])
        _ = driver.reached(.sending)
        #expect(
            driver.reached(.requestSent(bytes: 1))
                == [.emit(.requestSent(bytes: 1)), .emit(.receivingResponse)]
        )
    }

    @Test func `a status that is retried waits for the end of its body, however that comes`() {
        for end in [TransferReport.finished, .failed(Self.lost, [])] {
            let driver = Driver()
            _ = driver.send()
            _ = driver.reached(.sending, .requestSent(bytes: 1))
            #expect(driver.head(Self.busy, .retry(Self.retry)) == [.emit(.responseReceived(bytes: 21)), .discardBody])
            #expect(driver.reached(end) == Self.pause)
            #expect(driver.receive() == Outcome())
            #expect(driver.retryDue() == [.startTransfer])
        }
    }

    @Test func `closing and sending again end a pause`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        _ = driver.failed(Self.lost, .again(Self.retry))
        #expect(driver.send() == Outcome(.abandonTransfer, .startTransfer))
        #expect(driver.retryDue() == [])
        _ = driver.failed(Self.lost, .again(Self.retry))
        let error = HandleError.cancelled(.sendRequest)
        #expect(
            driver.close() == [
                .abandonTransfer, .emit(.requestError(error)), .fail(error), .closeBodies,
            ]
        )
        #expect(driver.retryDue() == [])
    }

    @Test func `nothing is retried once the head was delivered`() {
        for decision in [RetryDecision.again(Self.retry), .refused(RefusedRetry(.budget, .error(Self.lost)))] {
            let driver = Driver()
            _ = driver.send(thenReceive: true)
            _ = driver.reached(.sending, .requestSent(bytes: 1))
            _ = driver.head(Self.ok, .deliver)
            #expect(driver.failed(Self.lost, decision) == [.endBody(Self.lost.seen(by: .readData))])
        }
    }

    @Test func `why there is no further attempt is told before its result is`() {
        let failing = Driver()
        _ = failing.send()
        let error = Self.lost.seen(by: .sendRequest)
        #expect(
            failing.failed(Self.lost, .refused(RefusedRetry(.budget, .error(Self.lost)))) == [
                .emit(.retryRefused(.budget, cause: .error(Self.lost))), .emit(.requestError(error)), .fail(error),
                .endBody(Self.lost.seen(by: .readData)),
            ]
        )
        let busy = Driver()
        _ = busy.send(thenReceive: true)
        _ = busy.reached(.sending, .requestSent(bytes: 1))
        #expect(
            busy.head(Self.busy, .giveUp(RefusedRetry(.attempts, .status(503)))) == [
                .emit(.responseReceived(bytes: 21)), .emit(.retryRefused(.attempts, cause: .status(503))),
                .emit(.headersAvailable), .succeed(.receiveResponse),
            ]
        )
    }

    @Test func `the end of a transfer whose head was refused changes nothing`() {
        let error = HandleError(.resendRequest, .receiveResponse, reason: "a streamed body")
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        _ = driver.head(Self.found, .refuse(error))
        #expect(driver.reached(.finished) == [])
        #expect(driver.receive() == Outcome(.emit(.requestError(error)), .fail(error)))
        #expect(driver.receive().refusal == .wrongState(.receiveResponse, "no request was sent"))
    }

    // MARK: Authentication

    static let unauthorized = HeaderBlock(bytes: Array("HTTP/1.1 401 Unauthorized\r\n\r\n".utf8))
    static let unauthorizedReceived = Action.emit(.responseReceived(bytes: 29))

    /// A request that has received the head of its 401.
    static func challenged(thenReceive: Bool = true) -> Driver {
        let driver = Driver()
        _ = driver.send(thenReceive: thenReceive)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        return driver
    }

    @Test func `a challenge that libcurl answers is one more round`() {
        let driver = Self.challenged()
        #expect(driver.reached(.challenge(Self.unauthorized)) == [Self.unauthorizedReceived])
        #expect(
            driver.reached(.sending, .requestSent(bytes: 2)) == [
                .emit(.sendingRequest), .emit(.requestSent(bytes: 2)), .emit(.receivingResponse),
            ]
        )
        #expect(driver.reached(.head(Self.ok)).last == .succeed(.receiveResponse))
    }

    @Test func `a challenge that libcurl does not answer is the response, and is told once`() {
        let driver = Self.challenged()
        #expect(driver.reached(.challenge(Self.unauthorized)) == [Self.unauthorizedReceived])
        #expect(
            driver.reached(.head(Self.unauthorized)) == [.emit(.headersAvailable), .succeed(.receiveResponse)]
        )
    }

    @Test func `a transfer that fails in a challenge fails the receive`() {
        let driver = Self.challenged()
        _ = driver.reached(.challenge(Self.unauthorized))
        let error = Self.lost.seen(by: .receiveResponse)
        #expect(
            driver.reached(.failed(Self.lost, [])) == [
                .emit(.requestError(error)), .fail(error), .endBody(error.seen(by: .readData)),
            ]
        )
    }

    @Test func `the provider is called during receiveResponse, and its answer is sent after the end of the body`() {
        let driver = Self.challenged()
        #expect(driver.head(Self.unauthorized, .askForCredentials) == [Self.unauthorizedReceived, .askForCredentials])
        #expect(driver.answer(.sendAgain) == [.discardBody])
        #expect(driver.reached(.finished) == [.startTransfer])
        let late = Self.challenged()
        _ = late.head(Self.unauthorized, .askForCredentials)
        #expect(late.reached(.finished) == [.endBody(nil)])
        #expect(late.answer(.sendAgain) == [.discardBody, .startTransfer])
    }

    @Test func `the provider is not called before receiveResponse`() {
        let driver = Self.challenged(thenReceive: false)
        #expect(driver.head(Self.unauthorized, .askForCredentials) == [Self.unauthorizedReceived])
        #expect(driver.reached(.finished) == [.endBody(nil)])
        #expect(driver.receive() == Outcome(.askForCredentials))
        #expect(driver.answer(.deliver) == [.emit(.headersAvailable), .succeed(.receiveResponse)])
    }

    @Test func `an answer that comes after the end changes nothing`() {
        let closed = Self.challenged()
        _ = closed.head(Self.unauthorized, .askForCredentials)
        let error = HandleError.cancelled(.receiveResponse)
        #expect(
            closed.close() == [
                .abandonTransfer, .emit(.requestError(error)), .fail(error), .closeBodies,
            ]
        )
        #expect(closed.answer(.sendAgain) == [])
        let expired = Self.challenged()
        _ = expired.head(Self.unauthorized, .askForCredentials)
        let timeout = HandleError.timeout(.total, after: .seconds(1), .receiveResponse)
        #expect(
            expired.reached(.finished, .failed(timeout, [])) == [
                .endBody(nil), .emit(.requestError(timeout)), .fail(timeout), .endBody(timeout.seen(by: .readData)),
            ]
        )
        #expect(expired.answer(.deliver) == [])
    }

    @Test func `an answer that cannot be used fails the receive`() {
        let driver = Self.challenged()
        _ = driver.head(Self.unauthorized, .askForCredentials)
        let error = HandleError(.resendRequest, .receiveResponse, reason: "a streamed body")
        #expect(
            driver.answer(.refuse(error)) == [
                .abandonTransfer, .emit(.requestError(error)), .fail(error), .endBody(error.seen(by: .readData)),
            ]
        )
    }

    // MARK: Time

    @Test func `one time limit after the other`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        #expect(driver.time == [.wait(for: .connect)])
        #expect(driver.queued() == [.emit(.queued)])
        #expect(driver.time == [.wait(for: .queue)])
        #expect(driver.slotGranted() == [])
        #expect(driver.time == [.wait(for: .connect)])
        _ = driver.reached(.milestone(.resolving(host: "h")))
        #expect(driver.time == [.wait(for: .resolve)])
        _ = driver.reached(.milestone(.resolved(address: "a")), .milestone(.connecting(address)))
        #expect(driver.time == [.wait(for: .connect)])
        _ = driver.reached(.milestone(.connected(address, secure: true)), .milestone(.secured))
        #expect(driver.time == [])
        _ = driver.reached(.sending)
        #expect(driver.time == [.wait(for: .send)])
        _ = driver.reached(.requestSent(bytes: 1))
        #expect(driver.time == [.wait(for: .response)])
        _ = driver.reached(.head(Self.ok))
        #expect(driver.time == [.wait(for: .receive)])
        _ = driver.reached(.finished)
        #expect(driver.time == [.releaseConnection, .stopWaiting])
    }

    @Test func `an early response ends the limit on sending`() {
        let driver = Driver()
        _ = driver.send(.streamed)
        _ = driver.reached(.sending, .milestone(.headSent(bytes: 1)), .head(Self.ok))
        _ = driver.reached(.requestSent(bytes: 5))
        #expect(driver.time == [])
    }

    @Test func `a request that libcurl sends again has the limits on connecting and sending again`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1), .milestone(.connecting(address)))
        #expect(driver.time == [.wait(for: .send), .wait(for: .response), .wait(for: .connect)])
        _ = driver.reached(.sending)
        #expect(driver.time == [.wait(for: .send)])
    }

    @Test func `only the total limit runs while the caller's code is called after the end of a transfer`() {
        for end in [TransferReport.finished, .failed(Self.lost, [])] {
            let deciding = Self.deciding()
            _ = deciding.reached(end)
            #expect(deciding.time == [.releaseConnection, .waitForCaller])
            _ = deciding.decided(.follow)
            #expect(deciding.time == [.releaseConnection, .wait(for: .connect)])
            let asking = Self.challenged()
            _ = asking.head(Self.unauthorized, .askForCredentials)
            #expect(asking.time == [.wait(for: .receive)])
            _ = asking.reached(end)
            #expect(asking.time == [.releaseConnection, .waitForCaller])
            _ = asking.answer(.deliver)
            #expect(asking.time == [.stopWaiting])
        }
    }

    @Test func `no limit runs in a delay, before a hop without receiveResponse, and after the end`() {
        let pausing = Driver()
        _ = pausing.send()
        _ = pausing.failed(Self.lost, .again(Self.retry))
        #expect(pausing.time == [.releaseConnection, .stopWaiting])
        _ = pausing.retryDue()
        #expect(pausing.time == [.wait(for: .connect)])
        let redirected = Driver()
        _ = redirected.send()
        _ = redirected.reached(.sending, .requestSent(bytes: 1))
        _ = redirected.head(Self.found, .follow(url: "u"))
        _ = redirected.reached(.finished)
        #expect(redirected.time == [.releaseConnection, .stopWaiting])
        let failing = Driver()
        _ = failing.send()
        _ = failing.reached(.failed(Self.lost, []))
        #expect(failing.time == [.releaseConnection, .stopWaiting])
        let closed = Driver()
        _ = closed.send()
        _ = closed.close()
        #expect(closed.time == [.stopWaiting])
    }
}

extension TransferReport {
    fileprivate static let sending = TransferReport.milestone(.sending)
    fileprivate static func requestSent(bytes: Int) -> TransferReport { .milestone(.requestSent(bytes: bytes)) }
    fileprivate static func headSent(bytes: Int) -> TransferReport { .milestone(.headSent(bytes: bytes)) }
    fileprivate static func pieceSent(bytes: Int) -> TransferReport { .milestone(.pieceSent(bytes: bytes)) }
    fileprivate static func connecting(_ address: SocketAddress) -> TransferReport { .milestone(.connecting(address)) }
    fileprivate static func connected(_ address: SocketAddress, secure: Bool) -> TransferReport {
        .milestone(.connected(address, secure: secure))
    }
}
