import HTTPHandles
import HTTPHandlesTesting

extension OrderScenario {
    /// Scenarios of authentication.
    static let authentication = [
        OrderScenario("A 401 with credentials") {
            try await asking([.set(.credentials, to: Phase.credentials)])
        },
        OrderScenario("A 401 with a credential provider") {
            let provider = CredentialProvider { _ in .basic(user: "user", password: "password") }
            return try await asking([.set(.credentialProvider, to: provider)])
        },
        OrderScenario("A 401 without credentials") {
            try await asking([])
        },
    ]

    /// A server that accepts any credentials.
    private static func asking(_ options: [OptionSetting]) async throws -> EventTrace {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isKnown = request.head["Authorization"] != nil
                try connection.send(isKnown ? EventOrderTests.hello : PhaseServers.challengeHead + "not today.")
            }
        }
        return try await .recording(server.port, options: options) { session in
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.get, "/")
            try await request.complete()
            try await request.closeAndWait()
        }
    }
}
