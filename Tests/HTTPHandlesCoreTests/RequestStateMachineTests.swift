import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Request state machine")
struct RequestStateMachineTests {
    typealias Action = RequestStateMachine.Action

    /// Drives a machine, one line for each thing that happens.
    final class Driver {
        private var machine = RequestStateMachine()

        func send(_ upload: RequestStateMachine.Upload = .upFront, thenReceive: Bool = false) -> Outcome {
            var actions = RequestStateMachine.Actions()
            let answer = machine.sendRequested(upload, thenReceive: thenReceive, &actions)
            return Outcome(answer, actions.list)
        }

        func receive() -> Outcome {
            var actions = RequestStateMachine.Actions()
            let answer = machine.receiveRequested(&actions)
            return Outcome(answer, actions.list)
        }

        func reached(_ milestones: TransferMilestone...) -> [Action] {
            var actions = RequestStateMachine.Actions()
            for milestone in milestones { machine.reached(milestone, &actions) }
            return actions.list
        }

        func head(_ head: HeaderBlock, _ disposition: RequestStateMachine.HeadDisposition) -> [Action] {
            var actions = RequestStateMachine.Actions()
            machine.headArrived(head, disposition, &actions)
            return actions.list
        }

        func answer(_ answer: RequestStateMachine.CredentialAnswer) -> [Action] {
            var actions = RequestStateMachine.Actions()
            machine.answered(answer, &actions)
            return actions.list
        }

        func failed(_ error: HandleError, _ decision: RetryDecision) -> [Action] {
            var actions = RequestStateMachine.Actions()
            machine.failed(error, [], decision, &actions)
            return actions.list
        }

        func retryDue() -> [Action] {
            var actions = RequestStateMachine.Actions()
            machine.retryDue(&actions)
            return actions.list
        }

        func decided(_ decision: RedirectDecision) -> [Action] {
            var actions = RequestStateMachine.Actions()
            machine.decided(decision, &actions)
            return actions.list
        }

        func close() -> [Action] {
            var actions = RequestStateMachine.Actions()
            machine.closeRequested(&actions)
            return actions.list
        }
    }

    struct Outcome: Equatable {
        var refusal: HandleError?
        var actions: [Action]

        init(_ answer: RequestStateMachine.Answer, _ actions: [Action]) {
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
        #expect(driver.close() == [.closeBodies, .finish])
    }

    @Test func `a head that comes before anybody asks for it waits`() {
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

    @Test func `a failure nobody waits for belongs to the next operation`() {
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
                .fail(receiving), .closeBodies, .finish,
            ]
        )
    }

    @Test func `closing an unused handle needs nothing but the end`() {
        #expect(Driver().close() == [.closeBodies, .finish])
    }

    @Test func `closing twice does nothing`() {
        let driver = Driver()
        _ = driver.close()
        #expect(driver.close() == [])
    }

    @Test func `everything is refused after closing, without an event`() {
        let driver = Driver()
        _ = driver.close()
        #expect(driver.send() == Outcome(refusal: .closed(.sendRequest)))
        #expect(driver.receive() == Outcome(refusal: .closed(.receiveResponse)))
    }

    // MARK: Wrong states

    @Test func `receiving before sending is refused and reported`() {
        let error = HandleError.wrongState(.receiveResponse, "no request was sent")
        #expect(Driver().receive() == Outcome(refusal: error, .emit(.requestError(error))))
    }

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
        #expect(driver.send().refusal == .wrongState(.sendRequest, "sendRequest is not over yet"))
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        _ = driver.receive()
        #expect(driver.send().refusal == .wrongState(.sendRequest, "receiveResponse is not over yet"))
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
                .emit(.responseReceived(bytes: 36)), .emit(.redirect(url: "http://h/b")),
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

    @Test func `a redirect is not followed before somebody asks for the response`() {
        let driver = Driver()
        _ = driver.send()
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(driver.head(Self.found, .follow(url: "u")) == [.emit(.responseReceived(bytes: 36))])
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
        #expect(driver.head(found, .askAboutRedirect(url: "b")) == [.emit(.responseReceived(bytes: 36))])
        return driver
    }

    @Test func `a decision to follow may come before the redirect's end or after it`() {
        let early = Self.deciding()
        #expect(early.decided(.follow) == [.emit(.redirect(url: "b"))])
        #expect(early.decided(.follow) == [])
        #expect(early.reached(.finished) == [.startTransfer])
        for end in [TransferMilestone.finished, .failed(Self.lost, [])] {
            let late = Self.deciding()
            #expect(late.reached(end) == [])
            #expect(late.decided(.follow) == [.emit(.redirect(url: "b")), .startTransfer])
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
        for end in [TransferMilestone.finished, .failed(Self.lost, [])] {
            let driver = Driver()
            _ = driver.send()
            _ = driver.reached(.sending, .requestSent(bytes: 1))
            #expect(driver.head(Self.busy, .retry(Self.retry)) == [.emit(.responseReceived(bytes: 21))])
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
                .abandonTransfer, .emit(.requestError(error)), .fail(error), .closeBodies, .finish,
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

    /// A request that has come to the head of its 401.
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

    @Test func `who waits is asked for credentials, and the answer is sent when the body is over`() {
        let driver = Self.challenged()
        #expect(driver.head(Self.unauthorized, .askForCredentials) == [Self.unauthorizedReceived, .askForCredentials])
        #expect(driver.answer(.sendAgain) == [.discardBody])
        #expect(driver.reached(.finished) == [.startTransfer])
        let late = Self.challenged()
        _ = late.head(Self.unauthorized, .askForCredentials)
        #expect(late.reached(.finished) == [.endBody(nil)])
        #expect(late.answer(.sendAgain) == [.discardBody, .startTransfer])
    }

    @Test func `nobody is asked before somebody waits`() {
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
                .abandonTransfer, .emit(.requestError(error)), .fail(error), .closeBodies, .finish,
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
}
