import Foundation

extension CannedResponse {
    private static let gzip = data("H4sIAAAAAAAC//NIzEvJSS3WUchAY1gpJCqUpFaUKJRkJJYoFCQmZxcrlKfm5OggkXpcAAkBQdE/AAAA")
    private static let named = data(
        "H4sIHAAAAAAC/wQAYWJjZG5hbWUAY29tbWVudADzSMxLyUkt1lHIQGNYKSQqlKRWlCiUZCSWKBQkJmcXK5Sn5uToIJF6XAAJAUHRPwAAAA=="
    )
    private static let zlib = data("eJzzSMxLyUkt1lHIQGNYKSQqlKRWlCiUZCSWKBQkJmcXK5Sn5uToIJF6XADIGhXF")
    private static let bare = data("80jMS8lJLdZRyEBjWCkkKpSkVpQolGQkligUJCZnFyuUp+bk6CCRelwA")
    private static let twice = data(
        "H4sIAAAAAAAC/5Pv5mAAAab/nz3OeJ/01L0WeMIhOUJTRWvKkrApGlNSVKZpiKiopYtrT1n+7MkLhYlVMQycjI4X7YF6AD+me3E8AAAA"
    )

    private static func data(_ base64: String) -> [UInt8] { Array(Data(base64Encoded: base64) ?? Data()) }

    static let codings: [CannedResponse] = [
        coded("gzip", gzip), coded("x-gzip", gzip), coded("GZIP", gzip), coded("deflate", zlib),
        coded("deflate", bare, "without its frame"), coded("identity", Array("hello".utf8)),
        coded("", Array("hello".utf8)),
        coded("gzip", named, "with a name and a comment"),
        coded("gzip", gzip + gzip, "twice, one after the other", .severalMembers),
        coded("gzip, gzip", twice), coded("identity, gzip", gzip), coded("gzip,", gzip),
        coded("none", Array("hello".utf8)),
        coded("unknown", Array("hello".utf8), "", .unknownCoding), coded("gzip, unknown", gzip, "", .unknownCoding),
        coded("gzip", [], "of nothing"), coded("deflate", [], "of nothing"),
        coded("gzip", Array("hello, this is not packed".utf8), "in name only"),
        coded("deflate", Array("hello, this is not packed".utf8), "in name only"),
        coded("gzip", changed(gzip, at: 3, to: 0xE0), "with unknown flags"),
        coded("gzip", changed(gzip, at: 2, to: 7), "with another method"),
        coded("gzip", changed(gzip, at: 20, to: 0xFF), "with a damaged middle", .codingEndsEarly),
        coded("gzip", changed(gzip, at: gzip.count - 8, to: 0), "with a wrong checksum"),
        coded("gzip", changed(gzip, at: gzip.count - 4, to: 0), "with a wrong length"),
        coded("deflate", changed(zlib, at: zlib.count - 1, to: 0), "with a wrong checksum"),
        coded("gzip", gzip + Array("more".utf8), "with more behind it", .moreBehindCoding),
        coded("deflate", zlib + Array("more".utf8), "with more behind it", .moreBehindCoding),
        coded("gzip", Array(gzip.dropLast(4)), "that ends in its last bytes", .codingEndsEarly),
        coded("gzip", Array(gzip.prefix(30)), "that ends in the middle", .codingEndsEarly),
        coded("gzip", Array(gzip.prefix(5)), "that ends in its frame", .codingEndsEarly),
        coded("deflate", Array(zlib.prefix(30)), "that ends in the middle", .codingEndsEarly),
        CannedResponse(
            "gzip in chunks",
            bytes("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n") + gzip
                + bytes("\r\n0\r\n\r\n")
        ),
        CannedResponse("gzip without length", bytes("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n") + gzip),
        CannedResponse("204 with gzip", ["HTTP/1.1 204 No Content", "Content-Encoding: gzip"]),
        CannedResponse(
            "304 with gzip and a length",
            ["HTTP/1.1 304 Not Modified", "Content-Encoding: gzip", "Content-Length: 60"]
        ),
    ]

    private static func coded(_ coding: String, _ body: [UInt8], _ how: String = "", _ difference: Difference? = nil)
        -> Self
    {
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\nContent-Length: \(body.count)\r\n\r\n"
        return CannedResponse("coding \(coding) \(how)", bytes(head) + body, difference)
    }

    private static func changed(_ bytes: [UInt8], at index: Int, to byte: UInt8) -> [UInt8] {
        var bytes = bytes
        bytes[index] = byte
        return bytes
    }
}
