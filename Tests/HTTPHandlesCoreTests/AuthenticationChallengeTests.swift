import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Authentication challenges")
struct AuthenticationChallengeTests {
    private static func basic(_ realm: String) -> AuthenticationChallenge {
        AuthenticationChallenge(scheme: .basic, parameters: ["realm": realm])
    }

    static let fields: [(String, [AuthenticationChallenge])] = [
        ("Basic realm=\"simple\"", [basic("simple")]),
        ("BASIC Realm = simple", [basic("simple")]),
        ("Basic realm=\"a, b=\\\"c\\\"\"", [basic("a, b=\"c\"")]),
        ("Basic realm=\"\", realm=\"second\"", [basic("")]),
        ("Basic realm=\"open", [basic("open")]),
        ("NTLM", [AuthenticationChallenge(scheme: .ntlm)]),
        ("Negotiate oRQwEqADCgEA==", [AuthenticationChallenge(scheme: .negotiate, token: "oRQwEqADCgEA==")]),
        ("NTLM, Basic realm=x", [AuthenticationChallenge(scheme: .ntlm), basic("x")]),
        ("Bearer, , Basic realm=x,", [AuthenticationChallenge(scheme: .bearer), basic("x")]),
        (
            "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
            [
                AuthenticationChallenge(
                    scheme: AuthenticationScheme(rawValue: "newauth"),
                    parameters: ["realm": "apps", "type": "1", "title": "Login to \"apps\""]
                ),
                basic("simple"),
            ]
        ),
        ("", []), (",,", []), ("realm=x", []), ("\"quoted\"", []), ("(what), Basic realm=x", [basic("x")]),
    ]

    @Test(arguments: fields)
    func `are read from a field`(_ field: String, _ challenges: [AuthenticationChallenge]) {
        #expect(AuthenticationChallenge.all(in: field) == challenges)
    }

    @Test func `are read from several fields`() {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .wwwAuthenticate, value: "NTLM"))
        fields.append(HTTPField(name: .wwwAuthenticate, value: "Basic realm=x"))
        let challenges = AuthenticationChallenge.all(in: fields)
        #expect(challenges == [AuthenticationChallenge(scheme: .ntlm), Self.basic("x")])
        #expect(challenges.map(\.realm) == [nil, "x"])
    }

    /// For any input, every byte is scanned once.
    @Test func `parsing takes linear time`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("aB1=\",\\ \t/(~é")
        for _ in 0..<2000 {
            let text = String((0..<30).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
            #expect(AuthenticationChallenge.all(in: text).count <= 30)
        }
    }

    @Test func `credentials go to one origin`() {
        var values = OptionValues()
        values.credentials = .bearer("token")
        #expect(OptionSnapshot(values).forAnotherOrigin.values == OptionValues())
    }
}
