import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Values that are not UTF-8.
@Suite("Raw bytes", .timeLimit(.minutes(10)))
struct RawBytesTests {
    @Test func `the bytes of fields are sent unchanged, cookies too`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let name = try #require(HTTPField.Name("X-A"))
        let session = try SessionHandle()
        var fields = HTTPFields()
        fields.append(HTTPField(name: name, value: "v=".utf8 + [0xE9]))
        fields.append(HTTPField(name: .cookie, value: "a=".utf8 + [0xFF]))
        fields.append(HTTPField(name: .cookie, value: "b=\u{301}".utf8))
        _ = try await session.get(server.url(), headerFields: fields)
        // The next request has nothing of it.
        _ = try await session.get(server.url())
        let head = try #require(heads.all.first).bytes
        #expect(head.firstRange(of: "X-A: v=".utf8 + [0xE9, 13, 10]) != nil)
        #expect(head.firstRange(of: "Cookie: a=".utf8 + [0xFF] + "; b=\u{301}\r\n".utf8) != nil)
        #expect(heads.all.last?["cookie"] == nil)
    }

    @Test func `an entity tag that is not UTF-8 is ignored`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"".utf8 + [0xE9] + "\"\r\n\r\n".utf8)
        }
        #expect(try await SessionHandle().get(server.url()).head.entityTag == nil)
    }
}
