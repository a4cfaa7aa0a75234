import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Head decision")
struct HeadDecisionTests {
    static let origin = Origin(isSecure: true, host: "a", port: 443)

    static func url(_ path: String, _ origin: Origin = Self.origin) throws -> RequestURL {
        RequestURL(origin, try #require(RequestTarget(Array(path.utf8))))
    }

    /// The decision as a text with all its values.
    static func decision(
        _ status: Int,
        location: String? = "/b",
        _ method: HTTPRequest.Method = .get,
        headerFields: HTTPFields = [:],
        isBodyStreamed: Bool = false,
        redirects: Int = 0,
        credentialQuestions: Int = 0,
        target: Origin = Self.origin,
        _ change: (inout OptionValues) -> Void = { _ in }
    ) throws -> String {
        var values = OptionValues()
        change(&values)
        let context = HeadContext(
            message: RequestMessage(method: method, url: try url("/a"), headerFields: headerFields),
            isBodyStreamed: isBodyStreamed,
            options: OptionSnapshot(values),
            redirects: redirects,
            credentialQuestions: credentialQuestions
        )
        let decision = HeadDecision(HeaderBlock(bytes: Array("HTTP/1.1 \(status) X\r\n\r\n".utf8)), context) { _ in
            location.map { Array($0.utf8) }
        } resolve: { reference, base throws(HandleError) in
            guard base == context.message.url, let path = RequestTarget(reference) else {
                throw HandleError(.invalidURL, .receiveResponse, reason: "not a target")
            }
            return RequestURL(target, path)
        }
        return switch decision {
        case .deliver: "deliver"
        case .askForCredentials: "ask for credentials"
        case .follow(let next): "follow: \(text(next))"
        case .askDecider(let next): "ask the decider: \(text(next))"
        case .retry: "retry"
        case .refuse(let error): "\(error.code) \(error.reason)"
        }
    }

    private static func text(_ next: RedirectedRequest) -> String {
        let fields = next.message.headerFields.map { " \($0.name)" }.joined()
        return "\(next.message.method) \(next.message.url.text)\(fields)"
            + "\(next.keepsBody ? " with its body" : "")\(next.changesOrigin ? " elsewhere" : "")"
    }

    @Test func `a head is delivered by default`() throws {
        for status in [200, 204, 300, 304, 306, 401, 404, 407, 503] { #expect(try Self.decision(status) == "deliver") }
    }

    // MARK: Redirects

    @Test func `a redirect is followed with the method and the body that its status requires`() throws {
        #expect(try Self.decision(302) == "follow: GET https://a/b with its body")
        #expect(try Self.decision(303, .post) == "follow: GET https://a/b")
        #expect(try Self.decision(307, .post) == "follow: POST https://a/b with its body")
        let elsewhere = Origin(isSecure: true, host: "b", port: 443)
        #expect(
            try Self.decision(302, headerFields: [.authorization: "x", .accept: "y"], target: elsewhere)
                == "follow: GET https://b/b Accept with its body elsewhere"
        )
    }

    @Test func `a redirect without a target, or one that must not be followed, is delivered`() throws {
        #expect(try Self.decision(302, location: nil) == "deliver")
        #expect(try Self.decision(302, location: "") == "deliver")
        #expect(try Self.decision(302) { $0.redirectPolicy = .never } == "deliver")
    }

    @Test func `redirects are counted`() throws {
        #expect(try Self.decision(302, redirects: 9).hasPrefix("follow"))
        let error = "\(HandleErrorCode.redirectFailed) the server redirects more than 10 times"
        #expect(try Self.decision(302, redirects: 10) == error)
        // Before the target is checked.
        #expect(try Self.decision(302, location: "?", redirects: 10) == error)
        #expect(try Self.decision(302) { $0.maximumRedirects = 0 }.contains("more than 0 times"))
    }

    @Test func `a downgrade is refused unless it is allowed`() throws {
        let clear = Origin(isSecure: false, host: "a", port: 80)
        #expect(
            try Self.decision(302, location: "/b?secret", target: clear)
                == "\(HandleErrorCode.redirectFailed) a redirect from https to "
                + "\(Redaction.standard.url("http://a/b?secret")) is not allowed"
        )
        #expect(
            try Self.decision(302, target: clear) { $0.redirectPolicy = .always }
                == "follow: GET http://a/b with its body elsewhere"
        )
    }

    @Test func `a streamed body is not sent again`() throws {
        #expect(
            try Self.decision(307, .post, isBodyStreamed: true)
                == "\(HandleErrorCode.resendRequest) the server redirects to https://a/b, and a streamed body cannot be "
                + "sent again"
        )
        #expect(try Self.decision(303, .post, isBodyStreamed: true) == "follow: GET https://a/b")
    }

    @Test func `the decider is called for redirects that would be followed`() throws {
        func decided(_ status: Int, redirects: Int = 0) throws -> String {
            try Self.decision(status, redirects: redirects) { $0.redirectDecider = RedirectDecider { _ in .follow } }
        }
        #expect(try decided(302) == "ask the decider: GET https://a/b with its body")
        #expect(try decided(302, redirects: 10).contains("more than 10 times"))
        #expect(try decided(200) == "deliver")
    }

    // MARK: Credentials

    @Test func `the provider is called after a 401, at most three times`() throws {
        func asked(_ questions: Int, _ headerFields: HTTPFields = [:]) throws -> String {
            try Self.decision(401, headerFields: headerFields, credentialQuestions: questions) {
                $0.credentialProvider = CredentialProvider { _ in nil }
            }
        }
        for questions in 0..<3 { #expect(try asked(questions) == "ask for credentials") }
        #expect(try asked(3) == "deliver")
        // Not if the caller sets the field.
        #expect(try asked(0, [.authorization: "x"]) == "deliver")
    }

    // MARK: Retries

    @Test func `the retry policy applies to its statuses, and never to a redirect`() throws {
        func retried(_ status: Int, location: String? = nil) throws -> String {
            try Self.decision(status, location: location) { $0.retryPolicy = RetryPolicy(statuses: [302, 401, 503]) }
        }
        #expect(try retried(503) == "retry")
        #expect(try retried(401) == "retry")
        #expect(try retried(500) == "deliver")
        #expect(try retried(302) == "deliver")
    }
}
