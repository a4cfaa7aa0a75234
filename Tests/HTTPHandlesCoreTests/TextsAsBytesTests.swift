import HTTPTypes
import Testing

@testable import HTTPHandlesCore

/// In Swift a delimiter before a combining mark is a different `Character`, the Kelvin sign equals "K", and composed and
/// decomposed letters are equal. In HTTP all texts are bytes. (`Scripts/check-texts` finds code that does not respect that.)
@Suite("Texts as bytes")
struct TextsAsBytesTests {
    static let mark = "\u{301}"
    static let kelvin = "\u{212A}"

    @Test func `a delimiter is found before a combining mark`() throws {
        let type = MediaType(parsing: "text/plain;\(Self.mark)a=\(Self.mark)b;charset=\(Self.mark)x")
        #expect(type.name == "text/plain")
        #expect(type.parameters["charset"].map { Array($0.utf8) } == Array("\(Self.mark)x".utf8))
        #expect(MultipartPart.file("f", path: "/folder/\(Self.mark)x").filename == "\(Self.mark)x")
        #expect(PeerCertificate(lines: ["Subject:\(Self.mark)CN"]).subject == "\(Self.mark)CN")
        #expect(SocketAddress(host: "::\(Self.mark)1", port: 1).description == "[::\(Self.mark)1]:1")
        #expect(Cookie(name: "a", value: "b", domain: "h", path: "/\(Self.mark)").problem == nil)
        #expect(ContentRange("bytes \(Self.mark)0-1/2") == nil)
        #expect(ContentRange("bytes 0-1/\(Self.mark)2") == nil)
        let codings: HTTPFields = [.contentEncoding: "gzip,\(Self.mark)"]
        #expect(ContentCoding.applied(codings) == nil)
    }

    @Test func `the case of letters outside ASCII is not ignored`() throws {
        let fields: [HTTPField.Name: String] = [.connection: "\(Self.kelvin)eep-alive", .te: "trailer\u{17F}"]
        for (name, value) in fields {
            #expect(throws: HandleError.self) {
                try RequestRules.check(.get, [name: value], for: .openRequest)
            }
        }
        #expect(throws: HandleError.self) {
            let coding: HTTPFields = [.transferEncoding: "chun\(Self.kelvin)ed"]
            _ = try RequestRules.withoutFraming(coding, length: nil, for: .sendRequest)
        }
        #expect(Array(AuthenticationScheme(rawValue: "N\(Self.kelvin)").rawValue.utf8) == Array("n\(Self.kelvin)".utf8))
        #expect(Array(MediaType(parsing: "TEXT/\(Self.kelvin)").name.utf8) == Array("text/\(Self.kelvin)".utf8))
        #expect(ContentRange("byte\u{17F} 0-1/2") == nil)
    }

    @Test func `entity tags are compared as bytes`() throws {
        let composed = try #require(EntityTag("\"\u{E9}\""))
        let decomposed = try #require(EntityTag("\"e\u{301}\""))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(composed == EntityTag("\"\u{E9}\""))
        #expect(composed != EntityTag("W/\"\u{E9}\""))
    }
}
