import ArgumentParser
import HTTPHandles
import HealthChecks

@main
struct HealthCheckerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health-checker",
        abstract: "Checks servers, and prints a timeline of each check.",
        discussion: "The exit status is 1 if a server is not healthy."
    )

    @Argument(help: "The URLs.")
    var urls: [String]

    @Option(help: "A text that the body has to contain.")
    var text: String?

    @Option(help: "The seconds that a check may take.")
    var timeout = 10.0

    @Option(help: "Check again after so many seconds, until the program is ended.")
    var every: Double?

    func validate() throws {
        guard (0.001...86_400).contains(timeout), (1...86_400).contains(every ?? 1) else {
            throw ValidationError("times are from 1 second (timeout: 1 millisecond) to 1 day")
        }
    }

    func run() async throws {
        let checks = urls.map { url in
            var check = HealthCheck(url)
            (check.text, check.timeout) = (text, .seconds(timeout))
            return check
        }
        try await withSession(userAgent: "health-checker/1.0", options: HealthChecker.sessionOptions) { session in
            while true {
                let results = try await HealthChecker(session).run(checks)
                for result in results { print(result) }
                guard let every else {
                    guard results.allSatisfy(\.isHealthy) else { throw ExitCode(1) }
                    return
                }
                try await Task.sleep(for: .seconds(every))
            }
        }
    }
}
