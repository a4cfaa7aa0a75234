import ArgumentParser
import Crawling
import HTTPHandles

@main
struct CrawlerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crawler",
        abstract: "Follows links, with limits for each host, and as robots.txt wants it."
    )

    @Argument(help: "The URLs to begin with.")
    var urls: [String]

    @Option(help: "How many pages are requested at most.")
    var pages = 100

    @Option(help: "How many links away from the first URLs.")
    var depth = 3

    @Option(help: "The seconds between two requests to one host.")
    var delay = 1.0

    @Flag(help: "Follow links to other hosts.")
    var everywhere = false

    func validate() throws {
        guard (0...3600).contains(delay) else { throw ValidationError("the delay is from 0 to 3600 seconds") }
    }

    func run() async throws {
        var limits = CrawlLimits()
        (limits.pages, limits.depth, limits.delay, limits.leavesHosts) = (pages, depth, .seconds(delay), everywhere)
        let seeds = try urls.map { try HTTPURL($0) }
        try await withSession(userAgent: "examplebot/1.0", options: limits.sessionOptions) { session in
            let crawler = Crawler(session, robot: "examplebot", limits: limits)
            let disallowed = try await crawler.run(from: seeds) { page in
                switch page.outcome {
                case .page(let status, let bytes):
                    print(status, page.url, bytes.count, "bytes,", page.links.count, "links")
                case .other(let status, let type): print(status, page.url, type ?? "")
                case .failed(let error): print("---", page.url, error)
                }
            }
            print("excluded by robots.txt:", disallowed)
        }
    }
}
