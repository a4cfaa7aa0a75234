#if StructuredFields
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import RawStructuredFieldValues
import Testing

@Suite("Structured fields", .timeLimit(.minutes(5)))
struct StructuredFieldTests {
    private let name = HTTPField.Name("X-Structured") ?? .date

    private func fields(_ values: String...) -> HTTPFields {
        HTTPFields(values.map { HTTPField(name: name, value: $0) })
    }

    /// There are deprecated initialisers for an older type, too.
    private func item(_ value: RFC9651BareItem, _ parameters: OrderedMap<String, RFC9651BareItem> = [:]) -> Item {
        Item(bareItem: value, parameters: parameters)
    }

    @Test func `items, lists and dictionaries are read`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            let fields = "X-Structured: a=1;p=?0\r\nX-Structured: b=(x \"y\"), c=@784111777\r\nContent-Length: 0"
            try connection.send("HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n")
        }
        let head = try await SessionHandle().get(server.url()).head
        let dictionary = try #require(try head.headerFields.structuredDictionary(name))
        #expect(Array(dictionary.map(\.0)) == ["a", "b", "c"])
        #expect(dictionary["a"] == .item(item(.integer(1), ["p": .bool(false)])))
        #expect(dictionary["c"] == .item(item(.date(784_111_777))))
        #expect(try fields("token").structuredItem(name)?.rfc9651BareItem == .token("token"))
        #expect(try fields("1, 2", "3").structuredList(name)?.count == 3)
        #expect(try fields(":YWI=:").structuredItem(name)?.rfc9651BareItem == .undecodedByteSequence("YWI="))
        #expect(try HTTPFields().structuredItem(name) == nil)
    }

    @Test(arguments: ["", "1;", "\"open", "1 2", "a=", "\u{E4}", ":a:b", "?2", "99999999999999999", "1,,2", "("])
    func `malformed values are errors`(value: String) throws {
        let fields = fields(value)
        let error = #expect(throws: HandleError.self) { _ = try fields.structuredItem(name) }
        #expect(error?.code == .invalidHeader)
        #expect(error?.underlying != nil)
        _ = try? fields.structuredList(name)
        _ = try? fields.structuredDictionary(name)
    }

    @Test func `what is written is read again`() throws {
        var fields = HTTPFields()
        let text = item(.string("a\"b"), ["q": 5])
        try fields.setStructuredItem(name, to: text)
        #expect(fields[name] == #""a\"b";q=5"#)
        #expect(try fields.structuredItem(name) == text)
        try fields.setStructuredItem(name, to: item(0.5))
        #expect(fields[name] == "0.5")
        let list: [ItemOrInnerList] = [.item(text), .item(item(true))]
        try fields.setStructuredList(name, to: list)
        #expect(try fields.structuredList(name) == list)
        try fields.setStructuredDictionary(name, to: ["k": .item(text)])
        #expect(fields[name] == #"k="a\"b";q=5"#)
        try fields.setStructuredList(name, to: [])
        #expect(fields == HTTPFields())
        for value in [RFC9651BareItem.token("a b"), .undecodedByteSequence("YQ==:\r\nX-B: :")] {
            let error = #expect(throws: HandleError.self) { try fields.setStructuredItem(name, to: item(value)) }
            #expect(error?.code == .invalidParameter)
        }
        #expect(fields == HTTPFields())
    }
}
#endif
