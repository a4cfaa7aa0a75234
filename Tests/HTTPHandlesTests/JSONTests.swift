import Foundation
import HTTPHandles
import HTTPHandlesFoundation
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("JSON", .timeLimit(.minutes(5)))
struct JSONTests {
    struct Item: Codable, Equatable {
        var name: String
        var count: Int
        var date: Date?
    }

    /// Answers with the content type and the body of the request.
    static func echo(_ connection: ServerConnection) throws {
        while let request = try connection.readRequest() {
            let type = request.head["content-type"] ?? "none"
            try connection.send("HTTP/1.1 200 OK\r\nX-Type: \(type)\r\nContent-Length: \(request.body.count)\r\n\r\n")
            try connection.send(request.body)
        }
    }

    static func type(_ response: Response) throws -> String? {
        response.head.headerFields[try #require(HTTPField.Name("X-Type"))]
    }

    @Test func `a value is sent and received`() async throws {
        let server = try ScriptedServer(Self.echo)
        let session = try SessionHandle()
        let items = [Item(name: "ä\u{1F600}\"", count: 3), Item(name: "", count: -1)]
        let response = try await session.fetch(.post, server.url(), body: .json(items))
        #expect(try Self.type(response) == "application/json")
        #expect(try await response.body.collectJSON([Item].self, upTo: 1000) == items)
    }

    @Test func `content type and strategies of the caller are used`() async throws {
        let server = try ScriptedServer(Self.echo)
        let session = try SessionHandle()
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = .sortedKeys
        let item = Item(name: "a", count: 1, date: Date(timeIntervalSince1970: 0))
        let fields: HTTPFields = [.contentType: "application/vnd.api+json"]
        let body = try RequestBody.json(item, encoder: encoder)
        let text = try await session.fetch(.post, server.url(), body: body).body.collectString(upTo: 100)
        #expect(text == #"{"count":1,"date":"1970-01-01T00:00:00Z","name":"a"}"#)
        let response = try await session.fetch(.post, server.url(), headerFields: fields, body: body)
        #expect(try Self.type(response) == "application/vnd.api+json")
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let decoded: Item = try await response.body.collectJSON(upTo: 1000, decoder: decoder)
        #expect(decoded == item)
    }

    static let wrong: [(String, String)] = [
        ("", "is malformed, or has a malformed value, for"),
        ("<html>secret</html>", "is malformed, or has a malformed value, for"),
        (#"{"name": "secret", "count": 1"#, "is malformed, or has a malformed value, for"),
        (#"{"name": "secret"}"#, "lacks a key of"),
        (#"{"name": "secret", "count": "secret"}"#, "has a value of the wrong type for"),
        (#"{"name": "secret", "count": null}"#, "has null in place of a value of"),
    ]

    @Test(arguments: wrong)
    func `a body that cannot be decoded is one error, which does not contain it`(body: String, problem: String)
        async throws
    {
        let server = try ScriptedServer(Self.echo)
        let session = try SessionHandle()
        let response = try await session.fetch(.post, server.url(), body: .string(body))
        let error = await #expect(throws: HandleError.self) {
            try await response.body.collectJSON(Item.self, upTo: 1000)
        }
        let reason = "the body, \(body.utf8.count) bytes, \(problem) Item, says JSONDecoder"
        #expect(error == HandleError(.invalidServerResponse, .readData, reason: reason))
        #expect(error?.underlying is DecodingError)
        await response.request.closed()
    }

    @Test func `a body that is too long is not decoded`() async throws {
        let server = try ScriptedServer(Self.echo)
        let session = try SessionHandle()
        let response = try await session.fetch(.post, server.url(), body: .string("[1,2,3]"))
        let error = await #expect(throws: HandleError.self) { try await response.body.collectJSON([Int].self, upTo: 6) }
        #expect(error?.code == .insufficientBuffer)
    }

    @Test func `a value that cannot be encoded is refused before anything is sent`() throws {
        let error = #expect(throws: HandleError.self) { try RequestBody.json(Double.nan) }
        #expect(error == .invalidParameter(.sendRequest, "a Double cannot be encoded as application/json"))
        #expect(error?.underlying is EncodingError)
    }
}
