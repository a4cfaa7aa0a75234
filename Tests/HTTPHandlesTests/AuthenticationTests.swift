import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// All schemes except Digest, and the common behaviour of all schemes.
@Suite("Authentication schemes", .timeLimit(.minutes(5)))
struct AuthenticationTests {
    /// Accepts only one value of `Authorization`, and records all of them.
    final class AuthenticatingServer: Sendable {
        private let received = Record<ReceivedHead>()
        let server: ScriptedServer

        init(_ challenges: [String], accepting right: String? = nil) throws {
            let received = received
            let fields = challenges.map { "WWW-Authenticate: \($0)\r\n" }.joined()
            server = try ScriptedServer { connection in
                while let request = try connection.readRequest() {
                    received.note(request.head)
                    if let right, request.head["Authorization"] == right {
                        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    } else {
                        try connection.send("HTTP/1.1 401 Unauthorized\r\n\(fields)Content-Length: 2\r\n\r\nno")
                    }
                }
            }
        }

        var heads: [ReceivedHead] { received.all }
        var authorizations: [String?] { heads.map { $0["Authorization"] } }
    }

    static func session(_ credentials: Credentials?) throws -> SessionHandle {
        try SessionHandle(options: [.set(.credentials, to: credentials)])
    }

    static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    // MARK: Sent with the first request

    @Test(arguments: [("Aladdin", "open sesame"), ("Jürgen", "pässword:ß"), ("a", ""), ("a", "日本")])
    func `Basic sends user and password in UTF-8 with the first request`(_ user: String, _ password: String)
        async throws
    {
        let right = "Basic " + Self.base64("\(user):\(password)")
        let server = try AuthenticatingServer(["Basic realm=\"r\""], accepting: right)
        let session = try Self.session(.basic(user: user, password: password))
        #expect(try await session.get(server.server.url()).head.status == 200)
        #expect(server.authorizations == [right])
    }

    @Test func `Bearer sends the token with the first request`() async throws {
        let server = try AuthenticatingServer(["Bearer"], accepting: "Bearer mF_9.B5f-4.1JqM")
        let session = try Self.session(.bearer("mF_9.B5f-4.1JqM"))
        for _ in 0..<3 { #expect(try await session.get(server.server.url()).head.status == 200) }
        #expect(server.authorizations == Array(repeating: "Bearer mF_9.B5f-4.1JqM", count: 3))
    }

    @Test(arguments: [Credentials.basic(user: "u", password: "p"), .bearer("token")])
    func `after refused credentials the 401 is the response`(_ credentials: Credentials) async throws {
        let server = try AuthenticatingServer(["Bearer error=\"invalid_token\"", "Basic realm=\"r\""])
        let response = try await Self.session(credentials).get(server.server.url())
        #expect(response.head.status == 401)
        #expect(response.head.challenges.map(\.scheme) == [.bearer, .basic])
        #expect(response.head.challenges.map(\.parameters) == [["error": "invalid_token"], ["realm": "r"]])
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.authorizations.count == 1)
    }

