import HTTPTypes
import Testing

@testable import HTTPHandlesCore

extension ExchangeStateMachineTests {
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
            #expect(
                driver.head(Self.busy, .retry(Self.retry)) == [
                    .emit(.responseReceived(status: 503, bytes: 21)), .discardBody,
                ]
            )
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
                .emit(.responseReceived(status: 503, bytes: 21)), .emit(.retryRefused(.attempts, cause: .status(503))),
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
}
