import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

@testable import HTTPHandlesDriver

@Suite("Calls of libcurl", .timeLimit(.minutes(5)))
struct CurlCallTests {
    #if DEBUG
    @Test func `one from inside a callback ends the process of a debug build`() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            guard let curl = CurlEasy() else { return }
            // Outside it is allowed.
            curl.pause(0)
            CurlCallback.run { curl.pause(0) }
        }
        let output = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(output.contains("libcurl must not be called from inside its callbacks."))
    }

    @Test func `nested callbacks are detected`() {
        #expect(!CurlCallback.isRunning)
        CurlCallback.run {
            #expect(CurlCallback.isRunning)
            // libcurl calls the close-socket callback from inside others.
            CurlCallback.run { #expect(CurlCallback.isRunning) }
            #expect(CurlCallback.isRunning)
        }
        #expect(!CurlCallback.isRunning)
    }
    #endif

    /// A copyable owner of a handle, for the macros of tests.
    private final class Owner {
        let curl: CurlEasy

        init?() {
            guard let curl = CurlEasy() else { return nil }
            self.curl = curl
        }
    }

    @Test func `an option that libcurl refuses is an error`() throws {
        let owner = try #require(Owner())
        // The maximum length of a text in libcurl is 8,000,000 bytes.
        let tooLong = String(repeating: "a", count: 8_000_001)
        let refused = #expect(throws: HandleError.self) { try owner.curl.set(CURLOPT_USERAGENT, tooLong) }
        #expect(refused?.code == .notSupported)
        #expect(refused?.reason == "libcurl refused its option USERAGENT")
        #expect(refused?.curl?.code == .badFunctionArgument)
        let unknown = #expect(throws: HandleError.self) { try owner.curl.set(CURLoption(rawValue: 9999), 1) }
        #expect(unknown?.code == .notSupported)
        #expect(unknown?.reason == "libcurl refused its option 9999")
        #expect(unknown?.curl?.code == .unknownOption)
        // Resetting an unknown option has no effect.
        try owner.curl.switchOff(CURLoption(rawValue: 9999))
    }

    /// Without the check the request would be sent with the user agent of the previous one.
    @Test func `a request with an option that libcurl refuses is not sent`() async throws {
        let server = try EventBackendTests.answering()
        let driver = try Driver()
        func request(_ agent: String) async throws -> HandleError? {
            var values = OptionValues()
            values.userAgent = agent
            let options = OptionSnapshot(values)
            let url = try RequestURL(parsing: server.url(), for: .openRequest)
            let message = RequestMessage(method: .get, url: url, headerFields: [:])
            return await TaskContinuation.suspend { continuation in
                driver.submit { engine in
                    do throws(HandleError) {
                        let recorder = EventBackendTests.Recorder(DownloadBuffer()) { _ in
                            continuation.resume(returning: HandleError?.none)
                        }
                        try recorder.start(TransferRequest(message, .none, options), engine)
                    } catch {
                        continuation.resume(returning: error)
                    }
                }
            }
        }
        #expect(try await request("a") == nil)
        #expect(try await request(String(repeating: "a", count: 8_000_001))?.code == .notSupported)
        #expect(server.connectionsAccepted == 1)
        #expect(try await request("b") == nil)
    }
}