    @Test func `nginx accepts Basic`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try Self.session(.basic(user: "Aladdin", password: "open sesame"))
        #expect(try await session.get(nginx.http("/locked")).body.collectString(upTo: 100) == "treasure")
        try await session.setOption(.httpVersions, to: .http2PriorKnowledge)
        #expect(try await session.get(nginx.clearHTTP2("/locked")).body.collectString(upTo: 100) == "treasure")
        try await session.setOption(.httpVersions, to: .automatic)
        try await session.setOption(.credentials, to: .basic(user: "Aladdin", password: "open"))
        let refused = try await session.get(nginx.http("/locked"))
        #expect(refused.head.status == 401)
        #expect(refused.head.challenges.first?.realm == "cave")
        try await session.setOption(.credentials, to: nil)
        #expect(try await session.get(nginx.http("/locked")).head.status == 401)
    }

    // MARK: Sent after a challenge

    @Test func `the strongest scheme that is offered is used`() async throws {
        let digest = try DigestServer()
        let credentials = Credentials.password(user: DigestServer.user, password: DigestServer.password)
        #expect(try await Self.session(credentials).get(digest.url()).head.status == 200)
        #expect(digest.requests.map { $0.head["Authorization"]?.hasPrefix("Digest ") } == [nil, true])
        let right = "Basic " + Self.base64("\(DigestServer.user):\(DigestServer.password)")
        let basic = try AuthenticatingServer(["Negotiate", "Basic realm=\"r\""], accepting: right)
        #expect(try await Self.session(credentials).get(basic.server.url()).head.status == 200)
        #expect(basic.authorizations == [nil, right])
    }

    @Test func `a scheme that was not allowed is not used`() async throws {
        let server = try AuthenticatingServer([
            "Basic realm=\"r\"", "HOBA max-age=\"180\", challenge=\"16:MTEyMzEyMzEyMw==\"",
        ])
        let credentials = Credentials.password(user: "u", password: "p", schemes: [.digest, .ntlm])
        let response = try await Self.session(credentials).get(server.server.url())
        #expect(response.head.status == 401)
        #expect(response.head.challenges.map(\.scheme.rawValue) == ["basic", "hoba"])
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.authorizations == [nil])
    }

    /// The whole pool of easy handles is used with each of the credentials in turn.
    @Test func `credentials of earlier requests are not sent`() async throws {
        let server = try AuthenticatingServer(["Basic realm=\"r\""])
        let session = try Self.session(nil)
        func authorization(_ credentials: Credentials?) async throws -> String? {
            try await session.setOption(.credentials, to: credentials)
            _ = try await session.get(server.server.url()).body.collect(upTo: 10)
            return server.authorizations.last ?? nil
        }
        for _ in 0..<2 {
            #expect(try await authorization(.basic(user: "a", password: "1")) == "Basic " + Self.base64("a:1"))
            #expect(try await authorization(.digest(user: "b", password: "2")) == nil)
            #expect(try await authorization(.bearer("token")) == "Bearer token")
            #expect(try await authorization(nil) == nil)
            #expect(try await authorization(.basic(user: "c", password: "3")) == "Basic " + Self.base64("c:3"))
        }
    }

    @Test func `an Authorization field of the caller replaces the credentials`() async throws {
        let server = try AuthenticatingServer(["Basic realm=\"r\""])
        let provider = CredentialProvider { _ in
            Issue.record("asked")
            return nil
        }
        let session = try Self.session(.basic(user: "u", password: "p"))
        try await session.setOption(.credentialProvider, to: provider)
        let response = try await session.get(server.server.url(), headerFields: [.authorization: "Own thing"])
        #expect(response.head.status == 401)
        #expect(server.authorizations == ["Own thing"])
    }

    @Test func `Negotiate without a ticket leaves the 401`() async throws {
        let server = try AuthenticatingServer(["Negotiate"])
        let session = try Self.session(.negotiate)
        guard try await session.option(.linkedLibrary).has(.negotiate) else { return }
        let response = try await session.get(server.server.url())
        #expect(response.head.status == 401)
        #expect(response.head.challenges.map(\.scheme) == [.negotiate])
        #expect(server.authorizations.allSatisfy { $0 == nil })
    }

    @Test(arguments: [LinkedLibrary.Feature.ntlm, .negotiate])
    func `a scheme that libcurl does not support is an error with its name`(_ feature: LinkedLibrary.Feature)
        async throws
    {
        let session = try Self.session(feature == .ntlm ? .ntlm(user: "u", password: "s3cret") : .negotiate)
        let library = try await session.option(.linkedLibrary)
        guard !library.has(feature) else { return }
        let reason = "libcurl \(library.version) was built without authentication by \(feature)"
        await #expect(throws: HandleError(.notSupported, .sendRequest, reason: reason)) {
            try await session.get("http://127.0.0.1:9/")
        }
    }

    // MARK: Secrets

    static let unusable: [(Credentials, String)] = [
        (.basic(user: "s3cret\r\nX: y", password: "p"), "the user name or the password contains a control character"),
        (.digest(user: "u", password: "s3cret\0"), "the user name or the password contains a control character"),
        (
            .basic(user: "s3cret:", password: "s3cret"),
            "the user name contains a colon, which the scheme basic does not allow"
        ),
        (
            .basic(user: "s3cret:\u{301}", password: "s3cret"),
            "the user name contains a colon, which the scheme basic does not allow"
        ),
        (.bearer("s3cret s3cret"), "the token must be visible ASCII without spaces, and not empty"),
        (.bearer(""), "the token must be visible ASCII without spaces, and not empty"),
        (
            .password(user: "u", password: "s3cret", schemes: [.bearer]),
            "the scheme bearer does not use a password"
        ),
        (.password(user: "u", password: "s3cret", schemes: []), "there must be at least one scheme"),
    ]

    @Test(arguments: unusable)
    func `invalid credentials are refused, and the error hides them`(
        _ credentials: Credentials,
        _ problem: String
    ) async throws {
        let reason = "credentials: \(problem)"
        #expect(throws: HandleError(.invalidParameter, .openSession, reason: reason)) {
            try Self.session(credentials)
        }
        let session = try Self.session(nil)
        await #expect(throws: HandleError(.invalidParameter, .setOption, reason: reason)) {
            try await session.setOption(.credentials, to: credentials)
        }
    }

    @Test func `no description contains a secret`() async throws {
        var text = ""
        for credentials in [
            Credentials.basic(user: "s3cret", password: "s3cret"), .digest(user: "s3cret", password: "s3cret"),
            .bearer("s3cret"),
        ] {
            text += "\(credentials) \(String(reflecting: credentials)) \(String(describing: Optional(credentials)))"
            dump(credentials, to: &text)
            dump(OptionSetting.set(.credentials, to: credentials), to: &text)
            let server = try DigestServer()
            let session = try Self.session(credentials)
            let recorder = EventRecorder(of: session, scope: .tree)
            let response = try await session.get(server.url())
            dump(response.head, to: &text)
            let stream = AsyncStream<[UInt8]> { stream in
                stream.yield([1])
                stream.finish()
            }
            do {
                _ = try await session.fetch(.post, server.url(), body: .stream(stream))
            } catch {
                text += "\(error)"
                dump(error, to: &text)
            }
            do {
                _ = try await session.get("http://s3cret:s3cret@127.0.0.1:1/")
            } catch {
                text += "\(error)"
            }
            try session.closeAll()
            for event in try await recorder.finish() {
                text += "\(event)"
                dump(event, to: &text)
            }
        }
        #expect(text.contains("it contains credentials"))
        #expect(!text.contains("s3cret"))
        #expect(!text.contains(Self.base64("s3cret:s3cret")))
    }
}
