import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Header block")
struct HeaderBlockTests {
    func block(_ text: String) -> HeaderBlock { HeaderBlock(bytes: Array(text.utf8)) }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", 200, HTTPVersion.http1_1, "OK"),
        ("HTTP/1.0 404 Not Found\r\n\r\n", 404, .http1_0, "Not Found"),
        ("HTTP/2 200 \r\n\r\n", 200, .http2, ""),
        ("HTTP/3 204\r\n\r\n", 204, .http3, ""),
        ("HTTP/1.1 200\r\n\r\n", 200, .http1_1, ""),
        ("HTTP/1.1  200 Two spaces\n\n", 200, .http1_1, "Two spaces"),
        ("HTTP/1.1 99 Short\r\n\r\n", 0, .http1_1, ""),
        ("HTTP/1.1 -12 Minus\r\n\r\n", 0, .http1_1, ""),
        ("HTTP/1.1\r\n\r\n", 0, .http1_1, ""),
        ("Trailer: yes\r\n", 0, .http1_1, ""),
    ])
    func `status line`(text: String, status: Int, version: HTTPVersion, reason: String) {
        let block = block(text)
        #expect(block.status == status)
        #expect(block.version == version)
        #expect(block.reasonPhrase == reason)
    }

    @Test func `fields keep order, case and repetition`() {
        let fields = block("HTTP/1.1 200 OK\r\nB: 1\r\na: 2\r\nB:3\r\nEmpty:\r\n\r\n").fields()
        #expect(fields.map(\.name.rawName) == ["B", "a", "B", "Empty"])
        #expect(fields.map(\.value) == ["1", "2", "3", ""])
        #expect(fields[values: HTTPField.Name("b") ?? .accept] == ["1", "3"])
    }

    @Test func `values are trimmed and folded lines joined`() {
        let fields = block("HTTP/1.1 200 OK\r\nA: \t x y \t\r\nB: one\r\n  two\r\n\tthree\r\nC: z\r\n\r\n").fields()
        #expect(fields.map(\.value) == ["x y", "one two three", "z"])
    }

    @Test func `malformed lines are skipped`() {
        let fields = block("HTTP/1.1 200 OK\r\nno colon\r\nbad name: x\r\n: empty\r\nGood: y\r\n\r\n").fields()
        #expect(fields.map(\.name.rawName) == ["Good"])
    }

    @Test func `only lines between status line and empty line are fields`() {
        #expect(block("HTTP/1.1 200 OK\r\nA: 1\r\n\r\nB: 2\r\n").fields().map(\.name.rawName) == ["A"])
    }

    @Test func `trailers have no status line`() {
        #expect(block("A: 1\r\nB: 2\r\n").fields().map(\.name.rawName) == ["A", "B"])
    }

    @Test func `which responses are informational`() {
        #expect(block("HTTP/1.1 100 Continue\r\n\r\n").isInformational)
        #expect(block("HTTP/1.1 103 Early Hints\r\n\r\n").isInformational)
        #expect(!block("HTTP/1.1 101 Switching Protocols\r\n\r\n").isInformational)
        #expect(!block("HTTP/1.1 200 OK\r\n\r\n").isInformational)
    }
}
