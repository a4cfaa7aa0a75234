import HTTPHandlesTesting
import Testing

/// The command-line tool, run as its users run it.
@Suite("The tool", .timeLimit(.minutes(5)))
struct ToolTests {
    static func redirecting() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let redirect = "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 3\r\n\r\nold"
                try connection.send(request.head.target == "/" ? redirect : EventOrderTests.hello)
            }
        }
    }

    @Test(arguments: [([], "hello"), (["--no-redirects"], "old")])
    func `redirects are followed by default`(_ options: [String], _ body: String) async throws {
        let server = try Self.redirecting()
        let run = try await TestProgram.run(["get", server.url()] + options, of: "http-handles")
        #expect(run.status == 0)
        // After possible warnings of the loader about another libcurl.
        #expect(run.output.hasSuffix(body))
    }

    @Test(arguments: [
        (["-u", "Mufasa:Circle of Life", "--digest"], "200"),
        (["-u", "Mufasa:Circle of Life", "--auth", "any"], "200"),
        (["--user", "Mufasa:wrong", "--auth", "digest"], "401"), (["-u", "Mufasa:Circle of Life"], "401"), ([], "401"),
    ])
    func `credentials are sent with the chosen scheme`(_ options: [String], _ status: String) async throws {
        let server = try DigestServer()
        let run = try await TestProgram.run(["get", server.url(), "--include"] + options, of: "http-handles")
        #expect(run.status == 0)
        #expect(run.output.contains("HTTP/1.1 \(status) "))
        #expect(!run.output.contains("Circle"))
    }

    @Test(arguments: [
        ["-u", "name"], ["--digest"], ["-u", "a:b", "--oauth2-bearer", "t"], ["-u", "a:b", "--basic", "--digest"],
        ["-u", "a:s3cret\n"],
    ])
    func `invalid credentials are a usage error`(_ options: [String]) async throws {
        let run = try await TestProgram.run(["get", "http://127.0.0.1:1/"] + options, of: "http-handles")
        #expect(run.status == 2)
        #expect(!run.output.contains("s3cret"))
    }

    @Test func `a truncated download is resumed`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                switch (request.head.target, request.head["range"]) {
                case ("/missing", _): try connection.send("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nbad")
                case (_, "bytes=4-"):
                    let head = "HTTP/1.1 206 Partial Content\r\nETag: \"1\"\r\nContent-Range: bytes 4-9/10\r\n"
                    try connection.send(head + "Content-Length: 6\r\n\r\n456789")
                default:
                    try connection.send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 10\r\n\r\n0123")
                    return
                }
            }
        }
        let scratch = try Scratch()
        let file = scratch.path("file")
        let broken = try await TestProgram.run(["get", server.url(), "-o", file, "-C", "-"], of: "http-handles")
        #expect(broken.status == 18)
        #expect(scratch.contents("file") == nil)
        let rest = try await TestProgram.run(["get", server.url(), "-C", "-", "-o", file], of: "http-handles")
        #expect(rest.status == 0)
        #expect(rest.output == "resumed after 4 bytes\n")
        #expect(scratch.contents("file") == Array("0123456789".utf8))
        #expect(scratch.names == ["file"])
        let missing = scratch.path("missing")
        let nothing = try await TestProgram.run(
            ["get", server.url("/missing"), "-o", missing, "--continue-at", "-"],
            of: "http-handles"
        )
        #expect(nothing.status == 0)
        #expect(nothing.output.hasPrefix("nothing was written: the status is 404"))
        #expect(scratch.names == ["file"])
    }

    @Test(arguments: [
        ["-C", "-"], ["-C", "5", "-o", "x"], ["-C", "-", "-o", "x", "-d", "y"], ["-C", "-", "-o", "x", "--include"],
    ])
    func `-C with conflicting options is a usage error`(_ options: [String]) async throws {
        let run = try await TestProgram.run(["get", "http://127.0.0.1:1/"] + options, of: "http-handles")
        #expect(run.status == 2)
    }

    @Test(arguments: [[], ["-C", "-"]])
    func `the progress of a file is shown on a terminal`(_ options: [String]) async throws {
        let server = try Self.redirecting()
        let scratch = try Scratch()
        let tool = TestProgram.path(of: "http-handles")
        let command = "'\(tool)' get \(server.url("/end")) -o \(scratch.path("file")) \(options.joined(separator: " "))"
        let run = try await TestProgram.run("/usr/bin/env", ["script", "-qec", command, scratch.path("typescript")])
        #expect(run.status == 0)
        #expect(run.output.contains("] 100 %  5 of 5 bytes"))
        #expect(scratch.contents("file") == Array("hello".utf8))
    }
}
