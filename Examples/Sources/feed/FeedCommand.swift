import ArgumentParser
import Feeds
import Foundation
import HTTPHandles

@main
struct FeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feed",
        abstract: "Follows a feed of updates, over lost connections.",
        subcommands: [Events.self, Socket.self]
    )

    struct Events: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A feed by server-sent events.")

        @Argument(help: "The URL.")
        var url: String

        @Option(help: "The last event ID, printed by an earlier run.")
        var after = ""

        func run() async throws {
            try await withSession(userAgent: "feed/1.0") { session in
                let lastID = try await EventFeed(session, url).run(after: after) { FeedCommand.show($0) }
                print("the feed has ended; last ID:", lastID)
            }
        }
    }

    struct Socket: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A feed by WebSocket.")

        @Argument(help: "The URL, with scheme ws or wss.")
        var url: String

        @Option(help: "The number of the last update, printed by an earlier run.")
        var after: Int?

        func run() async throws {
            try await withSession(userAgent: "feed/1.0") { session in
                let lastID = try await SocketFeed(session, url).run(after: after) { FeedCommand.show($0) }
                print("the feed has ended; last update:", lastID ?? 0)
            }
        }
    }

    private static func show(_ item: FeedItem) {
        switch item {
        case .update(let update): print(update.id, update.text)
        case .unreadable(let text): FileHandle.standardError.write(Data("not an update: \(text)\n".utf8))
        case .interrupted(let delay, let reason):
            FileHandle.standardError.write(Data("\(reason); again in \(delay)\n".utf8))
        }
    }
}
