import HTTPTypes
import Testing

@testable import HTTPHandlesCore

extension ExchangeStateMachineTests {
    static let unauthorized = HeaderBlock(bytes: Array("HTTP/1.1 401 Unauthorized\r\n\r\n".utf8))
    static let unauthorizedReceived = Action.emit(.responseReceived(status: 401, bytes: 29))

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
}
