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
            _ = CurlCallback.run { curl.pause(0) }
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

    /// libcurl searches it among all connections otherwise, when the transfer is removed.
    @Test(.enabled(if: CurlLibrary.searchesForLastConnection))
    func `the last connection of a transfer can be forgotten, and stays in the pool`() throws {
        let server = try EventBackendTests.answering()
        let multi = try #require(CurlMulti())
        let share = try #require(CurlShare())
        let none = try #require(CurlShare(CURL_LOCK_DATA_CONNECT))
        let owner = try #require(Owner())
        try unsafe owner.curl.set(CURLOPT_SHARE, pointer: share.pointer)
        try owner.curl.set(CURLOPT_URL, server.url())
        // What would be the body is written to the standard output.
        try owner.curl.set(CURLOPT_NOBODY, 1)
        for turn in 0..<3 {
            try multi.add(owner.curl)
            var others: [curl_waitfd] = []
            // There is none before the transfer is over.
            while owner.curl.socket(CURLINFO_ACTIVESOCKET) == nil {
                try multi.poll(also: &others, milliseconds: 10)
                try multi.perform()
            }
            #expect(owner.curl.information(CURLINFO_NUM_CONNECTS) == (turn == 0 ? 1 : 0))
            owner.curl.forgetLastConnection(share, none)
            #expect(owner.curl.socket(CURLINFO_ACTIVESOCKET) == nil)
            multi.remove(owner.curl)
        }
        #expect(server.connectionsAccepted == 1)
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
