import Testing

@testable import HTTPHandlesCore

@Suite("Negotiation of permessage-deflate")
struct PermessageDeflateTests {
    typealias Failure = WebSocketHandshakeFailure
    typealias Agreement = PermessageDeflate.Agreement

    static func answer(
        _ values: String...,
        offer: (inout PermessageDeflate.Offer) -> Void = { _ in }
    ) throws -> Result<Agreement?, Failure> {
        var deflate = PermessageDeflate.Offer()
        offer(&deflate)
        let fields = values.map { "Sec-WebSocket-Extensions: \($0)" }
        return try WebSocketHandshakeTests.answer(WebSocketHandshakeTests.good + fields, deflate: deflate).map(
            \.deflate
        )
    }

    static func agreement(_ change: (inout Agreement) -> Void = { _ in }) -> Result<Agreement?, Failure> {
        var agreement = Agreement()
        change(&agreement)
        return .success(agreement)
    }

    @Test func `a server may decline`() throws {
        #expect(try Self.answer() == .success(nil))
        #expect(try Self.answer("") == .success(nil))
        #expect(try Self.answer(" , ,") == .success(nil))
    }

    @Test(arguments: [
        "permessage-deflate", "Permessage-Deflate", ", permessage-deflate ,",
        "permessage-deflate; client_max_window_bits=15",
        "permessage-deflate;client_max_window_bits=\"15\" ; server_max_window_bits = 15",
    ])
    func `all that a server may write for the same`(value: String) throws {
        #expect(try Self.answer(value) == Self.agreement())
    }

    @Test func `parameters that a server adds`() throws {
        #expect(
            try Self.answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
                == Self.agreement {
                    $0.clientNoContextTakeover = true
                    $0.serverNoContextTakeover = true
                }
        )
        for bits in 8...15 {
            #expect(
                try Self.answer("permessage-deflate; client_max_window_bits=\(bits)")
                    == Self.agreement { $0.clientWindowBits = bits }
            )
            #expect(
                try Self.answer("permessage-deflate; server_max_window_bits=\(bits)")
                    == Self.agreement { $0.serverWindowBits = bits }
            )
        }
    }

    @Test func `a window of 256 bytes is not deflated for`() {
        var agreement = Agreement()
        #expect(agreement.canDeflate)
        agreement.clientWindowBits = 8
        #expect(!agreement.canDeflate)
        #expect(MessageDeflater(.small(agreement)) == nil)
    }

    static let names = [
        "client_no_context_takeover", "server_no_context_takeover", "client_max_window_bits", "server_max_window_bits",
    ]

    @Test(arguments: names)
    func `values that are not allowed`(name: String) throws {
        let flags = ["", "1", "true", "\"\""]
        let numbers = ["7", "16", "08", "015", "+9", "-9", "9.0", "0x9", "a", "1000000000000000000000"]
        for value in name.utf8.elementsEqual("client_max_window_bits".utf8) || name == Self.names[3] ? numbers : flags {
            let field = "permessage-deflate; \(name)=\(value)"
            let isToken = TokenScanner.isToken(value)
            let expected = isToken ? Failure.deflateParameterInvalid(name, value) : .extensionsMalformed(field)
            #expect(try Self.answer(field) == .failure(expected), "\(value)")
        }
    }

    @Test func `a size without a value is not an answer`() throws {
        for name in Self.names[2...] {
            #expect(try Self.answer("permessage-deflate; \(name)") == .failure(.deflateParameterInvalid(name, "")))
        }
    }

    @Test(arguments: names)
    func `a parameter is there once`(name: String) throws {
        let parameter = name.utf8.count == 22 ? "\(name)=10" : name
        #expect(
            try Self.answer("permessage-deflate; \(parameter); \(parameter)")
                == .failure(.deflateParameterRepeated(name))
        )
    }

    @Test func `parameters that are unknown`() throws {
        #expect(
            try Self.answer("permessage-deflate; level=9") == .failure(.deflateParameterUnknown("level"))
        )
    }

    @Test func `the extension is there once, and alone`() throws {
        let twice = Failure.extensionRepeated("permessage-deflate")
        #expect(try Self.answer("permessage-deflate, permessage-deflate") == .failure(twice))
        #expect(try Self.answer("permessage-deflate", "permessage-deflate") == .failure(twice))
        #expect(try Self.answer("permessage-deflate, x-bzip2") == .failure(.extensionNotOffered("x-bzip2")))
    }

    @Test func `a server takes what was offered, or less`() throws {
        #expect(
            try Self.answer("permessage-deflate") { $0.serverNoContextTakeover = true }
                == .failure(.deflateParameterMissing("server_no_context_takeover"))
        )
        #expect(
            try Self.answer("permessage-deflate") { $0.serverMaximumWindowBits = 12 }
                == .failure(.deflateParameterMissing("server_max_window_bits"))
        )
        for bits in 8...15 {
            let server = try Self.answer("permessage-deflate; server_max_window_bits=\(bits)") {
                $0.serverMaximumWindowBits = 12
            }
            let client = try Self.answer("permessage-deflate; client_max_window_bits=\(bits)") {
                $0.clientMaximumWindowBits = 12
            }
            guard bits <= 12 else {
                #expect(server == .failure(.deflateParameterInvalid("server_max_window_bits", "\(bits)")))
                #expect(client == .failure(.deflateParameterInvalid("client_max_window_bits", "\(bits)")))
                continue
            }
            #expect(server == Self.agreement { $0.serverWindowBits = bits })
            #expect(client == Self.agreement { $0.clientWindowBits = bits })
        }
        // What the client has said of itself holds without an answer.
        #expect(
            try Self.answer("permessage-deflate") {
                $0.clientNoContextTakeover = true
                $0.clientMaximumWindowBits = 9
            }
                == Self.agreement {
                    $0.clientNoContextTakeover = true
                    $0.clientWindowBits = 9
                }
        )
    }

    @Test(arguments: [
        "permessage-deflate;", "permessage-deflate; ;", "permessage-deflate; =1", ";", "=", "a b", "a; b c", "a; b=",
        "a; b=\"", "a; b=\"c", "a; b=\"c d\"", "a; b=\"c\\", "a; b=\"\"", "a; b=c=d", "\"a\"", "a; \"b\"", "a\u{0}",
    ])
    func `a field that is malformed`(value: String) throws {
        #expect(WebSocketExtension.list(in: value) == nil)
    }

    @Test func `a quoted value is a token`() throws {
        #expect(
            WebSocketExtension.list(in: "A; B=\"c\\d\", e")
                == [
                    WebSocketExtension(name: "a", parameters: [WebSocketExtension.Parameter(name: "b", value: "cd")]),
                    WebSocketExtension(name: "e", parameters: []),
                ]
        )
    }
}
