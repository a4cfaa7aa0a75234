import Testing

@testable import HTTPHandlesCore

extension ExchangeStateMachineTests {
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
