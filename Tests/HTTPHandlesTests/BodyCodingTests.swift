import Foundation
import HTTPHandles
import HTTPHandlesFoundation
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Bodies by other coders, and as Data", .timeLimit(.minutes(5)))
struct BodyCodingTests {
    struct Item: Codable, Equatable {
        var name: String
        var count: Int
    }

    /// A coder of a user: one line, with the type in front.
    struct LineCoder: RequestBodyEncoder, ResponseBodyDecoder {
        struct Malformed: Error {}
        let contentType = "text/x-line"

        func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
            guard let text = value as? String else { throw Malformed() }
            return Array("String \(text)".utf8)
        }

        func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
            let prefix = Array("\(type) ".utf8)
            guard bytes.starts(with: prefix),
                let value = String(decoding: bytes.dropFirst(prefix.count), as: UTF8.self) as? Value
            else { throw Malformed() }
            return value
        }
    }

    @Test(arguments: [PropertyListSerialization.PropertyListFormat.xml, .binary])
    func `property lists are sent and received`(format: PropertyListSerialization.PropertyListFormat) async throws {
        let server = try ScriptedServer(JSONTests.echo)
        let session = try SessionHandle()
        let items = [Item(name: "ä\u{1F600}<&", count: 3), Item(name: "", count: -1)]
        let encoder = PropertyListEncoder()
        encoder.outputFormat = format
        let response = try await session.fetch(.post, server.url(), body: .encoded(items, encoder: encoder))
        #expect(try JSONTests.type(response) == "application/x-plist")
        let received = try await response.body.collect([Item].self, upTo: 1000, decoder: PropertyListDecoder())
        #expect(received == items)
    }

    @Test func `the caller's own coder is used`() async throws {
        let server = try ScriptedServer(JSONTests.echo)
        let session = try SessionHandle()
        let body = try RequestBody.encoded("one", encoder: LineCoder())
        #expect(try await body.collect(upTo: 100) == Array("String one".utf8))
        let response = try await session.fetch(.post, server.url(), body: body)
        #expect(try JSONTests.type(response) == "text/x-line")
        let text: String = try await response.body.collect(upTo: 100, decoder: LineCoder())
        #expect(text == "one")
    }

    @Test func `errors of the caller's own coder are underlying ones`() async throws {
        let server = try ScriptedServer(JSONTests.echo)
        let session = try SessionHandle()
        let refused = #expect(throws: HandleError.self) { try RequestBody.encoded(1, encoder: LineCoder()) }
        #expect(refused == .invalidParameter(.sendRequest, "a Int cannot be encoded as text/x-line"))
        #expect(refused?.underlying is LineCoder.Malformed)

        let response = try await session.fetch(.post, server.url(), body: .string("secret"))
        let error = await #expect(throws: HandleError.self) {
            try await response.body.collect(String.self, upTo: 100, decoder: LineCoder())
        }
        let reason = "the body, 6 bytes, was refused as String, says LineCoder"
        #expect(error == HandleError(.invalidServerResponse, .readData, reason: reason))
        #expect(error?.underlying is LineCoder.Malformed)
    }

    // MARK: Data

    /// A slice does not begin at index 0. Not stored: LeakSanitizer does not find the bytes of a stored `Data`.
    static var data: [Data] {
        [
            Data(), Data([0]), Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }),
            Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0) })[1000..<250_001],
        ]
    }

    @Test(arguments: data)
    func `Data is sent and received`(data: Data) async throws {
        let server = try ScriptedServer(JSONTests.echo)
        let session = try SessionHandle()
        let body = RequestBody.bytes(data)
        #expect(body.canBeSentAgain)
        #expect(try await body.collect(upTo: data.count) == Array(data))
        for _ in 0..<2 {
            let response = try await session.fetch(.post, server.url(), body: body)
            #expect(try JSONTests.type(response) == "none")
            #expect(try await response.body.collectData(upTo: data.count) == data)
        }
    }

    @Test func `Data is sent again, with the same events as an array`() async throws {
        let data = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        func kinds(_ body: RequestBody) async throws -> [StatusEvent.Kind] {
            let server = try ScriptedServer { connection in
                while let request = try connection.readRequest() {
                    if request.head.target == "/" {
                        try connection.send("HTTP/1.1 307 Go\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
                    } else {
                        #expect(request.body == Array(data))
                        try connection.send("HTTP/1.1 204 No\r\n\r\n")
                    }
                }
            }
            let session = try SessionHandle()
            let request = try await session.openRequest(.post, server.url())
            let events = request.statusEvents()
            try await request.send(body)
            #expect(try await request.receiveResponse().status == .noContent)
            try request.close()
            var kinds: [StatusEvent.Kind] = []
            for await event in events { kinds.append(event.kind) }
            return kinds.filter { if case .writeComplete = $0 { true } else { false } }
        }
        #expect(try await kinds(.bytes(data)).count == kinds(.bytes(Array(data))).count)
    }

    @Test func `collections without contiguous bytes are sent`() async throws {
        let server = try ScriptedServer(JSONTests.echo)
        let session = try SessionHandle()
        let response = try await session.fetch(.post, server.url(), body: .bytes((0..<5 as Range<UInt8>).reversed()))
        #expect(try await response.body.collectData(upTo: 5) == Data([4, 3, 2, 1, 0]))
    }

    @Test func `a body that is too long for Data is refused`() async throws {
        let server = try ScriptedServer(JSONTests.echo)
        let session = try SessionHandle()
        let response = try await session.fetch(.post, server.url(), body: .string("1234567"))
        let error = await #expect(throws: HandleError.self) { try await response.body.collectData(upTo: 6) }
        #expect(error == HandleError(.insufficientBuffer, .readData, reason: "the body is longer than 6 bytes"))
        let negative = await #expect(throws: HandleError.self) { try await response.body.collectData(upTo: -1) }
        #expect(negative == .invalidParameter(.readData, "the limit must be at least 0, but is -1"))
    }
}
