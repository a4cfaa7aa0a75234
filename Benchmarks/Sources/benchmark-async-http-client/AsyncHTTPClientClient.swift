import AsyncHTTPClient
import BenchmarkWorkloads
import NIOCore
import NIOHTTP1
import NIOSSL

/// AsyncHTTPClient through its async interface, with its defaults except for the limit of eight connections to a server.
struct AsyncHTTPClientClient: Client {
    let client: HTTPClient
    let majorVersion: Int

    init(_ arguments: Arguments) throws {
        var configuration = HTTPClient.Configuration()
        let authority = arguments.text("authority")
        if !authority.isEmpty {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(authority)
            configuration.tlsConfiguration = tls
        }
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(8, arguments.connections)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        majorVersion = arguments.text("version", "1.1") == "2" ? 2 : 1
    }

    private func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let response = try await client.execute(request, timeout: .seconds(90))
        guard response.status == .ok, response.version.major == majorVersion else {
            throw UnexpectedResponse("\(response.version) \(response.status)")
        }
        return response
    }

    func get(_ url: String, worker: Int) async throws {
        _ = try await execute(HTTPClientRequest(url: url)).body.collect(upTo: 1 << 20)
    }

    func get(_ url: String, fields: RequestFields, worker: Int) async throws {
        var request = HTTPClientRequest(url: url)
        request.headers = Self.constantFields
        request.headers.add(name: "X-Request-ID", value: fields.requestID)
        request.headers.add(name: "traceparent", value: fields.traceparent)
        _ = try await execute(request).body.collect(upTo: 1 << 20)
    }

    private static let constantFields: HTTPHeaders = [
        "Authorization": RequestFields.authorization,
        "Accept": RequestFields.accept,
        "Accept-Language": RequestFields.acceptLanguage,
    ]

    func post(_ url: String, json: [UInt8], worker: Int) async throws {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = ["Content-Type": "application/json"]
        request.body = .bytes(json)
        _ = try await execute(request).body.collect(upTo: 1 << 20)
    }

    func download(_ url: String) async throws -> Int {
        var bytes = 0
        for try await piece in try await execute(HTTPClientRequest(url: url)).body { bytes += piece.readableBytes }
        return bytes
    }

    func upload(_ url: String, piece: [UInt8], count: Int) async throws {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        let pieces = RepeatedPieces(ByteBuffer(bytes: piece), count: count)
        request.body = .stream(pieces, length: .known(Int64(piece.count * count)))
        _ = try await execute(request).body.collect(upTo: 100)
    }

    func shutDown() async throws {
        try await client.shutdown()
    }
}

@main
enum Program {
    static func main() {
        runWorkload(on: AsyncHTTPClientClient.self)
    }
}
