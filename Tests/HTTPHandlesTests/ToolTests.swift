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
    func `redirects are followed unless asked not to`(_ options: [String], _ body: String) async throws {
        let server = try Self.redirecting()
        let run = try await TestProgram.run(["get", server.url()] + options, of: "http-handles")
        #expect(run.status == 0)
        // After what the loader may have to say of a libcurl that is not the system's.
        #expect(run.output.hasSuffix(body))
    }

    @Test(arguments: [
        (["-u", "Mufasa:Circle of Life", "--digest"], "200"),
        (["-u", "Mufasa:Circle of Life", "--auth", "any"], "200"),
        (["--user", "Mufasa:wrong", "--auth", "digest"], "401"), (["-u", "Mufasa:Circle of Life"], "401"), ([], "401"),
    ])
    func `who the user says he is goes the way he says`(_ options: [String], _ status: String) async throws {
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
    func `credentials that make no sense are a usage error`(_ options: [String]) async throws {
        let run = try await TestProgram.run(["get", "http://127.0.0.1:1/"] + options, of: "http-handles")
        #expect(run.status == 2)
        #expect(!run.output.contains("s3cret"))
    }
}
