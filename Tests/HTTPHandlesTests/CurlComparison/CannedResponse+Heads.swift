extension CannedResponse {
    private static let five = ["Content-Length: 5"]

    static let statusLines: [CannedResponse] =
        [
            200, 201, 202, 203, 205, 206, 207, 208, 226, 299, 300, 301, 302, 303, 305, 306, 307, 308, 400, 401, 403,
            404, 405,
            406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 425, 426, 428, 429, 431, 451,
            500, 501,
            502, 503, 504, 505, 507, 511, 599, 600, 999,
        ]
        .map { CannedResponse("status \($0)", ["HTTP/1.1 \($0) Reason", "Location: /elsewhere"] + five, "hello") }
        + [("length", five), ("chunks", ["Transfer-Encoding: chunked"]), ("nothing", [])].flatMap { name, lines in
            ["204 No Content", "304 Not Modified", "205 Reset Content"].map { status in
                let body = name == "chunks" ? "5\r\nhello\r\n0\r\n\r\n" : "hello"
                return CannedResponse("\(status) with \(name) and a body", ["HTTP/1.1 \(status)"] + lines, body)
            }
        }
        + ["204 No Content", "304 Not Modified"].map { status in
            CannedResponse("\(status) with a length and no body", ["HTTP/1.1 \(status)"] + five)
        }
        + ["1.0", "1.2", "1.10", "1", "0.9", "2", "2.0", "3", "4", "9.9", "11", "1.x", "x.1", "", "-1.1"].map {
            CannedResponse("version \($0)", ["HTTP/\($0) 200 OK"] + five, "hello")
        }
        + ["http/1.1 200 OK", "Http/1.1 200 OK", "HTTP/ 1.1 200 OK"].map {
            CannedResponse("status line \($0)", [$0] + five, "hello", .noStatusLine)
        }
        + [
            "ICY 200 OK", "RTSP/1.0 200 OK", "HTTP /1.1 200 OK", "HTTP 200 OK",
            "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1  200 OK", "HTTP/1.1   200   OK", "HTTP/1.1\t200\tOK",
            "HTTP/1.1200 OK",
            "HTTP/1.1 200OK", "HTTP/1.1 20 OK", "HTTP/1.1 2 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 -200 OK",
            "HTTP/1.1 +200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 OK", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 000 Nothing",
            "HTTP/1.1 099 Low", "HTTP/1.1 0200 OK", "HTTP/1.1 200 \u{FF}\u{E9}\u{80}", "HTTP/1.1 200 O\0K",
            "HTTP/1.1\0 200 OK", "HTTP/1.1 200 O\rK", " HTTP/1.1 200 OK", "\r\nHTTP/1.1 200 OK", "\nHTTP/1.1 200 OK",
            "HTTP/1.1 200 \(String(repeating: "long ", count: 200))", "\u{FF}\u{FE}HTTP/1.1 200 OK", "XHTTP/1.1 200 OK",
            "HTTP/1.1 200 OK HTTP/1.1 404", "HTTP/1.1 99999999999999999999 OK", "GET / HTTP/1.1",
        ]
        .map { CannedResponse("status line \($0.debugDescription)", [$0] + five, "hello") }
        + [
            CannedResponse("nothing", ""), CannedResponse("an empty line", "\r\n"), CannedResponse("a line feed", "\n"),
            CannedResponse("NULs", String(repeating: "\0", count: 40)), CannedResponse("HTTP/0.9", "hello, world\n"),
            CannedResponse("HTTP/0.9 in HTML", "<html><body>hello</body></html>\r\n"),
            CannedResponse("another protocol", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
            CannedResponse("a TLS alert", "\u{15}\u{03}\u{01}\u{00}\u{02}\u{02}\u{50}"),
            CannedResponse("only a status line", "HTTP/1.1 200 OK\r\n\r\n"),
            CannedResponse("line feeds", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
            CannedResponse("line feeds and chunks", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n"),
            CannedResponse("mixed line ends", "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 5\r\n\nhello"),
            CannedResponse("carriage returns", "HTTP/1.1 200 OK\rContent-Length: 5\r\rhello"),
            CannedResponse("two carriage returns", "HTTP/1.1 200 OK\r\r\nContent-Length: 5\r\r\n\r\r\nhello"),
        ]

    static let heads: [CannedResponse] =
        [
            ("a folded line", "A: one\r\n two"), ("a line folded with a tab", "A: one\r\n\ttwo"),
            ("a line folded twice", "A: one\r\n two\r\n   three"), ("a folded empty line", "A: one\r\n \r\n two"),
            ("a folded first line", " A: one"), ("a name alone", "A"), ("an empty name", ": one"),
            ("only a colon", ":"), ("a space before the colon", "A : one"), ("a tab before the colon", "A\t: one"),
            ("a space in the name", "A B: one"), ("a NUL in the name", "A\0B: one"), ("a NUL in the value", "A: o\0ne"),
            ("a name of 8 bits", "\u{E9}: one"), ("a value of 8 bits", "A: \u{E9}\u{FF}"),
            ("controls in the value", "A: \u{1}\u{7F}\u{8}"), ("a carriage return in the value", "A: o\rne"),
            ("an empty value", "A:"), ("no blank before the value", "A:one"), ("many blanks", "A:  \t one \t "),
            ("a field twice", "A: one\r\nA: two"), ("a status line among the fields", "HTTP/1.1 404 Not Found"),
            ("a long field", "A: " + String(repeating: "x", count: 5000)),
            ("a field that is too long", "A: " + String(repeating: "x", count: 110_000)),
            ("many fields", String(repeating: "A: one\r\n", count: 1000) + "B: two"),
            ("cookies", "Set-Cookie: a=b; Domain=com\r\nSet-Cookie: c=d; Max-Age=x"), ("a date", "Date: yesterday"),
            ("an empty location", "Location:"), ("an alternative", "Alt-Svc: h2=\":1\"; ma=x"),
            ("an upgrade", "Connection: Upgrade\r\nUpgrade: h2c"), ("keep-alive", "Connection: keep-alive"),
            ("close", "Connection: close"), ("a broken type", "Content-Type: ;;;=\""),
            ("a range that was not asked for", "Content-Range: bytes 0-4/5"),
        ]
        .map { name, line in .ok(name, [line, "Content-Length: 5"], "hello") }
        + [
            .ok("a folded length", ["Content-Length:", " 5"], "hello"),
            .ok("a length and a fold", ["Content-Length: 5", " 5"], "hello", .noLength),
            .ok("an end of the head with a space", ["Content-Length: 5", " "], "hello"),
            .ok(
                "too many lines",
                [String(repeating: "A: one\r\n", count: 4100) + "Content-Length: 5"],
                "hello",
                .tooManyLines
            ),
        ]
}
