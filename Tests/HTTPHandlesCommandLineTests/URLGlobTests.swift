import HTTPHandlesCommandLine
import Testing

@Suite("Globs in URLs")
struct URLGlobTests {
    static func urls(_ text: String) throws(SyntaxError) -> [String] {
        let glob = try URLGlob(text)
        return (0..<min(glob.count, 100)).map { glob.url($0).url }
    }

    @Test(arguments: [
        ("http://a/", ["http://a/"]), ("", [""]), ("a{b,c}d", ["abd", "acd"]), ("{a}", ["a"]), ("{a,}", ["a", ""]),
        ("[1-3]", ["1", "2", "3"]), ("[08-10]", ["08", "09", "10"]), ("[1-9:4]", ["1", "5", "9"]), ("[7-7]", ["7"]),
        ("[a-e:2]", ["a", "c", "e"]), ("[X-Z]", ["X", "Y", "Z"]), ("[0-1]{x,y}", ["0x", "0y", "1x", "1y"]),
        ("{a,b}/[1-2]", ["a/1", "a/2", "b/1", "b/2"]), (#"\{a\}\[1\]"#, ["{a}[1]"]), (#"{\,,\}}"#, [",", "}"]),
        (#"a\b"#, [#"a\b"#]), ("http://[::1]:80/[1-2]", ["http://[::1]:80/1", "http://[::1]:80/2"]),
        ("[fe80::1%25eth0]", ["[fe80::1%25eth0]"]), ("a[]b", ["a[]b"]), ("é{ü,ö}", ["éü", "éö"]),
        ("[18446744073709551614-18446744073709551615]", ["18446744073709551614", "18446744073709551615"]),
    ])
    func urls(_ text: String, _ expected: [String]) throws {
        #expect(try Self.urls(text) == expected)
    }

    @Test(arguments: [
        "{", "{a", "a}", "]", "[", "[1-", "[1]", "[2-1]", "[a-1]", "[a-Z]", "[1-2:0]", "[1-2:x]", "[-]", "{}", "{a{b}}",
        "{a[1-2]}", "[1-18446744073709551616]", "[0-18446744073709551615]", #"{a\"#,
        "[1-999999999][1-999999999][1-999999999]", "[a-b:256]",
    ])
    func refused(_ text: String) {
        #expect(throws: SyntaxError.self) { try URLGlob(text) }
    }

    @Test func `a large range needs no memory`() throws {
        let glob = try URLGlob("[1-999999999]/[a-z]")
        #expect(glob.count == 999_999_999 * 26)
        #expect(glob.url(glob.count - 1) == ("999999999/z", ["999999999", "z"]))
    }

    @Test func `an error says where`() {
        let error = SyntaxError("ab[1-: at position 3 a bracket is not closed; -g turns globs off.")
        #expect(throws: error) { try URLGlob("ab[1-") }
    }

    @Test(arguments: [
        ("a", ["x"], "a"), ("#1", ["x"], "x"), ("#1_#2", ["x", "y"], "x_y"), ("#2", ["x"], "#2"), ("#0#", ["x"], "#0#"),
        ("#1", [], "#1"), ("##1", ["x"], "#x"), ("#12", ["x"], "#12"),
    ])
    func `names are filled in`(_ name: String, _ values: [String], _ expected: String) {
        #expect(URLGlob.fill(name, with: values) == expected)
    }
}
