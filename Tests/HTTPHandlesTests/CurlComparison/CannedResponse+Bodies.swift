extension CannedResponse {
    static let lengths: [CannedResponse] =
        [
            "5", "05", "0000000000000000000000005", "-5", "-1", "--5", "5 ", "\t5\t", "", "five", "\"5\"", "5\0", "0",
            "-0", "4", "6", "100", "2147483648", "4294967301", "9223372036854775807",
            "-9223372036854775808", "-99999999999999999999999",
        ]
        .map { .ok("length \($0.debugDescription)", ["Content-Length: \($0)"], "hello") }
        + [
            "+5", "5;x", "5 x", "0x5", "5.0", "5e0", "9223372036854775808", "18446744073709551616",
            "18446744073709551621", "99999999999999999999999999999",
        ]
        .map { .ok("length \($0.debugDescription)", ["Content-Length: \($0)"], "hello", .noLength) }
        + [
            .ok("two equal lengths", ["Content-Length: 5", "Content-Length: 5"], "hello"),
            .ok("two equal lengths that look different", ["Content-Length: 5", "content-length:   5"], "hello"),
            .ok("three equal lengths", ["Content-Length: 5", "Content-Length: 5", "Content-Length: 5"], "hello"),
            .ok("a shorter second length", ["Content-Length: 5", "Content-Length: 3"], "hello", .twoLengths),
            .ok("a longer second length", ["Content-Length: 3", "Content-Length: 5"], "hello", .twoLengths),
            .ok("a second length that is none", ["Content-Length: 5", "Content-Length: x"], "hello"),
            .ok("an empty second length", ["Content-Length: 5", "Content-Length:"], "hello"),
            .ok("equal lengths in a list", ["Content-Length: 5, 5"], "hello"),
            .ok("different lengths in a list", ["Content-Length: 5, 3"], "hello", .twoLengths),
            .ok(
                "a length before chunks",
                ["Content-Length: 3", "Transfer-Encoding: chunked"],
                "5\r\nhello\r\n0\r\n\r\n"
            ),
            .ok(
                "a length after chunks",
                ["Transfer-Encoding: chunked", "Content-Length: 3"],
                "5\r\nhello\r\n0\r\n\r\n"
            ),
            .ok(
                "two lengths and chunks",
                ["Transfer-Encoding: chunked", "Content-Length: 3", "Content-Length: 4"],
                "5\r\nhello\r\n0\r\n\r\n",
                .twoLengths
            ),
            .ok("no length", [], "hello"), .ok("no length and no body", []),
            .ok("no length, but keep-alive", ["Connection: keep-alive"], "hello"),
            .ok("more than the length", ["Content-Length: 5"], "hello and more"),
            .ok(
                "another response behind",
                ["Content-Length: 5"],
                "helloHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nbad"
            ),
            .ok(
                "all bytes",
                ["Content-Length: 256"],
                String(String.UnicodeScalarView((0..<256).map { Unicode.Scalar(UInt8($0)) }))
            ),
            .ok("a long body", ["Content-Length: 300000"], String(repeating: "0123456789", count: 30_000)),
            .ok("a long body without length", [], String(repeating: "0123456789", count: 30_000)),
            CannedResponse("HTTP/1.0 without length", ["HTTP/1.0 200 OK"], "hello"),
            CannedResponse("HTTP/1.0 with keep-alive", ["HTTP/1.0 200 OK", "Connection: keep-alive"], "hello"),
            CannedResponse(
                "HTTP/1.0 with chunks",
                ["HTTP/1.0 200 OK", "Transfer-Encoding: chunked"],
                "5\r\nhello\r\n0\r\n\r\n"
            ),
        ]

    static let chunks: [CannedResponse] =
        [
            ("one chunk", "5\r\nhello\r\n0\r\n\r\n"), ("three chunks", "1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n"),
            ("no chunks", "0\r\n\r\n"), ("sizes in capitals", "A\r\n0123456789\r\n0\r\n\r\n"),
            ("sizes in small letters", "a\r\n0123456789\r\n0\r\n\r\n"),
            ("leading zeros", "0005\r\nhello\r\n000\r\n\r\n"),
            ("too many zeros", "00000000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("an extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n"),
            ("a quoted extension", "5;a=\"b;\\\"c\"\r\nhello\r\n0\r\n\r\n"),
            ("blanks and an extension", "5 ; a = b\r\nhello\r\n0\r\n\r\n"),
            ("a long extension", "5;\(String(repeating: "x", count: 3000))\r\nhello\r\n0\r\n\r\n"),
            ("a blank after the size", "5 \r\nhello\r\n0\r\n\r\n"),
            ("a blank before the size", " 5\r\nhello\r\n0\r\n\r\n"),
            ("junk after the size", "5xyz\r\nhello\r\n0\r\n\r\n"), ("an empty size", "\r\nhello\r\n0\r\n\r\n"),
            ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"), ("a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"),
            ("a size with a prefix", "0x5\r\nhello\r\n0\r\n\r\n"), ("a size that is none", "hello\r\n0\r\n\r\n"),
            ("a size of 16 digits", "7fffffffffffffff\r\nhello\r\n0\r\n\r\n"),
            ("a size that is negative", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
            ("a size of 17 digits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("a size of 40 digits", "\(String(repeating: "f", count: 40))\r\nhello"),
            ("a NUL in the size", "5\0\r\nhello\r\n0\r\n\r\n"), ("line feeds", "5\nhello\n0\n\n"),
            ("carriage returns", "5\rhello\r0\r\r"),
            ("too little data", "9\r\nhello\r\n0\r\n\r\n"), ("too much data", "3\r\nhello\r\n0\r\n\r\n"),
            ("no line end after the data", "5\r\nhello0\r\n\r\n"),
            ("no last chunk", "5\r\nhello\r\n"), ("no end of the trailers", "5\r\nhello\r\n0\r\n"),
            ("a body that is not in chunks", "Hello, world!"),
            ("a trailer", "5\r\nhello\r\n0\r\nA: one\r\n\r\n"),
            ("trailers", "5\r\nhello\r\n0\r\nA: one\r\nB: two\r\n\r\n"),
            ("a folded trailer", "5\r\nhello\r\n0\r\nA: one\r\n two\r\n\r\n"),
            ("a trailer without colon", "5\r\nhello\r\n0\r\nA\r\n\r\n"),
            ("a length as trailer", "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n"),
            ("a status line as trailer", "5\r\nhello\r\n0\r\nHTTP/1.1 404 X\r\n\r\n"),
            ("trailers with line feeds", "5\r\nhello\r\n0\r\nA: one\nB: two\n\n"),
            ("a NUL in a trailer", "5\r\nhello\r\n0\r\nA: o\0ne\r\n\r\n"),
            ("a long trailer", "5\r\nhello\r\n0\r\nA: \(String(repeating: "x", count: 3000))\r\n\r\n"),
            ("an unfinished trailer", "5\r\nhello\r\n0\r\nA: on"),
            ("more behind the end", "5\r\nhello\r\n0\r\n\r\nmore"),
            ("many small chunks", String(repeating: "1\r\nx\r\n", count: 500) + "0\r\n\r\n"),
        ]
        .map { name, body in .chunked("chunks: \(name)", body) }
        + [
            "Chunked", "CHUNKED", " chunked ", "chunked,", ",chunked", "chunked, chunked", "identity",
            "identity, chunked", "xchunked",
            "chunkedx", "chunked;a=b", "unknown", "unknown, chunked", "",
        ].map {
            .ok("transfer coding \($0.debugDescription)", ["Transfer-Encoding: \($0)"], "5\r\nhello\r\n0\r\n\r\n")
        }
        + [
            .ok(
                "chunked twice",
                ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
                "5\r\nhello\r\n0\r\n\r\n"
            ),
            .ok("a folded transfer coding", ["Transfer-Encoding:", " chunked"], "5\r\nhello\r\n0\r\n\r\n"),
        ]

    static let intermediate: [CannedResponse] =
        ["100 Continue", "102 Processing", "103 Early Hints", "110 Odd", "199 Odder"].map { status in
            CannedResponse("\(status) first", "HTTP/1.1 \(status)\r\nLink: </a>\r\n\r\n" + hello)
        }
        + [2, 10, 1000].map {
            CannedResponse("\($0) times 100", String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: $0) + hello)
        }
        + [
            CannedResponse(
                "100 and 103 first",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: one\r\n\r\n" + hello
            ),
            CannedResponse("100 and nothing", "HTTP/1.1 100 Continue\r\n\r\n"),
            CannedResponse("100 with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" + hello),
            CannedResponse(
                "100 with a length and a body",
                "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc" + hello
            ),
            CannedResponse("100 and garbage", "HTTP/1.1 100 Continue\r\n\r\nhello"),
            CannedResponse("101", ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: x"], "hello"),
            CannedResponse("101 without upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n" + hello),
            CannedResponse("100 with HTTP/1.0", "HTTP/1.0 100 Continue\r\n\r\n" + hello),
        ]

    private static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
}
