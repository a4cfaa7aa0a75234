import Foundation
import HTTPHandlesTesting
import Testing

/// `http-handles watch`. What it draws is tested in HTTPHandlesTimelineTests.
@Suite("The tool's watch", .timeLimit(.minutes(5)))
struct ToolWatchTests {
    /// The output without times and numbers of connections.
    private func shape(_ output: String, _ port: Int) -> [String] {
        output.split(separator: "\n").map { line -> String in
            String(line).replacing(#/  [0-9]+\.[0-9]{3} ms$/#, with: "").replacing(#/#[0-9]+/#, with: "#n")
                .replacing(":\(port)", with: ":8080")
        }
    }

    @Test func `each sending is a line`() async throws {
        let server = try ToolTests.redirecting()
        let options = ["--count", "2", "--every", "0", "--noproxy", "*"]
        let run = try await TestProgram.run(["watch", server.url()] + options, of: "http-handles")
        #expect(run.status == 0)
        #expect(
            shape(run.output, server.port) == [
                "1  GET http://127.0.0.1:8080/  status 302, new connection #n to 127.0.0.1:8080, redirected",
                "2  -> http://127.0.0.1:8080/end  status 200, reused connection #n",
                "3  GET http://127.0.0.1:8080/  status 302, reused connection #n, redirected",
                "4  -> http://127.0.0.1:8080/end  status 200, reused connection #n",
                "round 2 of 2, 2 requests, 0 failed",
            ]
        )
    }

    @Test func `a script has several requests, and the last failure is the exit status`() async throws {
        let server = try ToolTests.redirecting()
        let closed = try freePorts(1)[0]
        let scratch = try Scratch()
        let first = "# requests\nDELETE \(server.url("/end"))\n"
        let text = first + "http://127.0.0.1:\(closed)/\n127.0.0.1:\(server.port)/end\n"
        let script = try scratch.file("script", text.utf8)
        let options = ["--script", script, "--count", "1", "--noproxy", "*"]
        let run = try await TestProgram.run(["watch"] + options, of: "http-handles")
        #expect(run.status == 7)
        #expect(
            shape(run.output.replacing(":\(closed)", with: ":1"), server.port) == [
                "1  DELETE http://127.0.0.1:8080/end  status 200, new connection #n to 127.0.0.1:8080",
                "2  GET http://127.0.0.1:1/  no response, new connection #n to 127.0.0.1:1, cannotConnect (12029)",
                "3  GET http://127.0.0.1:8080/end  status 200, reused connection #n",
                "round 1 of 1, 3 requests, 1 failed",
            ]
        )
    }

    @Test(arguments: [
        ([], "Either a URL or --script is needed."),
        (["http://a/", "--script", "x"], "Either a URL or --script is needed."),
        (["http://a/", "--count", "0"], "--count must be at least 1."),
        (["--script", "/missing"], "/missing cannot be read."),
        (["http://a b/"], "Error"),
    ])
    func `bad input is a usage error`(_ arguments: [String], _ text: String) async throws {
        let run = try await TestProgram.run(["watch"] + arguments, of: "http-handles")
        #expect(run.status == 2)
        #expect(run.output.contains(text), "\(run.output)")
    }

    /// The server ends the process with a signal while a request is pending.
    @Test(arguments: [false, true])
    func `an interrupt closes all handles and restores the terminal`(_ isTerminal: Bool) async throws {
        let scratch = try Scratch()
        let file = scratch.path("pid")
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if request.head.target == "/end" {
                    try connection.send(EventOrderTests.hello)
                } else {
                    let process = FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) }
                    guard let process, let number = pid_t(process.trimmingCharacters(in: .whitespacesAndNewlines))
                    else { return }
                    kill(number, SIGINT)
                    connection.waitForClose()
                }
            }
        }
        let requests = try scratch.file("script", "\(server.url("/end"))\n\(server.url("/never"))\n".utf8)
        let tool = TestProgram.path(of: "http-handles")
        let command = "echo $$ >'\(file)'; exec '\(tool)' watch --script '\(requests)' --noproxy '*'"
        let run =
            isTerminal
            ? try await TestProgram.run("/usr/bin/env", ["script", "-qec", command, scratch.path("typescript")])
            : try await TestProgram.run("/bin/sh", ["-c", command])
        #expect(run.status == 0)
        #expect(run.output.hasSuffix("round 1, 1 request, 0 failed\(isTerminal ? "\r" : "")\n"), "\(run.output)")
        guard isTerminal else { return }
        #expect(run.output.hasPrefix("\u{1B}[?1049h\u{1B}[?25l"))
        #expect(run.output.contains("\u{1B}[?25h\u{1B}[?1049l"))
        #expect(run.output.contains("http-handles watch: round 1, "))
    }
}
