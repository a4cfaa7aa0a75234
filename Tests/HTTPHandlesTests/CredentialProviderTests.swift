import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Credential providers", .timeLimit(.minutes(5)))
struct CredentialProviderTests {
    /// Returns the answers in order, then `nil`, and records the questions.
    final class Answers: Sendable {
        let questions = Record<AuthenticationQuestion>()
        private let answers: [Credentials]

        init(_ answers: Credentials...) {
            self.answers = answers
        }

        func session(_ options: [OptionSetting] = []) throws -> SessionHandle {
            let provider = CredentialProvider { [questions, answers] question in
                questions.note(question)
                let count = questions.all.count
                return count <= answers.count ? answers[count - 1] : nil
            }
            return try SessionHandle(options: options + [.set(.credentialProvider, to: provider)])
        }
    }

    static let basic = Credentials.basic(user: "u", password: "p")
    static let accepted = "Basic dTpw"

    @Test func `the provider gets the challenge, and its answer is sent on the same connection`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(
            ["Basic realm=\"r\"", "Bearer"],
            accepting: Self.accepted
        )
        let answers = Answers(Self.basic)
        let session = try answers.session()
        let request = try await session.openRequest(.get, server.server.url("/a?b"))
        let recorder = EventRecorder(of: request)
        try await request.complete()
        #expect(try await request.option(.credentials) == Self.basic)
        try request.close()
        let question = try #require(answers.questions.all.first)
        #expect(question.url == server.server.url("/a?b"))
        #expect(question.host == "127.0.0.1" && question.port == server.server.port && !question.isSecure)
        #expect(question.challenges.map(\.scheme) == [.basic, .bearer])
        #expect(question.challenges.first?.realm == "r")
        #expect(!question.hasRefusedCredentials)
        #expect(answers.questions.all.count == 1)
        let address = SocketAddress(host: "127.0.0.1", port: server.server.port)
        let sent = server.heads.map { StatusEvent.Kind.requestSent(bytes: $0.bytes.count) }
        try #require(sent.count == 2)
        let kinds = try await recorder.finish().map(\.kind)
        #expect(
            kinds == [
                .connectingToServer(address: address), .connectedToServer(address: address), .sendingRequest, sent[0],
                .sendRequestComplete, .receivingResponse, .responseReceived(status: 401, bytes: 109),
                .connectionReused(address: address), .sendingRequest, sent[1], .receivingResponse,
                .responseReceived(bytes: 38), .headersAvailable, .readComplete(bytes: 0), .handleClosing,
            ]
        )
    }

    @Test func `after nil the response is the 401 with its body`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""])
        let answers = Answers()
        let response = try await answers.session().get(server.server.url())
        #expect(response.head.status == 401)
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(answers.questions.all.count == 1)
    }

    @Test func `a Digest answer is performed by libcurl, with the body`() async throws {
        let server = try DigestServer(.sha256)
        let response = try await Answers(DigestServer.credentials).session()
            .fetch(.put, server.url(), body: .string("body"))
        #expect(response.head.status == 200)
        #expect(try await response.body.collectString(upTo: 10) == "body")
        #expect(server.requests.map { $0.body.count } == [4, 4, 4])
    }

    @Test func `after refused credentials the provider is called again, with hasRefusedCredentials`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""], accepting: Self.accepted)
        let answers = Answers(.basic(user: "u", password: "wrong"), Self.basic)
        #expect(try await answers.session().get(server.server.url()).head.status == 200)
        #expect(answers.questions.all.map(\.hasRefusedCredentials) == [false, true])
        let known = Answers(Self.basic)
        let session = try known.session([.set(.credentials, to: .basic(user: "u", password: "old"))])
        #expect(try await session.get(server.server.url()).head.status == 200)
        #expect(known.questions.all.map(\.hasRefusedCredentials) == [true])
    }

    @Test func `the same answer is not tried twice`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""])
        let answers = Answers(Self.basic, Self.basic, Self.basic)
        let response = try await answers.session().get(server.server.url())
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.authorizations == [nil, Self.accepted])
    }

    @Test func `with different answers the provider is called three times`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Bearer"])
        let answers = Answers(.bearer("1"), .bearer("2"), .bearer("3"), .bearer("4"))
        let response = try await answers.session().get(server.server.url())
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.authorizations == [nil, "Bearer 1", "Bearer 2", "Bearer 3"])
    }

    @Test func `an answer belongs to its request only`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""], accepting: Self.accepted)
        let session = try Answers(Self.basic).session()
        let request = try await session.openRequest(.get, server.server.url())
        try await request.complete()
        try await request.complete()
        #expect(try await session.get(server.server.url()).head.status == 401)
        #expect(server.authorizations == [nil, Self.accepted, Self.accepted, nil])
    }

    @Test func `an invalid answer is an error that hides the secret`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Bearer"])
        let session = try Answers(.bearer("s3cret s3cret")).session()
        let reason =
            "the provider's answer cannot be used: the token must be visible ASCII without spaces, and not empty"
        await #expect(throws: HandleError.invalidParameter(.receiveResponse, reason)) {
            try await session.get(server.server.url())
        }
    }

    @Test func `a streamed body is not sent again`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""], accepting: Self.accepted)
        let session = try Answers(Self.basic).session()
        let request = try await session.openRequest(.put, server.server.url())
        let error = HandleError(
            .resendRequest,
            .receiveResponse,
            reason: "the server asks for credentials, and a streamed body cannot be sent again"
        )
        for error in [error, nil] {
            try await request.send(.writes(length: 4))
            try await request.write(Array("body".utf8))
            try await request.finishWriting()
            if let error {
                await #expect(throws: error) { try await request.receiveResponse() }
            } else {
                // The request has credentials now.
                #expect(try await request.receiveResponse().status == 200)
            }
        }
        try request.close()
    }

    @Test func `another origin after a redirect has its own question and answer`() async throws {
        let there = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"there\""], accepting: Self.accepted)
        let authorizations = Record<String?>()
        let here = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                authorizations.note(request.head["Authorization"])
                let target = there.server.url("/end")
                try connection.send("HTTP/1.1 302 Found\r\nLocation: \(target)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let answers = Answers(Self.basic, Self.basic)
        let session = try answers.session([.set(.credentials, to: .bearer("here"))])
        let request = try await session.openRequest(.get, here.url())
        for _ in 0..<2 {
            try await request.send()
            #expect(try await request.receiveResponse().status == 200)
        }
        #expect(answers.questions.all.map(\.port) == [there.server.port, there.server.port])
        #expect(answers.questions.all.map(\.hasRefusedCredentials) == [false, false])
        #expect(there.authorizations == [nil, Self.accepted, nil, Self.accepted])
        #expect(authorizations.all == ["Bearer here", "Bearer here"])
    }

    @Test func `the provider is not called before receiveResponse`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""], accepting: Self.accepted)
        let answers = Answers(Self.basic)
        let session = try answers.session()
        let request = try await session.openRequest(.get, server.server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "responseReceived" }
        // A round trip of another request: the body of the 401 has arrived, too.
        let neighbour = try await session.openRequest(.get, server.server.url())
        try await neighbour.setOption(.credentialProvider, to: nil)
        try await neighbour.complete()
        #expect(answers.questions.all.isEmpty)
        #expect(try await request.receiveResponse().status == 200)
        #expect(answers.questions.all.count == 1)
    }

    // MARK: While the provider runs

    /// A provider that runs until it is cancelled, and a session with it.
    struct WaitingProvider {
        let asked = Gate()
        let cancelled = Gate()
        let questions = Record<AuthenticationQuestion>()

        var provider: CredentialProvider {
            CredentialProvider { [asked, cancelled, questions] question in
                questions.note(question)
                asked.open()
                for await _ in AsyncStream<Never>.makeStream().stream {}
                cancelled.open()
                return CredentialProviderTests.basic
            }
        }
    }

    @Test(arguments: [0, 10])
    func `closing cancels the provider and does not wait for it`(_ missing: Int) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 401 No\r\nContent-Length: \(2 + missing)\r\n\r\nno")
            connection.waitForClose()
        }
        let waiting = WaitingProvider()
        let session = try SessionHandle(options: [.set(.credentialProvider, to: waiting.provider)])
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        let receiving = Task.immediate { try await request.receiveResponse() }
        await waiting.asked.passed()
        try request.close()
        await #expect(throws: HandleError.cancelled(.receiveResponse)) { try await receiving.value }
        await request.closed()
        await waiting.cancelled.passed()
        let closing = missing > 0 ? ["closingConnection", "connectionClosed"] : []
        #expect(
            try await recorder.finish().map(\.kind.name).suffix(3 + closing.count)
                == ["responseReceived"] + closing + ["requestError", "handleClosing"]
        )
    }

    @Test func `the total time limit continues to run`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""])
        let waiting = WaitingProvider()
        let session = try SessionHandle(options: [
            .set(.credentialProvider, to: waiting.provider), .set(.totalTimeout, to: .milliseconds(100)),
        ])
        let request = try await session.openRequest(.get, server.server.url())
        // On a busy machine the limit may expire before the provider is called.
        while waiting.questions.all.isEmpty {
            let error = await #expect(throws: HandleError.self) {
                try await request.send()
                _ = try await request.receiveResponse()
            }
            #expect(error?.code == .timeout && error?.phase == .total)
        }
        await waiting.cancelled.passed()
        // A late answer is ignored, and the request can be sent again.
        try await request.setOption(.credentialProvider, to: nil)
        try await request.setOption(.totalTimeout, to: .zero)
        try await request.send()
        #expect(try await request.receiveResponse().status == 401)
        #expect(server.authorizations.allSatisfy { $0 == nil })
    }

    @Test func `a truncated body of the 401 while the provider runs is ignored`() async throws {
        let mayBreak = Gate()
        let server = try ScriptedServer { connection in
            let request = try connection.readRequest()
            if request?.head["Authorization"] != nil { return try connection.send(EventOrderTests.hello) }
            try connection.send("HTTP/1.1 401 No\r\nContent-Length: 10\r\n\r\nno")
            mayBreak.wait()
        }
        let (isBroken, answers) = (Gate(), [CredentialProviderTests.basic, nil])
        for answer in answers {
            let provider = CredentialProvider { _ in
                mayBreak.open()
                await isBroken.passed()
                return answer
            }
            let session = try SessionHandle(options: [.set(.credentialProvider, to: provider)])
            let request = try await session.openRequest(.get, server.url())
            let recorder = EventRecorder(of: request)
            try await request.send()
            let receiving = Task.immediate { try await request.receiveResponse() }
            try await recorder.first { $0.kind == .connectionClosed }
            isBroken.open()
            let head = try await receiving.value
            #expect(head.status == (answer == nil ? 401 : 200))
            if answer == nil {
                let error = await #expect(throws: HandleError.self) { try await request.body.collect(upTo: 10) }
                #expect(error?.code == .connectionError)
            } else {
                #expect(try await request.body.collect(upTo: 10) == Array("hello".utf8))
            }
        }
    }

    // MARK: Options that are set meanwhile

    @Test func `a provider that is removed after the 401 is still called in this exchange`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""], accepting: Self.accepted)
        let answers = Answers(Self.basic)
        let request = try await answers.session().openRequest(.get, server.server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "responseReceived" }
        try await request.setOption(.credentialProvider, to: nil)
        #expect(try await request.receiveResponse().status == 200)
        // The removal applies to the next exchange.
        #expect(try await request.option(.credentials) == nil)
        try await request.send()
        #expect(try await request.receiveResponse().status == 401)
        #expect(answers.questions.all.count == 1)
    }

    @Test func `an answer does not replace credentials that were set meanwhile`() async throws {
        let server = try AuthenticationTests.AuthenticatingServer(["Basic realm=\"r\""], accepting: Self.accepted)
        let (isAsked, mayAnswer) = (Gate(), Gate())
        let provider = CredentialProvider { _ in
            isAsked.open()
            await mayAnswer.passed()
            return Self.basic
        }
        let request = try await SessionHandle(options: [.set(.credentialProvider, to: provider)])
            .openRequest(.get, server.server.url())
        try await request.send()
        async let head = request.receiveResponse()
        await isAsked.passed()
        let others = Credentials.basic(user: "other", password: "other")
        try await request.setOption(.credentials, to: others)
        try await request.setOption(.userAgent, to: "later")
        mayAnswer.open()
        #expect(try await head.status == 200)
        #expect(try await request.option(.credentials) == others)
        #expect(server.heads.map { $0["User-Agent"] } == [nil, nil])
    }
}
