import HTTPHandles
import HTTPHandlesTesting
import HTTPHandlesTimeline
import Testing

/// `--timing` and `--report` of the tool. What they draw is tested in HTTPHandlesTimelineTests.
@Suite("Waterfalls of the tool", .timeLimit(.minutes(5)))
struct ToolTimingTests {
    private static func run(_ arguments: [String], in locale: String = "C") async throws -> TestProgram {
        let environment = ["LC_ALL=\(locale)", "COLUMNS=60"]
        return try await TestProgram.run(
            "/usr/bin/env",
            environment + [TestProgram.path(of: "http-handles")] + arguments
        )
    }

    /// The output without times and bars.
    private func shape(_ output: String, _ ports: Int...) -> [String] {
        output.split(separator: "\n").map { line -> String in
            var text = String(line).replacing(#/ *[0-9]+\.[0-9]{3} ms( \|.*\|)?/#, with: "")
            for (index, port) in ports.enumerated() { text = text.replacing(":\(port)", with: ":\(8080 + index)") }
            return text.replacing(#/ +$/#, with: "").replacing(/#[0-9]+/, with: "#n")
        }
    }

    @Test func `all hops of all transfers are drawn, without secrets`() async throws {
        let other = try ToolTests.redirecting()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let target = request.head.target == "/" ? "/next" : "http://127.0.0.1:\(other.port)/end?key=s3cret"
                try connection.send("HTTP/1.1 302 Found\r\nLocation: \(target)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let urls = [server.url(), other.url("/end?key=s3cret")]
        let scratch = try Scratch()
        let files = ["-o", scratch.path("1"), "-o", scratch.path("2")]
        let run = try await Self.run(["--timing"] + files + urls)
        #expect(run.status == 0)
        #expect(
            shape(run.output, server.port, other.port) == [
                "1  GET http://127.0.0.1:8080/",
                "   status 302, new connection #n to 127.0.0.1:8080, redirected", "   connect", "   request sent",
                "   waiting", "   receiving", "2  -> http://127.0.0.1:8080/next",
                "   status 302, reused connection #n, redirected", "   request sent", "   waiting", "   receiving",
                "3  -> http://127.0.0.1:8081/end?key=(redacted)",
                "   status 200, new connection #n to 127.0.0.1:8081", "   connect", "   request sent", "   waiting",
                "   receiving", "4  GET http://127.0.0.1:8081/end?key=(redacted)",
                "   status 200, reused connection #n", "   request sent", "   waiting", "   receiving", "   total",
            ]
        )
    }

    @Test func `a failure is drawn up to where it happened, and its error is the last line`() async throws {
        let port = try freePorts(1)[0]
        let run = try await Self.run(["--timing", "http://127.0.0.1:\(port)/"])
        #expect(run.status == 7)
        let lines = shape(run.output, port)
        #expect(lines.last?.hasPrefix("error: cannotConnect (12029)") == true)
        #expect(
            lines.dropLast() == [
                "1  GET http://127.0.0.1:8080/",
                "   no response, new connection #n to 127.0.0.1:8080, cannotConnect (12029)",
                "   connect", "   total",
            ]
        )
    }

    @Test(arguments: [("C", "=", "|"), ("C.UTF-8", "\u{2588}", "\u{2502}")])
    func `the locale decides about ASCII, and COLUMNS about the width`(_ locale: String, _ bar: String, _ edge: String)
        async throws
    {
        let server = try ToolTests.redirecting()
        let scratch = try Scratch()
        let run = try await Self.run([server.url("/end"), "--timing", "-o", scratch.path("body")], in: locale)
        let bars = run.output.split(separator: "\n").filter { $0.hasSuffix(edge) }
        #expect(bars.count == 4)
        #expect(bars.allSatisfy { $0.count == 59 && $0.contains(bar) })
    }

    @Test func `no control bytes of a server get to the terminal`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                let escape = "\u{1B}[31m\u{9B}2J\u{202E}"
                try connection.send(
                    "HTTP/1.1 302 F\(escape)\r\nX-A: \(escape)\r\nLocation: ftp://\(escape)/\r\nContent-Length: 0\r\n\r\n"
                )
            }
        }
        let options = ["--timing", "-v", "--events", "text"]
        let run = try await TestProgram.run(["get", server.url()] + options, of: "http-handles")
        #expect(run.status != 0)
        #expect(run.output.contains("\\u{1b}[31m"))
        #expect(TerminalText.escaped(run.output) == run.output)
    }

    @Test func `the report is one page, whatever the server sends`() async throws {
        let hostile = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>&"
        let sent = hostile + "\u{1B}[31m\u{202E}"
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isFirst = request.head.target.hasPrefix("/first")
                let start = isFirst ? "302 \(sent)\r\nLocation: /'\"><b>?key=s3cret" : "200 OK"
                try connection.send(
                    "HTTP/1.1 \(start)\r\nX-A: \(sent)\r\nContent-Type: \(sent)\r\nContent-Length: 2\r\n\r\nhi"
                )
            }
        }
        let scratch = try Scratch()
        let file = scratch.path("report.html")
        let arguments = [
            "get", server.url("/first?key=s3cret"), "-H", "X-Key: \(hostile)", "-H", "Cookie: a=s3cret",
        ]
        let files = ["--report", file, "-o", scratch.path("body")]
        let run = try await TestProgram.run(arguments + files, of: "http-handles")
        #expect(run.status == 0, "\(run.output)")
        #expect(try scratch.mode("report.html") == 0o600)
        let page = String(decoding: try #require(scratch.contents("report.html")), as: UTF8.self)
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
        #expect(
            !page.contains("<script") && !page.contains("<img") && !page.contains("<b>") && !page.contains("s3cret")
        )
        #expect(
            page.contains(
                "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=alert(2)&gt;&amp;"
            )
        )
        #expect(TerminalText.escaped(page) == page)
        #expect(!page.contains("http-equiv=\"refresh\"") && !page.contains("href=") && !page.contains("src=\""))
        #expect(page.contains("default-src 'none'; style-src '\(ReportStyle.hash)'"))
    }

    @Test func `the policy of a report allows its style only`() {
        let hexadecimal = MessageDigest.sha256(ReportStyle.text)
        let bytes = stride(from: 0, to: 64, by: 2).map { index in
            UInt8(hexadecimal.dropFirst(index).prefix(2), radix: 16) ?? 0
        }
        #expect(ReportStyle.hash == "sha256-\(base64(bytes))")
    }
}
