import HTTPHandlesCore
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

@testable import HTTPHandlesDriver

@Suite("Spare easy handles", .timeLimit(.minutes(5)))
struct SpareTests {
    /// Performs a request and returns what the spare handles keep of it.
    private static func kept(
        _ url: String,
        _ headerFields: HTTPFields = [:],
        _ credentials: Credentials? = nil
    ) async throws -> (count: Int, texts: [String]) {
        let driver = try Driver()
        var values = OptionValues()
        values.credentials = credentials
        let options = OptionSnapshot(values)
        let url = try RequestURL(parsing: url, for: .openRequest)
        let message = RequestMessage(method: .get, url: url, headerFields: headerFields)
        let _: [TransferReport] = await TaskContinuation.suspend { continuation in
            driver.submit { engine in
                let recorder = EventBackendTests.Recorder(DownloadBuffer()) { continuation.resume(returning: $0) }
                try? recorder.start(TransferRequest(message, .none, options), engine)
            }
        }
        return await TaskContinuation.suspend { continuation in
            driver.submit { continuation.resume(returning: $0.maximumSpares) }
        }
    }

    @Test func `they hold no secrets`() async throws {
        let server = try EventBackendTests.answering()
        let plain = try await Self.kept(server.url("/plain"))
        #expect(plain.count == 1)
        // A URL that is reused is not parsed again.
        #expect(plain.texts.contains(server.url("/plain")))

        let query = try await Self.kept(server.url("/?token=secret"))
        #expect(query.count == 1)
        #expect(!query.texts.contains { $0.contains("secret") })
        let fields = try await Self.kept(server.url("/"), [.authorization: "secret", .cookie: "a=secret"])
        #expect(fields.count == 1)
        #expect(!fields.texts.contains { $0.contains("secret") })
        // libcurl releases these only with the handle.
        let credentials = try await Self.kept(server.url("/"), [:], .basic(user: "me", password: "secret"))
        #expect(credentials.count == 0)
    }
}
