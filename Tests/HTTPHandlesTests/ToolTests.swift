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
}
