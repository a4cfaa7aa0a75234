import HTTPHandlesCommandLine
import Testing

@Suite("Words of the command line")
struct CommandWordsTests {
    static let options = [
        KnownOption(["-s", "--silent"], takesValue: false), KnownOption(["-S", "--show-error"], takesValue: false),
        KnownOption(["-X", "--request"], takesValue: true), KnownOption(["-d", "--data"], takesValue: true),
        KnownOption(["-o", "--output"], takesValue: true), KnownOption(["-O", "--remote-name"], takesValue: false),
        KnownOption(["--url"], takesValue: true), KnownOption(["-K", "--config"], takesValue: true),
        KnownOption(["--no-redirects", "--no-location"], takesValue: false),
        KnownOption(["-L", "--location"], takesValue: false), KnownOption(["-#", "--progress-bar"], takesValue: false),
    ]

    static let files = [
        "conf": "silent\nurl = \"http://b/\"\n", "outer": "-X PUT\nconfig = conf\n", "loop": "config = loop\n",
        "unknown": "# comment\n\nnosuch\n", "missing": "request\n", "flag": "silent = yes\n", "open": "data = \"a\n",
        "blanks": "data = a b\n",
    ]

    static func rewrite(_ words: [String]) throws(SyntaxError) -> [String] {
        try CommandWords.rewrite(words, options) { file throws(SyntaxError) in
            guard let text = files[file] else { throw SyntaxError("\(file) cannot be read.") }
            return text
        }
    }

    @Test(arguments: [
        ([], []), (["-sS"], ["--silent", "--show-error"]), (["-XPOST"], ["--request=POST"]),
        (["-sXPOST", "u"], ["--silent", "--request=POST", "--", "u"]),
        (["-sX", "POST"], ["--silent", "--request=POST"]),
        (["u", "-d@file", "v"], ["--data=@file", "--", "u", "v"]), (["-d", "-x"], ["--data=-x"]),
        (["--data", "--silent"], ["--data=--silent"]), (["-d", ""], ["--data", ""]), (["--data=x"], ["--data=x"]),
        (["-o", "-"], ["--output=-"]), (["-O", "-o", "a"], ["--output", "", "--output=a"]),
        (["--url", "u", "v"], ["--", "u", "v"]), (["-s", "--no-silent"], []), (["--no-silent", "-s"], ["--silent"]),
        (["-s", "--no-silent", "-s"], ["--silent"]), (["--no-location"], ["--no-redirects"]),
        (["--", "-s", "--"], ["--", "-s", "--"]), (["-"], ["--", "-"]), (["-#s"], ["--progress-bar", "--silent"]),
        (["--nosuch", "-y", "-sy"], ["--nosuch", "-y", "--silent", "-y"]), (["--silent=x"], ["--silent=x"]),
        (["--no-data"], ["--no-data"]), (["-Kconf"], ["--silent", "--", "http://b/"]),
        (["u", "-K", "outer", "-S"], ["--request=PUT", "--silent", "--show-error", "--", "u", "http://b/"]),
    ])
    func rewritten(_ words: [String], _ expected: [String]) throws {
        #expect(try Self.rewrite(words) == expected)
    }

    @Test(arguments: [
        (["-X"], "-X needs a value."), (["--data"], "--data needs a value."), (["-K", "none"], "none cannot be read."),
        (["-K", "loop"], "loop: configuration files name each other."),
        (["-K", "unknown"], "unknown:3: there is no option --nosuch."),
        (["-K", "missing"], "missing:1: --request needs a value."),
        (["-K", "flag"], "flag:1: --silent takes no value."),
        (["-K", "open"], "open:1: the quotation marks are not closed."),
        (["-K", "blanks"], "blanks:1: a value with blanks must be in quotation marks."),
    ])
    func refused(_ words: [String], _ reason: String) {
        #expect(throws: SyntaxError(reason)) { try Self.rewrite(words) }
    }

    @Test func `lines of a configuration file`() throws {
        let text = """
            # a comment
            url = "http://a/"

              user-agent: "a \\"quoted\\" \\\\ \\t\\n\\r\\v\\x"  # behind it
            -d a=1
            --data "b = 2"
            silent
            output=file # a comment
            -X	POST\r
            header ""
            empty = # nothing
            """
        let file = try ConfigurationFile(text, name: "f")
        #expect(file.lines.map(\.number) == [2, 4, 5, 6, 7, 8, 9, 10, 11])
        #expect(
            file.lines.map(\.name) == [
                "--url", "--user-agent", "-d", "--data", "--silent", "--output", "-X", "--header", "--empty",
            ]
        )
        #expect(
            file.lines.map(\.value) == [
                "http://a/", "a \"quoted\" \\ \t\n\r\u{B}x", "a=1", "b = 2", nil, "file", "POST", "", nil,
            ]
        )
    }
}
