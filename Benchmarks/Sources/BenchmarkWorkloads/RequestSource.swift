import CMeasurement

/// The requests of a worker, one after another. `--kind` says what differs: `hello` (nothing), `paths` (the path and two of
/// five header fields), `json` (nothing, a POST) or `hosts` (the host, `--hosts` of them in turn).
enum RequestSource: Sendable {
    case hello(String)
    case paths([(url: String, fields: RequestFields)])
    case json(String, [UInt8])
    case hosts([String])

    init(_ arguments: Arguments) throws {
        let url = arguments.text("url")
        switch arguments.text("kind", "hello") {
        case "hello": self = .hello(url)
        case "paths":
            // The URL without its path.
            let origin = url.split(separator: "/", omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
            self = .paths((0..<Int(identity_count)).map { RequestFields.identity($0, origin: origin) })
        case "json":
            let json = [UInt8](unsafeUninitializedCapacity: Int(identity_json_size)) { buffer, count in
                count = buffer.count
                buffer.withMemoryRebound(to: CChar.self) { identity_write_json($0.baseAddress) }
            }
            self = .json(url, json)
        case "hosts":
            // The URL is of 127.0.0.1.
            let parts = url.split(separator: "127.0.0.1")
            self = .hosts((1...arguments.number("hosts", 1)).map { "\(parts[0])127.0.0.\($0)\(parts[1])" })
        case let kind: throw UnexpectedResponse("unknown kind: \(kind)")
        }
    }

    /// How many different requests there are.
    var count: Int { Int(identity_count) }

    func perform(_ number: Int, with client: some Client, worker: Int) async throws {
        switch self {
        case .hello(let url): try await client.get(url, worker: worker)
        case .paths(let all):
            let (url, fields) = all[number % all.count]
            try await client.get(url, fields: fields, worker: worker)
        case .json(let url, let body): try await client.post(url, json: body, worker: worker)
        case .hosts(let urls): try await client.get(urls[number % urls.count], worker: worker)
        }
    }
}
