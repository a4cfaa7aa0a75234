import HTTPTypes
import Testing

@testable import HTTPHandlesCore

extension ExchangeStateMachineTests {
    @Test func `a redirect is followed when its body is over`() {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(
            driver.head(Self.found, .follow(url: "http://h/b")) == [
                .emit(.responseReceived(status: 302, bytes: 36)), .discardBody, .emit(.redirect(url: "http://h/b")),
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
        #expect(
            driver.head(Self.found, .follow(url: "u")) == [
                .emit(.responseReceived(status: 302, bytes: 36)), .discardBody,
            ]
        )
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
                .emit(.responseReceived(status: 302, bytes: 36)), .abandonTransfer, .emit(.requestError(error)),
                .fail(error),
                .endBody(error.seen(by: .readData)),
            ]
        )
    }

    // MARK: Decisions about redirects

    static func deciding() -> Driver {
        let driver = Driver()
        _ = driver.send(thenReceive: true)
        _ = driver.reached(.sending, .requestSent(bytes: 1))
        #expect(
            driver.head(found, .askDecider(url: "b")) == [
                .emit(.responseReceived(status: 302, bytes: 36)), .askDecider,
            ]
        )
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
}
