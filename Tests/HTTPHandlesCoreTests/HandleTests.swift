import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Handle lifetime")
struct HandleLifetimeTests {
    @Test func `a handle without children ends when it is closed`() {
        var lifetime = HandleLifetime()
        let actions = [lifetime.closed(), lifetime.closed()]
        #expect(actions == [.finish, .doNothing])
    }

    @Test func `a closed parent ends with its last child`() {
        var lifetime = HandleLifetime()
        lifetime.childOpened()
        lifetime.childOpened()
        let actions = [lifetime.closed(), lifetime.childGone(), lifetime.childGone()]
        #expect(actions == [.doNothing, .doNothing, .finish])
    }

    @Test func `an open parent outlives its children`() {
        var lifetime = HandleLifetime()
        lifetime.childOpened()
        let gone = lifetime.childGone()
        let isOpen = lifetime.isOpen
        #expect(gone == .doNothing)
        #expect(isOpen)
    }
}

@Suite("Request rules")
struct RequestRulesTests {
    @Test(arguments: [
        ("Connection", "upgrade"), ("Upgrade", "websocket"), ("TE", "gzip"), ("Keep-Alive", "5"),
        ("Proxy-Connection", "close"), ("Expect", "200-ok"),
    ])
    func `fields that control the connection are refused`(name: String, value: String) throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        #expect(throws: HandleError.self) { try RequestRules.check(.get, fields, for: .openRequest) }
    }

    @Test(arguments: [("Connection", "close"), ("TE", "trailers"), ("Expect", "100-continue"), ("Host", "other")])
    func `harmless connection fields are allowed`(name: String, value: String) throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        try RequestRules.check(.get, fields, for: .openRequest)
    }

    @Test(arguments: [
        "Content-Length", "content-type", "Content-Encoding", "Transfer-Encoding", "Trailer", "Host", "TE", "Via",
        "Authorization", "Proxy-Authorization", "Cookie", "Cache-Control", "Expect", "Range", "If-Match",
        "Accept-Charset",
    ])
    func `fields that must not be trailer fields`(name: String) throws {
        let fields: HTTPFields = [try #require(HTTPField.Name(name)): "a"]
        #expect(throws: HandleError.invalidParameter(.writeData, "\(name) is not allowed as a trailer field")) {
            try TrailerRules.check(fields, for: .writeData)
        }
    }

    @Test(arguments: ["Content-Digest", "Repr-Digest", "Digest", "Content-MD5", "Signature", "ETag", "X-Anything"])
    func `fields that may be trailer fields`(name: String) throws {
        try TrailerRules.check([try #require(HTTPField.Name(name)): "a"], for: .writeData)
    }

    @Test func `the limit of trailer fields includes their framing`() throws {
        let name = try #require(HTTPField.Name("X"))
        let most = String(repeating: "a", count: TrailerRules.maximumLength - 5)
        try TrailerRules.check([name: most], for: .writeData)
        let error = HandleError.invalidParameter(
            .writeData,
            "the trailer fields must have at most 61440 bytes, but have 61441"
        )
        #expect(throws: error) { try TrailerRules.check([name: most + "a"], for: .writeData) }
    }

    @Test func `CONNECT is refused`() {
        #expect(throws: HandleError.self) { try RequestRules.check(.connect, [:], for: .openRequest) }
    }

    @Test func `control characters are refused`() {
        let field = HTTPField(name: .accept, lenientValue: [0x61, 0x01])
        var fields = HTTPFields()
        fields.append(field)
        #expect(
            throws: HandleError.invalidParameter(.openRequest, "the value of Accept contains a control character")
        ) {
            try RequestRules.check(.get, fields, for: .openRequest)
        }
    }

    @Test func `Content-Length has to match the body`() throws {
        let fields: HTTPFields = [.contentLength: "5"]
        #expect(try RequestRules.withoutFraming(fields, length: 5, for: .sendRequest) == [:])
        #expect(throws: HandleError.self) { try RequestRules.withoutFraming(fields, length: 6, for: .sendRequest) }
        #expect(throws: HandleError.self) { try RequestRules.withoutFraming(fields, length: nil, for: .sendRequest) }
    }

    @Test func `only a body of unknown length is chunked`() throws {
        let fields: HTTPFields = [.transferEncoding: "chunked"]
        #expect(try RequestRules.withoutFraming(fields, length: nil, for: .sendRequest) == [:])
        #expect(throws: HandleError.self) { try RequestRules.withoutFraming(fields, length: 5, for: .sendRequest) }
    }

    @Test(arguments: ["a\r\nb", "a\nb", "a\u{0}b", " a", "a\u{1}"])
    func `the checked append refuses what HTTPField would replace`(value: String) {
        var fields = HTTPFields()
        #expect(throws: HandleError.self) { try fields.append(name: "X-Test", value: value) }
        #expect(fields.isEmpty)
    }

    @Test(arguments: ["", "a b", "a:b", "a\r\n", "ä"])
    func `the checked append refuses names that are not tokens`(name: String) {
        var fields = HTTPFields()
        #expect(throws: HandleError.self) { try fields.append(name: name, value: "x") }
    }
}

