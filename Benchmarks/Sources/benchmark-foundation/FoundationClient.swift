import BenchmarkWorkloads
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// FoundationNetworking's URLSession. It supports HTTP/1.1 only, no custom certificate authority and no asynchronous
/// sequences for bodies: downloads use a delegate, uploads are not measured.
struct FoundationClient: Client {
    let session: URLSession

    init(_ arguments: Arguments) throws {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = max(6, arguments.connections)
        configuration.timeoutIntervalForRequest = 90
        configuration.urlCache = nil
        session = URLSession(configuration: configuration)
    }

    private func url(_ text: String) throws -> URL {
        guard let url = URL(string: text) else { throw UnexpectedResponse("no URL: \(text)") }
        return url
    }

    func get(_ text: String, worker: Int) async throws {
        let (_, response) = try await session.data(from: url(text))
        try check(response)
    }

    private func check(_ response: URLResponse) throws {
        guard (response as? HTTPURLResponse)?.statusCode == 200 else { throw UnexpectedResponse("\(response)") }
    }

    func get(_ text: String, fields: RequestFields, worker: Int) async throws {
        var request = URLRequest(url: try url(text))
        request.setValue(RequestFields.authorization, forHTTPHeaderField: "Authorization")
        request.setValue(RequestFields.accept, forHTTPHeaderField: "Accept")
        request.setValue(RequestFields.acceptLanguage, forHTTPHeaderField: "Accept-Language")
        request.setValue(fields.requestID, forHTTPHeaderField: "X-Request-ID")
        request.setValue(fields.traceparent, forHTTPHeaderField: "traceparent")
        let (_, response) = try await session.data(for: request)
        try check(response)
    }

    func post(_ text: String, json: [UInt8], worker: Int) async throws {
        var request = URLRequest(url: try url(text))
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let (_, response) = try await session.upload(for: request, from: Data(json))
        try check(response)
    }

    func download(_ text: String) async throws -> Int {
        let counter = ByteCounter()
        let session = URLSession(configuration: .ephemeral, delegate: counter, delegateQueue: nil)
        defer { session.invalidateAndCancel() }
        let url = try url(text)
        return try await withCheckedThrowingContinuation { continuation in
            counter.completion = continuation
            session.dataTask(with: url).resume()
        }
    }

    func upload(_ text: String, piece: [UInt8], count: Int) async throws {
        throw UnexpectedResponse("FoundationNetworking does not support asynchronous sequences as bodies")
    }

    func shutDown() async throws {
        session.invalidateAndCancel()
    }
}

/// `@unchecked Sendable`: accessed only on the session's delegate queue once the task runs.
private final class ByteCounter: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    var completion: CheckedContinuation<Int, any Error>?
    private var bytes = 0

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        bytes += data.count
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error { completion?.resume(throwing: error) } else { completion?.resume(returning: bytes) }
    }
}

@main
enum Program {
    static func main() {
        runWorkload(on: FoundationClient.self)
    }
}
