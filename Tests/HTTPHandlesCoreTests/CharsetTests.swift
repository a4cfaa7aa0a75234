import HTTPHandlesCore
import Testing

@Suite("Charsets")
struct CharsetTests {
    @Test(
        arguments: [
            ("text/html", "text/html", [:]), ("Text/HTML ; Charset=UTF-8", "text/html", ["charset": "UTF-8"]),
            ("a/b;c=d; c=e;f=\"g;\\\"h\" x;i", "a/b", ["c": "d", "f": "g;\"h"]), ("", "", [:]), (";;=;==", "", [:]),
            ("a/b; c=\"d", "a/b", ["c": "d"]), ("a/b; c=\"d\\", "a/b", ["c": "d\\"]), ("a/b; c=", "a/b", ["c": ""]),
        ] as [(String, String, [String: String])]
    )
    func `a media type with parameters`(text: String, name: String, parameters: [String: String]) {
        let type = MediaType(parsing: text)
        #expect(type.name == name)
        #expect(type.parameters == parameters)
    }

    @Test(
        arguments: [
            (nil, [0xC3, 0xBC, 0xFF], "ü\u{FFFD}"), ("text/plain", [0xC3, 0xBC], "ü"),
            ("text/plain; charset=UTF-8", [0xEF, 0xBB, 0xBF, 0x61], "a"),
            ("a/b;charset=\"us-ascii\"", [0x61, 0x7F], "a\u{7F}"),
            ("a/b;charset=ISO-8859-1", [0xFC, 0x80, 0x81, 0x9F, 0xA0, 0xFF], "ü€\u{81}Ÿ\u{A0}ÿ"),
            ("a/b;charset=windows-1252", [0x93, 0x61, 0x94], "“a”"),
            ("a/b;charset=utf-16", [0xFF, 0xFE, 0xFC, 0], "ü"),
            ("a/b;charset=utf-16", [0xFE, 0xFF, 0, 0xFC], "ü"), ("a/b;charset=utf-16", [0xFC, 0], "ü"),
            ("a/b;charset=utf-16be", [0xD8, 0x3D, 0xDE, 0x00, 0], "😀\u{FFFD}"),
            ("a/b;charset=utf-16le", [0x3D, 0xD8], "\u{FFFD}"),
            ("a/b;charset=utf-8", [0xFE, 0xFF, 0, 0xFC], "ü"), ("a/b;charset=utf-8", [], ""),
        ] as [(String?, [UInt8], String)]
    )
    func `a text in its charset`(contentType: String?, bytes: [UInt8], text: String) throws {
        #expect(try Charset(contentType: contentType).decode(bytes) == text)
    }

    @Test(
        arguments: [
            (
                .utf8,
                ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8", " UTF-8\t"]
            ),
            (
                .windows1252,
                [
                    "ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1", "iso-ir-100",
                    "iso8859-1", "iso88591", "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii",
                    "windows-1252", "x-cp1252", "X-CP1252", "Latin1",
                ]
            ),
            (
                .utf16(isLittleEndian: true),
                ["csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16", "utf-16le"]
            ),
            (.utf16(isLittleEndian: false), ["unicodefffe", "utf-16be"]),
        ] as [(Charset, [String])]
    )
    func `every label of the Encoding standard`(charset: Charset, labels: [String]) throws {
        for label in labels {
            #expect(Charset(named: label) == charset, "\(label)")
            #expect(try Charset(contentType: "text/plain; charset=\"\(label)\"") == charset, "\(label)")
        }
    }

    @Test(arguments: [
        "text/plain; charset=", "text/plain; charset= ", "text/plain; charset=\"\"", "text/plain; charset=\" \t\"",
        "text/plain; charset", "text/plain; charset=; charset=koi8-r",
    ])
    func `an empty charset is ignored`(contentType: String) throws {
        #expect(try Charset(contentType: contentType) == .utf8)
    }

    @Test(arguments: ["utf-8\u{301}", "utf8x", "utf 8", "\u{FF55}tf8", "\u{A0}utf8", "iso-8859-15", "windows-1252\0"])
    func `similar texts are not labels`(name: String) {
        #expect(Charset(named: name) == nil)
    }

    @Test func `an unknown charset is an error`() {
        #expect(
            throws: HandleError(
                .notSupported,
                .readData,
                reason: "the charset of the body, \"koi8-r\", is not supported"
            )
        ) { try Charset(contentType: "text/plain; charset=koi8-r") }
    }
}
