import ArgumentParser
import HTTPHandles
import Hummingbird
import ReverseProxy

@main
struct ReverseProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reverse-proxy",
        abstract: "Answers each request with the response of another server.",
        discussion: "Ends after the requests that are going on, with Control-C."
    )

    @Argument(help: "The URL of the server.")
    var upstream: String

    @Option(help: "The port to listen on, at 127.0.0.1.")
    var port = 8080

    func run() async throws {
        let upstream = try HTTPURL(upstream)
        try await withSession(options: Upstream.sessionOptions) { session in
            try await ReverseProxy.application(port: port, session: session, upstream: upstream).runService()
        }
    }
}
