import ExamplesTestSupport
import HTTPHandles
import HTTPHandlesTesting
import RESTClient
import Synchronization
import Testing

@Suite("rest-client", .timeLimit(.minutes(2)))
struct RESTClientTests {
    /// A service with tokens: "token 1" is valid until the first refresh, then "token 2", and so on.
    private final class Service: Sendable {
        /// Method, target and token of each request; of a refresh the form.
        let requests = Record<String>()
        /// Opened when a refresh was asked for.
        let isRefreshing = Gate()
        /// A refresh is answered when it is open.
        let mayRefresh = Gate()
        private let valid = Mutex(1)

        func handle(_ request: ReceivedRequest, _ connection: ServerConnection) throws {
            let (head, body) = (request.head, String(decoding: request.body, as: UTF8.self))
            if head.target == "/token" {
                requests.note(body)
                isRefreshing.open()
                mayRefresh.wait()
                let number = valid.withLock {
                    $0 += 1; return $0
                }
                return try connection.answer(
                    body: #"{"access_token":"token \#(number)","refresh_token":"refresh \#(number)"}"#
                )
            }
            requests.note("\(head.method) \(head.target) \(head["Authorization"] ?? "no token") \(body)")
            guard head["Authorization"] == "Bearer token \(valid.withLock { $0 })" else {
                return try connection.answer("401 Unauthorized")
            }
            switch (head.method, head.target) {
            case ("GET", "/v1/notes"):
                let link = #"Link: <notes?page=2>; rel="next""#
                try connection.answer(fields: [link], body: #"[{"id":1,"text":"snow"}]"#)
            case ("GET", "/v1/notes?page=2"): try connection.answer(body: #"[{"id":2,"text":"ice"}]"#)
            case ("GET", "/v1/notes/1"): try connection.answer(body: #"{"id":1,"text":"snow"}"#)
            case ("POST", "/v1/notes"): try connection.answer("201 Created", body: #"{"id":3,"text":"rain"}"#)
            case ("DELETE", "/v1/notes/1"): try connection.answer("204 No Content")
            default:
                let type = "Content-Type: application/problem+json"
                try connection.answer("404 Not Found", fields: [type], body: #"{"title":"no such note"}"#)
            }
        }
    }

    private func notes(
        _ server: ScriptedServer,
        _ session: SessionHandle,
        token: String? = "token 1",
        log: Record<String> = Record()
    ) throws -> NotesClient {
        let base = try HTTPURL(server.url("/v1/"))
        let endpoint = try base.resolving("/token")
        let tokens = TokenStore(endpoint: endpoint, refreshToken: "refresh 1", accessToken: token)
        return NotesClient(session.behind([BearerToken(tokens, for: base), RequestLog { log.note($0) }]), at: base)
    }

    private func server(_ service: Service) throws -> ScriptedServer {
        try ScriptedServer { connection in
            try connection.forEachRequest { try service.handle($0, connection) }
        }
    }

    @Test func `all calls of the service`() async throws {
        let service = Service()
        let server = try server(service)
        let session = try SessionHandle(options: NotesClient.sessionOptions)
        let log = Record<String>()
        let notes = try notes(server, session, log: log)
        #expect(try await notes.all() == [Note(id: 1, text: "snow"), Note(id: 2, text: "ice")])
        #expect(try await notes.note(1) == Note(id: 1, text: "snow"))
        #expect(try await notes.add("rain") == Note(id: 3, text: "rain"))
        try await notes.delete(1)
        let error = await #expect(throws: NotesError.self) { try await notes.note(9) }
        #expect(error?.description == "there is no such note")
        #expect(
            service.requests.all == [
                "GET /v1/notes Bearer token 1 ", "GET /v1/notes?page=2 Bearer token 1 ",
                "GET /v1/notes/1 Bearer token 1 ", #"POST /v1/notes Bearer token 1 {"text":"rain"}"#,
                "DELETE /v1/notes/1 Bearer token 1 ", "GET /v1/notes/9 Bearer token 1 ",
            ]
        )
        #expect(log.all[1] == "GET \(server.url("/v1/notes?page=(redacted)")) 200")
    }

    @Test func `a token that has expired is refreshed once for all requests`() async throws {
        let service = Service()
        let refused = Record<Void>()
        let allAreRefused = Gate()
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                if request.head["Authorization"] == "Bearer old" {
                    refused.note(())
                    if refused.all.count == 8 { allAreRefused.open() }
                    // Each of the requests has the old token.
                    allAreRefused.wait()
                }
                try service.handle(request, connection)
            }
        }
        service.mayRefresh.open()
        let session = try SessionHandle(options: NotesClient.sessionOptions)
        let notes = try notes(server, session, token: "old")
        try await withThrowingTaskGroup(of: Note.self) { group in
            for _ in 0..<8 { group.addTask { try await notes.note(1) } }
            for try await note in group { #expect(note == Note(id: 1, text: "snow")) }
        }
        let requests = service.requests.all
        #expect(requests.filter { $0.hasPrefix("grant_type") } == ["grant_type=refresh_token&refresh_token=refresh+1"])
        #expect(requests.filter { $0 == "GET /v1/notes/1 Bearer old " }.count == 8)
        #expect(requests.filter { $0 == "GET /v1/notes/1 Bearer token 2 " }.count == 8)
        #expect(requests.count == 17)
    }

    @Test func `a caller that is cancelled does not wait for the refresh, which goes on for the others`() async throws {
        let service = Service()
        let server = try server(service)
        let session = try SessionHandle(options: NotesClient.sessionOptions)
        let notes = try notes(server, session, token: nil)
        let cancelled = Task { try await notes.note(1) }
        await service.isRefreshing.passed()
        let other = Task.immediate { try await notes.note(1) }
        cancelled.cancel()
        let error = await #expect(throws: NotesError.self) { try await cancelled.value }
        guard case .failed(let cause) = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(cause.isCancellation)
        service.mayRefresh.open()
        #expect(try await other.value == Note(id: 1, text: "snow"))
        #expect(
            service.requests.all == [
                "grant_type=refresh_token&refresh_token=refresh+1", "GET /v1/notes/1 Bearer token 2 ",
            ]
        )
    }

    @Test func `a redirect to another server, and a page there, get no token`() async throws {
        let seen = Record<String>()
        let other = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                seen.note("\(request.head.target) \(request.head["Authorization"] ?? "no token")")
                try connection.answer(body: request.head.target == "/page" ? "[]" : #"{"id":1,"text":"other"}"#)
            }
        }
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                switch request.head.target {
                case "/v1/notes/1":
                    try connection.answer("307 Temporary Redirect", fields: ["Location: \(other.url("/note"))"])
                default: try connection.answer(fields: [#"Link: <\#(other.url("/page"))>; rel="next""#], body: "[]")
                }
            }
        }
        let session = try SessionHandle(options: NotesClient.sessionOptions)
        let notes = try notes(server, session)
        #expect(try await notes.note(1).text == "other")
        #expect(try await notes.all() == [])
        #expect(seen.all == ["/note no token", "/page no token"])
    }

