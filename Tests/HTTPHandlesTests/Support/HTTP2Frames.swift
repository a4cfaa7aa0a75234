import HTTPHandlesTesting

/// One frame of HTTP/2 (RFC 9113, section 4.1).
struct HTTP2Frame {
    enum Kind: UInt8 {
        case data = 0
        case headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    static let endStream: UInt8 = 0x1
    static let acknowledgement: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4

    var kind: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.kind = kind.rawValue
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    fileprivate init(header: [UInt8]) {
        kind = header[3]
        flags = header[4]
        stream = header[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
    }

    /// The content of a RST_STREAM frame.
    var errorCode: UInt32? {
        kind == Kind.resetStream.rawValue ? payload.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    var isEndOfStream: Bool {
        (kind == Kind.data.rawValue || kind == Kind.headers.rawValue) && flags & Self.endStream != 0
    }

    fileprivate var bytes: [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), kind, flags]
            + HTTP2Connection.number(stream) + payload
    }
}

/// HTTP/2 frames on a connection of a `ScriptedServer`, for frames and timing that real servers do not have.
///
/// The fields of requests are not decoded. The flow-control window is not updated unless a script does.
struct HTTP2Connection {
    let connection: ServerConnection

    /// Reads the client's preface and sends the server's.
    ///
    /// - Parameter settings: Pairs of an identifier and a value.
    init(_ connection: ServerConnection, settings: [(UInt16, UInt32)] = []) throws {
        self.connection = connection
        _ = try connection.read(exactly: Self.preface.count)
        let payload = settings.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] + Self.number($1) }
        try send(HTTP2Frame(.settings, payload))
    }

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    // MARK: Reading

    /// The next frame. Answers settings and pings meanwhile.
    func readFrame() throws -> HTTP2Frame {
        while true {
            let header = try connection.read(exactly: 9)
            var frame = HTTP2Frame(header: header)
            frame.payload = try connection.read(exactly: header[..<3].reduce(0) { $0 << 8 | Int($1) })
            switch HTTP2Frame.Kind(rawValue: frame.kind) {
            case .settings, .ping:
                guard frame.flags & HTTP2Frame.acknowledgement == 0 else { continue }
                frame.flags = HTTP2Frame.acknowledgement
                if frame.kind == HTTP2Frame.Kind.settings.rawValue { frame.payload = [] }
                try send(frame)
            default: return frame
            }
        }
    }

    /// Skips frames up to the head of the next request.
    func readRequest() throws -> (stream: UInt32, hasBody: Bool) {
        while true {
            let frame = try readFrame()
            if frame.kind == HTTP2Frame.Kind.headers.rawValue { return (frame.stream, !frame.isEndOfStream) }
        }
    }

    /// Skips frames up to the end of a number of requests, and returns their streams in order.
    func readWholeRequests(_ count: Int) throws -> [UInt32] {
        var streams: [UInt32] = []
        while streams.count < count {
            let frame = try readFrame()
            if frame.isEndOfStream { streams.append(frame.stream) }
        }
        return streams.sorted()
    }

    /// Skips frames up to the end of a request's body, and returns its length.
    func readBody(of stream: UInt32) throws -> Int {
        var count = 0
        while true {
            let frame = try readFrame()
            guard frame.stream == stream, frame.kind == HTTP2Frame.Kind.data.rawValue else { continue }
            count += frame.payload.count
            if frame.isEndOfStream { return count }
        }
    }

    /// Skips frames up to the first bytes of a request's body.
    func readSomeBody(of stream: UInt32) throws {
        while true {
            let frame = try readFrame()
            if frame.stream == stream, frame.kind == HTTP2Frame.Kind.data.rawValue, !frame.payload.isEmpty { return }
        }
    }

    // MARK: Writing

    func send(_ frames: HTTP2Frame...) throws { try send(frames) }

    /// All at once.
    func send(_ frames: [HTTP2Frame]) throws {
        try connection.send(frames.flatMap(\.bytes))
    }

    static func head(
        _ status: Int,
        _ fields: [(String, String)] = [],
        on stream: UInt32,
        isEnd: Bool = false
    ) -> HTTP2Frame {
        let flags = HTTP2Frame.endHeaders | (isEnd ? HTTP2Frame.endStream : 0)
        let block = ([(":status", String(status))] + fields).flatMap { literal($0.0) + literal($0.1, first: false) }
        return HTTP2Frame(.headers, flags: flags, stream: stream, block)
    }

    static func data(_ text: String, on stream: UInt32, isEnd: Bool = false) -> HTTP2Frame {
        HTTP2Frame(.data, flags: isEnd ? HTTP2Frame.endStream : 0, stream: stream, Array(text.utf8))
    }

    static func reset(_ stream: UInt32, _ code: UInt32) -> HTTP2Frame {
        HTTP2Frame(.resetStream, stream: stream, number(code))
    }

    static func goAway(last stream: UInt32, _ code: UInt32 = 0) -> HTTP2Frame {
        HTTP2Frame(.goAway, number(stream) + number(code))
    }

    static func window(_ bytes: UInt32, on stream: UInt32) -> HTTP2Frame {
        HTTP2Frame(.windowUpdate, stream: stream, number(bytes))
    }

    fileprivate static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24 & 0xFF), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    /// A text of fewer than 127 bytes in HPACK without compression; with the prefix of a field without indexing (RFC 7541,
    /// section 6.2.2) for the name of a field.
    private static func literal(_ text: String, first: Bool = true) -> [UInt8] {
        precondition(text.utf8.count < 127, "Only short fields are written without a table.")
        return (first ? [0] : []) + [UInt8(text.utf8.count)] + Array(text.utf8)
    }
}
