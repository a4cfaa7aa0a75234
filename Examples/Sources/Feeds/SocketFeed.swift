import Foundation
package import HTTPHandles

/// The same feed by WebSocket: the client sends what it wants, and the server sends updates.
///
/// A WebSocket has no rules for what comes after its end. They are here: what is an end, and what is an interruption; how long to wait;
/// and where to go on.
package struct SocketFeed: Sendable {
    /// The first message of each connection.
    private struct Subscription: Encodable {
        let after: Int?
    }

    private let session: SessionHandle
    private let url: String
    private let delay: Duration
    private let maximumDelay: Duration
    private let clock: any Clock<Duration>

    /// - Parameters:
    ///   - session: A session.
    ///   - url: A URL with scheme ws or wss.
    ///   - delay: How long to wait before the second connection; it doubles with each that leads to no update.
    ///   - maximumDelay: The longest delay.
    ///   - clock: What the delays are measured with.
    package init(
        _ session: SessionHandle,
        _ url: String,
        delay: Duration = .seconds(1),
        maximumDelay: Duration = .seconds(60),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.session = session
        self.url = url
        self.delay = delay
        self.maximumDelay = maximumDelay
        self.clock = clock
    }

    /// Calls `handle` with each item, until the server ends the feed (close code 1000), or the task is cancelled. Returns the last
    /// ID.
    ///
    /// Throws the library's error for a server that cannot be used, `SocketFeedRefusal` for one that does not want the client.
    ///
    /// - Parameters:
    ///   - lastID: The ID up to which everything was handled; `nil` for the beginning.
    ///   - handle: The feed waits for it. What it throws ends the feed.
    @discardableResult
    package func run(after lastID: Int? = nil, _ handle: (FeedItem) async throws -> Void) async throws -> Int? {
        var lastID = lastID
        var failures = 0
        while true {
            let idBefore = lastID
            let reason: String
            do {
                guard let interruption = try await connect(&lastID, handle) else { return lastID }
                reason = interruption
            } catch let error as HandleError where error.mayPass {
                reason = error.description
            }
            failures = lastID == idBefore ? failures + 1 : 1
            let doubled = min(delay * (1 << min(failures - 1, 16)), maximumDelay)
            // A random part, so that clients that lost their connections together do not come back together.
            let pause = doubled * Double.random(in: 0.5...1)
            try await handle(.interrupted(after: pause, reason: reason))
            try await clock.sleep(for: pause)
        }
    }

    /// One connection. Returns why another one is needed; `nil` if the server has ended the feed.
    private func connect(
        _ lastID: inout Int?,
        _ handle: (FeedItem) async throws -> Void
    ) async throws -> String? {
        // Updates are small: a message of a megabyte is none.
        let options: [OptionSetting] = [.set(.webSocketMaximumMessageSize, to: 64 << 10)]
        let socket = try await session.webSocket(url, subprotocols: ["updates.v1"], options: options)
        let subscription = try JSONEncoder().encode(Subscription(after: lastID))
        try await socket.send(.text(String(decoding: subscription, as: UTF8.self)))
        for try await message in socket.messages {
            let text = if case .text(let text) = message { text } else { "a binary message" }
            guard let update = Update(json: text) else {
                try await handle(.unreadable(text))
                continue
            }
            // A server may send again what it is not sure about.
            if let lastID, update.id <= lastID { continue }
            lastID = update.id
            try await handle(.update(update))
        }
        let status = try await socket.closeStatus()
        switch status.code {
        case .normalClosure: return nil
        case .policyViolation, .unauthorized, .forbidden, .unsupportedData: throw SocketFeedRefusal(status: status)
        default: return "the server has closed the connection: \(status)"
        }
    }
}

/// The server does not want the client: another connection would end in the same way.
package struct SocketFeedRefusal: Error {
    package let status: WebSocketCloseStatus
}

extension HandleError {
    /// Whether a later connection may last.
    fileprivate var mayPass: Bool {
        switch code {
        case .nameNotResolved, .cannotConnect, .connectionError, .timeout: true
        // The server does not want the socket now, or has closed the connection without an answer (CURLE_GOT_NOTHING).
        case .invalidServerResponse:
            [429, 500, 502, 503, 504].contains(response?.status.code) || curl?.code.rawValue == 52
        default: false
        }
    }
}
