import HTTPHandlesCommandLine
import Testing

@Suite("Netrc files")
struct NetrcTests {
    static let text = """
        # comment
        machine a.example login ann password "s3 \\"cr\\\\et\\n"
        machine B.example
            login bob
            password
            pw
        macdef init
        machine hidden login x password y

        machine a.example login eve password other account main
        machine empty
        default login anonymous password guest
        """

    @Test(
        arguments: [
            ("a.example", nil, "ann", "s3 \"cr\\et\n"), ("A.EXAMPLE", nil, "ann", "s3 \"cr\\et\n"),
            ("a.example", "eve", "eve", "other"), ("b.example", nil, "bob", "pw"), ("empty", nil, "", ""),
            ("hidden", nil, "anonymous", "guest"), ("c", "anonymous", "anonymous", "guest"),
        ] as [(String, String?, String, String)]
    )
    func logins(_ host: String, _ user: String?, _ name: String, _ password: String) throws {
        #expect(try Netrc(Self.text).login(for: host, user: user) == Netrc.Login(user: name, password: password))
    }

    @Test func `there is none`() throws {
        #expect(try Netrc(Self.text).login(for: "c", user: "carol") == nil)
        #expect(try Netrc("").login(for: "c") == nil)
        #expect(try Netrc("machine a login b password c").login(for: "b") == nil)
    }

    @Test(arguments: ["machine", "login", "login x", "password x", "x", "machine a login \"b", "machine a login b c"])
    func refused(_ text: String) {
        #expect(throws: SyntaxError.self) { try Netrc(text) }
    }
}
