import Foundation
import HTTPHandlesTesting
import Testing

/// The output of the tool, and its failures, compared with the curl command.
@Suite("Output of the tool", .timeLimit(.minutes(5)))
struct ToolOutputTests {
    static let curl = ["curl", "-q", "-s", "--noproxy", "*"]
    static var tool: [String] { [TestProgram.path(of: "http-handles"), "get"] }

    /// Runs a script in a new folder; `"$@"` is a program with a URL as its last argument.
    static func run(_ script: String, _ program: [String], _ url: String) async throws -> TestProgram {
        let scratch = try Scratch()
        return try await TestProgram.run(
            "/bin/sh",
            ["-c", #"cd "$0" && umask 022 && { "# + script + "\n}", scratch.folder] + program + [url]
        )
    }

    static func server(_ body: [UInt8] = Array("hello".utf8)) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                try connection.send(body)
            }
        }
    }

    /// The content of the folder afterwards, with the output.
    static let listing = #"""
        for name in *; do
            stat -c '%N is a %F with mode %a' "$name"
            if [ -f "$name" ]; then cat "$name"; echo; fi
        done
        """#

    static let isRoot = geteuid() == 0

    @Test(arguments: [
        // The kind of `out` before, and the line with the location of the body afterwards.
        ":", "printf 'longer than the body' >out; chmod 600 out",
        "printf 'longer than the body' >there; ln -s there out",
        "ln -s there out", "ln out there 2>errors; printf old >there; ln there out", "mkfifo out; cat out >there &",
        "mkfifo there; ln -s there out; cat there >read &", "mkdir out",
        isRoot ? "mknod out c 1 3" : "ln -s /dev/null out",
        isRoot ? "mknod out c 1 7" : "ln -s /dev/full out",
    ])
    func `-o writes in place like curl`(_ preparation: String) async throws {
        let server = try Self.server()
        let script = """
            \(preparation)
            "$@" -o out 2>errors; if [ $? = 0 ]; then echo written; else echo failed; fi
            wait; rm -f errors
            \(Self.listing)
            """
        let theirs = try await Self.run(script, Self.curl, server.url())
        let ours = try await Self.run(script, Self.tool, server.url())
        #expect(ours.output == theirs.output)
        let isSeen = !["dir", "mknod", "null", "full"].contains { preparation.contains($0) }
        #expect(ours.output.contains("hello") == isSeen)
    }

    @Test func `-o can be a terminal`() async throws {
        let server = try Self.server()
        let script = #"script -qec "'$1' get '$3' -o \$(tty)" typescript"#
        let run = try await Self.run(script, Self.tool, server.url())
        #expect(run.status == 0)
        #expect(run.output.contains("hello"))
    }

    @Test(arguments: [(["-o", "-"], "hello"), (["--include"], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")])
    func `standard output`(_ options: [String], _ output: String) async throws {
        let server = try Self.server()
        let run = try await Self.run(#""$@" "# + options.joined(separator: " "), Self.tool, server.url())
        #expect(run.status == 0)
        #expect(run.output == output)
    }

    static let full = "error: fileNotWritable (29): standard output cannot be written: No space left on device\n"
    static let broken = "error: fileNotWritable (29): standard output cannot be written: Broken pipe\n"
    static let closed = "error: fileNotWritable (29): standard output cannot be written: Bad file descriptor\n"

    @Test(arguments: [
        (#""$@" >/dev/full"#, full), (#""$@" --include >/dev/full"#, full), (#""$@" >&-"#, closed),
    ])
    func `an output that cannot be written ends the request with an error`(_ script: String, _ error: String)
        async throws
    {
        // More than a pipe buffers.
        let server = try Self.server([UInt8](repeating: 0x61, count: 4 << 20))
        let run = try await Self.run(script, Self.tool, server.url())
        #expect(run.status == 23)
        #expect(run.output == error)
    }

    @Test func `the reader of a pipe may close it`() async throws {
        let server = try Self.server([UInt8](repeating: 0x61, count: 4 << 20))
        let script = #"{ "$@" 2>errors; echo $? >status; } | head -c 1; echo; cat status errors"#
        let ours = try await Self.run(script, Self.tool, server.url())
        #expect(ours.output == "a\n23\n" + Self.broken)
        let theirs = try await Self.run(script, Self.curl, server.url())
        #expect(theirs.output == "a\n23\n")
    }

    /// Like a full disk: the size of files is limited to 64 KiB.
    static let limited = "trap '' XFSZ; ulimit -f 128; "

    /// ThreadSanitizer maps its memory from a file, which the limit would truncate.
    static let canLimitFiles = ProcessInfo.processInfo.environment["HTTP_HANDLES_THREAD_SANITIZER"] == nil

    @Test(
        .enabled(if: canLimitFiles),
        arguments: [
            ("", ["-o", "out"], "", "out"),
            ("printf 'what was there' >out; ", ["-o", "out"], "", "out"),
            ("printf 'what was there' >there; ln -s there out; ", ["-o", "out"], "out there\n", "out"),
            (
                "printf 'what was there' >out; ", ["-o", "out", "-C", "-"], "out out.partial out.partial.version\n",
                "out.partial"
            ),
        ]
    )
    func `an incomplete file is removed`(
        _ preparation: String,
        _ options: [String],
        _ names: String,
        _ name: String
    ) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: \(4 << 20)\r\n\r\n")
            try connection.send([UInt8](repeating: 0x61, count: 4 << 20))
        }
        let script =
            preparation + Self.limited + #""$@" "# + options.joined(separator: " ")
            + "; echo $?; echo * | grep out; if [ -e out ]; then head -c 20 out; fi"
        let run = try await Self.run(script, Self.tool, server.url())
        let lines = run.output.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        // With -C the folder has other files, too.
        #expect(lines.first?.hasPrefix("error: fileNotWritable (29): the file ") == true)
        #expect(lines.first?.hasSuffix("\(name) cannot be written: File too large") == true)
        let rest = options.contains("-C") ? ["what was there"] : []
        #expect(Array(lines.dropFirst()) == ["23"] + names.split(separator: "\n").map(String.init) + rest)
    }

    @Test func `a standard error that cannot be written has no effect`() async throws {
        let server = try Self.server()
        for script in [#""$@" --events json --timing 2>/dev/full"#, #""$@" -o out --events text 2>&-; cat out"#] {
            let run = try await Self.run(script, Self.tool, server.url())
            #expect(run.status == 0)
            #expect(run.output == "hello")
        }
    }

    @Test func `help and a cookie jar on a full device`() async throws {
        let server = try Self.server()
        let help = try await Self.run("$1 --help >/dev/full", Self.tool, server.url())
        #expect(help.status == 23)
        let jar = try await Self.run(#""$@" -o out -c - >/dev/full; echo $?"#, Self.tool, server.url())
        #expect(
            jar.output
                == "warning: the cookies could not be saved: standard output cannot be written: No space left on device\n0\n"
        )
    }

    @Test(arguments: ["--har", "-c"])
    func `files with secrets are readable by their owner only, and replace only regular files`(_ option: String)
        async throws
    {
        let server = try Self.server()
        let script = """
            mkfifo pipe; cat pipe >piped & printf old >file; chmod 644 file; printf old >there; ln -s there link
            for name in new file link pipe; do "$@" -o out \(option) $name || echo failed; done; wait
            stat -c '%n is a %F with mode %a' new file link there pipe; [ -s new ] && [ -s piped ] && cmp new there
            """
        let run = try await Self.run(
            option == "-c" ? script : script.replacing("&& cmp new there", with: ""),
            Self.tool,
            server.url()
        )
        #expect(
            run.output == """
                new is a regular file with mode 600
                file is a regular file with mode 600
                link is a symbolic link with mode 777
                there is a regular file with mode 600
                pipe is a fifo with mode 644

                """
        )
        #expect(run.status == 0)
    }

    @Test(arguments: ["text", "json"])
    func `events are printed without the values of queries`(_ format: String) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isFirst = request.head.target.hasPrefix("/first")
                let early = "HTTP/1.1 103 Early\r\nSet-Cookie: a=s3cret\r\n\r\n"
                let head = isFirst ? "302 Found\r\nLocation: /end?key=s3cret" : "200 OK"
                try connection.send("\(early)HTTP/1.1 \(head)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let run = try await Self.run(#""$@" --events "# + format, Self.tool, server.url("/first?key=s3cret"))
        #expect(run.status == 0)
        #expect(run.output.contains(server.url("/end?key=(redacted)")))
        #expect(!run.output.contains("s3cret"))
    }

    // MARK: Data

    @Test(arguments: [
        ["-d", "a=1"], ["-d", "a=1", "-d", "b=2"], ["-d", "a=1", "--data", "b=2", "-d", "c"], ["-d", "@file"],
        ["-d", "@file", "-d", "a=1", "-d", "@other"], ["-d", "@file", "-d", "@-"], ["-d", "-x"], ["-d", ""],
        ["-d", "a\nb"], ["--data-binary", "@file"], ["--data-binary", "@file", "--data-binary", "a\n"],
        ["--data-binary", "@-"], ["-X", "PUT", "-d", "a=1"],
    ])
    func `-d sends the same as curl`(_ options: [String]) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let type = request.head["content-type"] ?? "-"
                let text = "\(request.head.method) \(type) \(request.body)"
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
        let script = #"""
            printf 'f=1\r\n\nend\n' >file; printf 'o=\377' >other
            printf 'i=1\n' | "$@"
            """#
        let theirs = try await Self.run(script, Self.curl + options, server.url())
        let ours = try await Self.run(script, Self.tool + options, server.url())
        #expect(ours.output == theirs.output)
        #expect(ours.output.hasPrefix(options[0] == "-X" ? "PUT " : "POST "))
    }

    @Test(arguments: [["-d", "@missing"], ["-d", "a", "-F", "b=c"], ["-d", "@."]])
    func `data that cannot be read are a usage error`(_ options: [String]) async throws {
        let run = try await Self.run(#""$@""#, Self.tool + options, "http://127.0.0.1:1/")
        #expect(run.status == 2)
    }

    @Test func `a standard input that cannot be read is a usage error`() async throws {
        let run = try await Self.run(#""$@" -d @- <."#, Self.tool, "http://127.0.0.1:1/")
        #expect(run.status == 2)
        #expect(run.output.contains("Standard input cannot be read."))
    }
}