    @Test func `a login that has expired, and a token endpoint that redirects`() async throws {
        let seen = Record<String>()
        let other = try ScriptedServer { connection in
            try connection.forEachRequest {
                seen.note($0.head.target); try connection.answer()
            }
        }
        let answers = Mutex(["400 Bad Request", "307 Temporary Redirect"])
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { _ in
                let status = answers.withLock { $0.removeFirst() }
                try connection.answer(
                    status,
                    fields: ["Location: \(other.url("/thief"))"],
                    body: #"{"error":"invalid_grant"}"#
                )
            }
        }
        let session = try SessionHandle(options: NotesClient.sessionOptions)
        let notes = try notes(server, session, token: nil)
        let expired = await #expect(throws: NotesError.self) { try await notes.note(1) }
        #expect(expired?.description == "the login has expired: log in again")
        let redirected = await #expect(throws: NotesError.self) { try await notes.note(1) }
        #expect(redirected?.description == "refused (307): Temporary Redirect")
        #expect(seen.all == [])
    }

    @Test(arguments: [
        ("{", "invalidServerResponse"), (#"{"id":"one","text":1}"#, "invalidServerResponse"),
        ("long", "insufficientBuffer"),
    ])
    func `an answer that is no note`(_ kind: String, _ code: String) async throws {
        let server = try ScriptedServer { connection in
            let body = kind == "long" ? String(repeating: " ", count: 2 << 20) : kind
            try connection.forEachRequest { _ in try connection.answer(body: body) }
        }
        let session = try SessionHandle(options: NotesClient.sessionOptions)
        let notes = try notes(server, session)
        let error = await #expect(throws: NotesError.self) { try await notes.note(1) }
        guard case .failed(let cause) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(cause.code.name == code)
    }

    @Test func `what the service says about a refusal`() async throws {
        let client = ScriptedClient([
            .response(.unprocessableContent, body: #"{"title":"too long"}"#), .response(.conflict),
        ])
        let notes = NotesClient(client, at: try HTTPURL("https://example.com/v1/"))
        let error = await #expect(throws: NotesError.self) { try await notes.add("x") }
        #expect(error?.description == "refused (422): too long")
        let other = await #expect(throws: NotesError.self) { try await notes.add("x") }
        #expect(other?.description == "refused (409): Conflict")
    }
}
