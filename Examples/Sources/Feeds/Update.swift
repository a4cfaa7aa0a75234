import Foundation

/// What the feed is about: an update with a number that counts up.
package struct Update: Codable, Sendable, Hashable {
    package let id: Int
    package let text: String

    package init(id: Int, text: String) {
        self.id = id
        self.text = text
    }

    /// `nil` for a text that is no update.
    init?(json: String) {
        guard let update = try? JSONDecoder().decode(Update.self, from: Data(json.utf8)) else { return nil }
        self = update
    }
}

/// What comes from a feed.
package enum FeedItem: Sendable, Hashable {
    case update(Update)
    /// Something that is no update. It is skipped: one wrong message must not end the feed.
    case unreadable(String)
    /// The connection was lost, and is made again after a delay.
    case interrupted(after: Duration, reason: String)
}
