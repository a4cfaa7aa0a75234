import ArgumentParser
import Foundation
import HTTPHandles
import RESTClient

@main
struct NotesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rest-client",
        abstract: "A typed client for a REST service, with tokens that are refreshed.",
        subcommands: [List.self, Show.self, Add.self, Delete.self]
    )

    struct Service: ParsableArguments {
        @Option(help: "The URL of the service.")
        var base = "http://localhost:8080/v1/"

        @Option(help: "The token endpoint; its refresh token is taken from NOTES_REFRESH_TOKEN.")
        var tokens = "http://localhost:8080/token"

        func run(_ body: (NotesClient) async throws -> Void) async throws {
            guard let refreshToken = ProcessInfo.processInfo.environment["NOTES_REFRESH_TOKEN"] else {
                throw ValidationError("the environment variable NOTES_REFRESH_TOKEN is not set")
            }
            let base = try HTTPURL(base)
            let tokens = TokenStore(endpoint: try HTTPURL(tokens), refreshToken: refreshToken)
            try await withSession(userAgent: "rest-client/1.0", options: NotesClient.sessionOptions) { session in
                let log = RequestLog { FileHandle.standardError.write(Data("\($0)\n".utf8)) }
                let client = session.behind([BearerToken(tokens, for: base), log])
                try await body(NotesClient(client, at: base))
            }
        }
    }

    struct List: AsyncParsableCommand {
        @OptionGroup var service: Service

        func run() async throws {
            try await service.run { notes in
                for note in try await notes.all() { print(note.id, note.text) }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        @OptionGroup var service: Service
        @Argument var id: Int

        func run() async throws {
            try await service.run { print(try await $0.note(id).text) }
        }
    }

    struct Add: AsyncParsableCommand {
        @OptionGroup var service: Service
        @Argument var text: String

        func run() async throws {
            try await service.run { print(try await $0.add(text).id) }
        }
    }

    struct Delete: AsyncParsableCommand {
        @OptionGroup var service: Service
        @Argument var id: Int

        func run() async throws {
            try await service.run { try await $0.delete(id) }
        }
    }
}
