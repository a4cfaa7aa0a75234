import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Upgrades")
struct UpgradeTests {
    static func message(_ fields: HTTPFields = [:], _ method: HTTPRequest.Method = .get) -> RequestMessage {
        let origin = Origin(isSecure: false, host: "example.com", port: 80)
        return RequestMessage(
            method: method,
            url: RequestURL(origin: origin, text: "http://example.com/", target: 18),
            headerFields: fields
        )
    }

    static func head(_ lines: String) -> HeaderBlock {
        HeaderBlock(bytes: Array("HTTP/1.1 101 Switching\r\n\(lines)\r\n".utf8))
    }

    @Test(arguments: [
        ("tcp", true), ("HTTP/2.0", true), ("a/b", true), ("", false), ("a b", false), ("a/b/c", false), ("/a", false),
        ("a/", false), ("a,b", false), ("ä", false),
    ])
    func `names of protocols`(_ name: String, _ isName: Bool) {
        #expect(UpgradeRequest.isProtocolName(name) == isName)
    }

    @Test func `fields of a request, and the check of the answer`() throws {
        let upgrade = UpgradeRequest.other("tcp")
        let asking = Self.message([.connection: "close", .accept: "*/*"]).asking(for: upgrade)
        #expect(asking.headerFields == [.accept: "*/*", .connection: "Upgrade", .upgrade: "tcp"])
        _ = try upgrade.check(Self.head("Connection: Upgrade\r\nUpgrade: TCP\r\n"))
        #expect(throws: WebSocketHandshakeFailure.upgradeMissing) {
            try upgrade.check(Self.head("Connection: Upgrade\r\n"))
        }
        #expect(throws: WebSocketHandshakeFailure.upgradeToOther("h2c", than: "tcp")) {
            try upgrade.check(Self.head("Connection: Upgrade\r\nUpgrade: h2c\r\n"))
        }
        #expect(throws: WebSocketHandshakeFailure.connectionMissing) {
            try upgrade.check(Self.head("Upgrade: tcp\r\n"))
        }
    }

    @Test(arguments: [
        ("ws://a/", "http://a/"), ("WSS://a/", "https://a/"), ("http://a/", "http://a/"), ("//a/ws:", "//a/ws:"),
        ("wsx://a", "wsx://a"), ("", ""),
    ])
    func `references with the schemes of WebSockets`(_ reference: String, _ expected: String) {
        #expect(UpgradeRequest.httpReference(Array(reference.utf8)) == Array(expected.utf8))
    }

    @Test func `what excludes an upgrade`() throws {
        var generator = SystemRandomNumberGenerator.system
        var values = OptionValues()
        #expect(try values.upgradeRequest(Self.message(), using: &generator) == nil)
        values.upgrade.toWebSocket = true
        #expect(try values.upgradeRequest(Self.message(), using: &generator)?.isWebSocket == true)
        func reason(_ values: OptionValues, _ message: RequestMessage) -> String? {
            do {
                _ = try values.upgradeRequest(message, using: &generator)
                return nil
            } catch {
                #expect(error.code == .invalidParameter && error.operation == .sendRequest)
                return error.reason
            }
        }
        #expect(reason(values, Self.message([:], .post)) == "the method for a WebSocket must be GET, but is POST")
        let key = "Sec-WebSocket-Key"
        #expect(
            reason(values, Self.message([HTTPField.Name(key)!: "x"]))
                == "the field \(key) belongs to the upgrade, and is set by the library"
        )
        var both = values
        both.upgrade.toProtocol = "tcp"
        #expect(reason(both, Self.message()) == "upgradesToWebSocket and upgradesToProtocol exclude each other")
        values.httpVersions = .http2Only
        #expect(reason(values, Self.message()) == "an upgrade needs HTTP/1.1, which httpVersions excludes")
    }

    @Test func `an upgrade is over HTTP/1.1, at the origin`() {
        var values = OptionValues()
        values.usesAlternativeServices = true
        let changed = OptionSnapshot(values).forUpgrade.values
        #expect(changed.httpVersions == .http1_1 && !changed.usesAlternativeServices)
    }

    @Test func `offers of compression`() {
        #expect(MessageCompression().description == "permessage-deflate; client_max_window_bits")
        #expect(MessageCompression().problem == nil)
        #expect(
            MessageCompression(clientMaximumWindowBits: 8).problem == "clientMaximumWindowBits must be from 9 to 15"
        )
        #expect(
            MessageCompression(serverMaximumWindowBits: 16).problem == "serverMaximumWindowBits must be from 8 to 15"
        )
        #expect(MessageCompression(threshold: -1).problem == "threshold must be 0 or more")
    }
}