@Suite("Errors")
struct ErrorTests {
    @Test func `an error describes itself with code, number, operation and reason`() {
        let error = HandleError.timeout(.response, after: .seconds(90), .receiveResponse)
        #expect(error.description == "timeout (12002) in receiveResponse: no response head arrived within 90.0 seconds")
        #expect(error.phase == .response)
        #expect(!error.isCancellation)
        #expect(HandleError.cancelled(.readData).isCancellation)
    }

    @Test func `equality compares everything but the underlying error`() {
        struct Cause: Error {}
        let one = HandleError(.invalidParameter, .writeData, reason: "r", underlying: Cause())
        #expect(one == HandleError(.invalidParameter, .writeData, reason: "r"))
        #expect(one != HandleError(.invalidParameter, .writeData, reason: "s"))
        #expect(one != HandleError(.invalidParameter, .readData, reason: "r"))
    }

    @Test func `the same libcurl code means different things before and after the connection`() {
        #expect(HandleErrorCode(CurlCode(1), at: .connecting) == .unrecognizedScheme)
        #expect(HandleErrorCode(CurlCode(1), at: .receivingHead) == .invalidServerResponse)
        #expect(HandleErrorCode(CurlCode(18), at: .receivingHead) == .invalidServerResponse)
        #expect(HandleErrorCode(CurlCode(18), at: .receivingBody) == .connectionError)
        #expect(HandleErrorCode(CurlCode(999), at: .receivingBody) == .internalError)
    }
}

@Suite("Masks")
struct StatusMaskTests {
    @Test func `allCompletions has WinHTTP's value, without unsupported events`() {
        #expect(StatusMask.allCompletions.rawValue == 0x7E_0000)
    }

    @Test func `no mask hides handleClosing, and handles includes both handle events`() {
        #expect(StatusMask.handles.contains(.handleClosing))
        #expect(StatusMask.handles.rawValue == 0xC00)
    }
}

@Suite("Options")
struct OptionTests {
    @Test func `defaults are WinHTTP's`() throws {
        let values = OptionValues()
        func value(_ option: HandleOption<Duration>) throws -> Duration {
            try values.value(of: option, on: .session) { ExchangeFacts() }
        }
        #expect(try value(.resolveTimeout) == .zero)
        #expect(try value(.connectTimeout) == .seconds(60))
        #expect(try value(.sendTimeout) == .seconds(30))
        #expect(try value(.receiveTimeout) == .seconds(30))
        #expect(try value(.responseTimeout) == .seconds(90))
        #expect(try value(.totalTimeout) == .zero)
    }

    @Test func `bad values, wrong levels and facts are refused`() {
        var values = OptionValues()
        #expect(
            throws: HandleError.invalidParameter(
                .setOption,
                "sendTimeout must be 0 (no limit) or more, but is -1.0 seconds"
            )
        ) {
            try values.set(.sendTimeout, to: .seconds(-1), on: .request, for: .setOption)
        }
        #expect(throws: HandleError(.optionNotSettable, .setOption, reason: "the option url is read-only")) {
            try values.set(.url, to: "x", on: .request, for: .setOption)
        }
        #expect(throws: HandleError(.incorrectHandleType, .queryOption, reason: "a session handle has no option url")) {
            try values.value(of: .url, on: .session) { ExchangeFacts() }
        }
        #expect(throws: HandleError.wrongState(.queryOption, "the value of url is not known yet")) {
            try values.value(of: .url, on: .request) { ExchangeFacts() }
        }
        #expect(throws: HandleError.self) {
            try values.set(.userAgent, to: "a\r\nb", on: .session, for: .setOption)
        }
        #expect(values == OptionValues())
    }
}
