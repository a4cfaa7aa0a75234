/// An event of a `text/event-stream` (WHATWG HTML, section 9.2).
public struct ServerSentEvent: Sendable, Hashable {
    /// The type of the event; "message" where the server gives none.
    public let type: String
    /// The data; several `data` lines are joined with line feeds.
    public let data: String
    /// The last event ID that the server has given, with this event or an earlier one; empty if none.
    public let id: String

    /// Makes one, for tests.
    public init(type: String, data: String, id: String) {
        self.type = type
        self.data = data
        self.id = id
    }
}

/// Parses a `text/event-stream`. An event may be spread over any number of pieces.
package struct ServerSentEventParser: Sendable {
    private let limit: Int
    private var lines: LineSplitter
    private var isFirstLine = true
    private var type = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var pendingID: String

    /// The value of `Last-Event-ID` for a reconnection; empty for none.
    package private(set) var lastEventID: String
    /// The delay before a reconnection (`retry`); `nil` if the server gave none.
    package private(set) var reconnectionTime: Duration?

    /// - Parameters:
    ///   - limit: The maximum length of an event's data, and of a line, in bytes.
    ///   - lastEventID: The last ID of the stream that this one continues.
    package init(limit: Int, lastEventID: String = "") {
        self.limit = limit
        self.lastEventID = lastEventID
        pendingID = lastEventID
        lines = LineSplitter(limit: limit)
    }

    package mutating func append(_ piece: [UInt8]) {
        lines.append(piece)
    }

    /// The next complete event. An event is complete at its empty line.
    package mutating func next() throws(LineSplitter.TooLong) -> ServerSentEvent? {
        while var line = try lines.next() {
            if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
            isFirstLine = false
            if line.isEmpty {
                if let event = dispatch() { return event }
            } else {
                try take(line)
            }
        }
        return nil
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            type = ""
            data = []
            hasData = false
        }
        lastEventID = pendingID
        guard hasData else { return nil }
        return ServerSentEvent(
            type: type.isEmpty ? "message" : type,
            data: String(decoding: data, as: UTF8.self),
            id: lastEventID
        )
    }

    private mutating func take(_ line: ArraySlice<UInt8>) throws(LineSplitter.TooLong) {
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": type = String(decoding: value, as: UTF8.self)
        case "data":
            if hasData { data.append(UInt8(ascii: "\n")) }
            hasData = true
            data += value
            guard data.count <= limit else { throw LineSplitter.TooLong() }
        case "id" where !value.contains(0): pendingID = String(decoding: value, as: UTF8.self)
        case "retry" where value.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }:
            if let milliseconds = Int64(String(decoding: value, as: UTF8.self)) {
                reconnectionTime = .milliseconds(milliseconds)
            }
        default: break
        }
    }
}
