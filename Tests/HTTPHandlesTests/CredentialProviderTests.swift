import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Credential providers", .timeLimit(.minutes(5)))
struct CredentialProviderTests {
    /// Gives the answers one after the other, then none, and keeps the questions.
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

    @Test func `the provider is asked with the challenge, and its answer goes on the same connection`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\"", "Bearer"], accepting: Self.accepted)
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
        #expect(!question.hasRefused)
        #expect(answers.questions.all.count == 1)
        let address = SocketAddress(host: "127.0.0.1", port: server.server.port)
        let sent = server.heads.map { StatusEvent.Kind.requestSent(bytes: $0.bytes.count) }
        try #require(sent.count == 2)
        let kinds = try await recorder.finish().map(\.kind)
        #expect(
            kinds == [
                .connectingToServer(address: address), .connectedToServer(address: address), .sendingRequest, sent[0],
                .sendRequestComplete, .receivingResponse, .responseReceived(bytes: 109),
                .connectionReused(address: address), .sendingRequest, sent[1], .receivingResponse,
                .responseReceived(bytes: 38), .headersAvailable, .readComplete(bytes: 0), .handleClosing,
            ]
        )
    }

    @Test func `nil hands out the 401 with its body`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""])
        let answers = Answers()
        let response = try await answers.session().get(server.server.url())
        #expect(response.head.status == 401)
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(answers.questions.all.count == 1)
    }

    @Test func `an answer of Digest is libcurl's to carry out, with the body`() async throws {
        let server = try DigestServer(.sha256)
        let response = try await Answers(DigestServer.credentials).session()
            .fetch(.put, server.url(), body: .string("body"))
        #expect(response.head.status == 200)
        #expect(try await response.body.collectString(upTo: 10) == "body")
        #expect(server.requests.map { $0.body.count } == [4, 4, 4])
    }

    @Test func `who was refused is asked again and told so`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""], accepting: Self.accepted)
        let answers = Answers(.basic(user: "u", password: "wrong"), Self.basic)
        #expect(try await answers.session().get(server.server.url()).head.status == 200)
        #expect(answers.questions.all.map(\.hasRefused) == [false, true])
        let known = Answers(Self.basic)
        let session = try known.session([.set(.credentials, to: .basic(user: "u", password: "old"))])
        #expect(try await session.get(server.server.url()).head.status == 200)
        #expect(known.questions.all.map(\.hasRefused) == [true])
    }

    @Test func `an answer that was refused just now is not tried again`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""])
        let answers = Answers(Self.basic, Self.basic, Self.basic)
        let response = try await answers.session().get(server.server.url())
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.authorizations == [nil, Self.accepted])
    }

    @Test func `always another answer is asked for three times`() async throws {
        let server = try AuthenticationTests.Doorman(["Bearer"])
        let answers = Answers(.bearer("1"), .bearer("2"), .bearer("3"), .bearer("4"))
        let response = try await answers.session().get(server.server.url())
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.authorizations == [nil, "Bearer 1", "Bearer 2", "Bearer 3"])
    }

    @Test func `an answer is kept by its request, and by no other`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""], accepting: Self.accepted)
        let session = try Answers(Self.basic).session()
        let request = try await session.openRequest(.get, server.server.url())
        try await request.complete()
        try await request.complete()
        #expect(try await session.get(server.server.url()).head.status == 401)
        #expect(server.authorizations == [nil, Self.accepted, Self.accepted, nil])
    }

    @Test func `an answer that cannot be used is an error that tells no secret`() async throws {
        let server = try AuthenticationTests.Doorman(["Bearer"])
        let session = try Answers(.bearer("s3cret s3cret")).session()
        let reason = "the provider's answer cannot be used: that is not a token"
        await #expect(throws: HandleError.invalidParameter(.receiveResponse, reason)) {
            try await session.get(server.server.url())
        }
    }

    @Test func `a streamed body is not sent again`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""], accepting: Self.accepted)
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
                // By now the request has credentials.
                #expect(try await request.receiveResponse().status == 200)
            }
        }
        try request.close()
    }

    @Test func `another origin after a redirect is asked for itself, and keeps its answer to itself`() async throws {
        let there = try AuthenticationTests.Doorman(["Basic realm=\"there\""], accepting: Self.accepted)
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
        #expect(answers.questions.all.map(\.hasRefused) == [false, false])
        #expect(there.authorizations == [nil, Self.accepted, nil, Self.accepted])
        #expect(authorizations.all == ["Bearer here", "Bearer here"])
    }

    @Test func `nobody is asked before the response is`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""], accepting: Self.accepted)
        let answers = Answers(Self.basic)
        let session = try answers.session()
        let request = try await session.openRequest(.get, server.server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "responseReceived" }
        // A round trip of a neighbour: the body of the 401 has come, too.
        let neighbour = try await session.openRequest(.get, server.server.url())
        try await neighbour.setOption(.credentialProvider, to: nil)
        try await neighbour.complete()
        #expect(answers.questions.all.isEmpty)
        #expect(try await request.receiveResponse().status == 200)
        #expect(answers.questions.all.count == 1)
    }

    // MARK: While the provider thinks

    /// A provider that thinks until it is cancelled, and a session with it.
    struct Thinker {
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
        let thinker = Thinker()
        let session = try SessionHandle(options: [.set(.credentialProvider, to: thinker.provider)])
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        let receiving = Task.immediate { try await request.receiveResponse() }
        await thinker.asked.passed()
        try request.close()
        await #expect(throws: HandleError.cancelled(.receiveResponse)) { try await receiving.value }
        await request.closed()
        await thinker.cancelled.passed()
        let closing = missing > 0 ? ["closingConnection", "connectionClosed"] : []
        #expect(
            try await recorder.finish().map(\.kind.name).suffix(3 + closing.count)
                == ["responseReceived"] + closing + ["requestError", "handleClosing"]
        )
    }

    @Test func `the limit on everything goes on`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""])
        let thinker = Thinker()
        let session = try SessionHandle(options: [
            .set(.credentialProvider, to: thinker.provider), .set(.totalTimeout, to: .milliseconds(100)),
        ])
        let request = try await session.openRequest(.get, server.server.url())
        // On a busy machine the time may be over before anybody is asked.
        while thinker.questions.all.isEmpty {
            let error = await #expect(throws: HandleError.self) {
                try await request.send()
                _ = try await request.receiveResponse()
            }
            #expect(error?.code == .timeout && error?.phase == .total)
        }
        await thinker.cancelled.passed()
        // What was thought of too late belongs to nothing, and the request is as new.
        try await request.setOption(.credentialProvider, to: nil)
        try await request.setOption(.totalTimeout, to: .zero)
        try await request.send()
        #expect(try await request.receiveResponse().status == 401)
        #expect(server.authorizations.allSatisfy { $0 == nil })
    }

    @Test func `a body that breaks off while the provider thinks is nobody's loss`() async throws {
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

    @Test func `a provider that is taken away after the 401 is still asked in this exchange`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""], accepting: Self.accepted)
        let answers = Answers(Self.basic)
        let request = try await answers.session().openRequest(.get, server.server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "responseReceived" }
        try await request.setOption(.credentialProvider, to: nil)
        #expect(try await request.receiveResponse().status == 200)
        // Taking it away is the later word.
        #expect(try await request.option(.credentials) == nil)
        try await request.send()
        #expect(try await request.receiveResponse().status == 401)
        #expect(answers.questions.all.count == 1)
    }

    @Test func `an answer does not take the place of credentials that were set meanwhile`() async throws {
        let server = try AuthenticationTests.Doorman(["Basic realm=\"r\""], accepting: Self.accepted)
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
