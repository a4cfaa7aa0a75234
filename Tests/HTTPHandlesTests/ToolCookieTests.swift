import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Compares `-b` and `-c` of the tool with those of the curl command.
@Suite("Cookies of the tool", .timeLimit(.minutes(5)))
struct ToolCookieTests {
    /// The `Cookie` field of each request, and the lines of the jar afterwards.
    struct Outcome: Hashable {
        var sent: [String?] = []
        var jar: [String]?
    }

    /// Newer versions of libcurl shorten what is longer than 400 days, to 400 days from the minute in which the cookie comes.
    static let expiry = Date(timeIntervalSinceNow: 100 * 86_400)

    static let expiryField: String = {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.string(from: expiry)
    }()

    /// `JAR` and `OTHER` stand for files; the second one exists.
    static let other =
        "#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t\(Int(expiry.timeIntervalSince1970))\tkept\tyes\nno cookie\n"

    static let runs: [[[String]]] = [
        [[]],
        [["-b", "x=y"]],
        [["-b", "x=y; z=1"]],
        [["--cookie", "x=y", "--cookie", "z=1"]],
        [["-b", ""]],
        [["-b", "MISSING"]],
        [["-b", "OTHER"]],
        [["-b", "OTHER", "-b", "x=y"]],
        [["-c", "JAR"]],
        [["-b", "x=y", "-c", "JAR"]],
        [["-b", "OTHER", "--cookie-jar", "JAR"]],
        [["-b", "JAR", "-c", "JAR"], ["-b", "JAR", "-c", "JAR"]],
        [["-c", "JAR"], ["-b", "JAR", "-b", "a=own"]],
    ]

    private func outcome(of runs: [[String]], _ program: (String, [String])) async throws -> Outcome {
        let sent = Record<String?>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                // curl 7.88.1 has no space between two -b.
                let field = request.head["Cookie"]?.replacing("; ", with: ";")
                sent.note(field.map { $0.split(separator: ";").sorted().joined(separator: "; ") })
                let set =
                    "Set-Cookie: a=1; Path=/; Expires=\(Self.expiryField)\r\nSet-Cookie: b=2; HttpOnly\r\n"
                let head = request.head.target == "/" ? "302 Found\r\nLocation: /end\r\n\(set)" : "200 OK\r\n"
                try connection.send("HTTP/1.1 \(head)Content-Length: 0\r\n\r\n")
            }
        }
        let scratch = try Scratch()
        let files = [
            "JAR": scratch.path("jar"), "OTHER": try scratch.file("other", Self.other.utf8),
            "MISSING": scratch.path("missing"),
        ]
        for options in runs {
            let run = try await TestProgram.run(
                program.0,
                program.1 + options.map { files[$0] ?? $0 } + ["-o", scratch.path("body"), server.url()]
            )
            #expect(run.status == 0, "\(options): \(run.output)")
        }
        let jar = scratch.contents("jar").map { bytes in
            String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
                .filter { !$0.hasPrefix("# ") }.sorted()
        }
        return Outcome(sent: sent.all, jar: jar)
    }

    @Test(arguments: runs)
    func `the same cookies are sent and stored as by curl`(_ runs: [[String]]) async throws {
        let curl = try await outcome(of: runs, ("/usr/bin/env", ["curl", "-q", "-s", "-L", "--noproxy", "*"]))
        let ours = try await outcome(of: runs, ("/usr/bin/env", [TestProgram.path(of: "http-handles"), "get"]))
        #expect(ours == curl)
        #expect(ours.sent.count == 2 * runs.count)
    }

    @Test func `a jar on standard output comes after the body, and also after a failure`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 9\r\n\r\nhello\n")
        }
        let run = try await TestProgram.run(["get", server.url(), "-c", "-"], of: "http-handles")
        #expect(run.status == 18)
        #expect(run.output.hasPrefix("hello\nerror: "))
        #expect(run.output.hasSuffix("\n# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1\n"))
    }

    @Test func `a jar that cannot be written is a warning, and one on standard input a usage error`() async throws {
        let server = try ToolTests.redirecting()
        let jar = try Scratch().path("no/where")
        let lost = try await TestProgram.run(["get", server.url("/end"), "-c", jar], of: "http-handles")
        #expect(lost.status == 0)
        #expect(lost.output.contains("warning: the cookies could not be saved: "))
        let input = try await TestProgram.run(["get", server.url("/end"), "-b", "-"], of: "http-handles")
        #expect(input.status == 2)
    }
}
