public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

/// The result of `SessionHandle.download`.
public struct Download: Sendable {
    /// The head of the last response.
    public let head: ResponseHead
    /// The length of the file.
    public let length: UInt64
    /// How many of the bytes were there from an earlier attempt.
    public let resumedFrom: UInt64

    /// Makes a result, for tests.
    public init(head: ResponseHead, length: UInt64, resumedFrom: UInt64 = 0) {
        self.head = head
        self.length = length
        self.resumedFrom = resumedFrom
    }
}

/// How far a download has come.
public struct DownloadProgress: Sendable, Hashable {
    /// The bytes in the file so far, those of an earlier attempt included.
    public let received: UInt64
    /// The length of the whole file; `nil` if the server does not say.
    public let expected: UInt64?
    /// How many of the bytes were there from an earlier attempt.
    public let resumedFrom: UInt64

    /// Makes a value, for tests.
    public init(received: UInt64, expected: UInt64?, resumedFrom: UInt64 = 0) {
        self.received = received
        self.expected = expected
        self.resumedFrom = resumedFrom
    }

    /// The part of the file that has arrived, from 0 to 1; `nil` if the length is not known.
    public var fraction: Double? {
        expected.map { $0 == 0 ? 1 : min(Double(received) / Double($0), 1) }
    }
}

extension SessionHandle {
    /// Downloads to a file, going on where an earlier attempt stopped.
    ///
    /// Until the file is complete, its bytes are in `<path>.partial`, and in `<path>.partial.version` which URL and version
    /// (a strong entity tag) they are of. Should the download fail, be cancelled or the process end, both stay, and the
    /// next call with the same URL and path asks for the rest only (`Range`, `If-Range`). If the resource has changed
    /// meanwhile, or the server knows no ranges or has no strong entity tag, it begins from the start; what is put together
    /// is always of one version. Nothing is decoded: the file has the bytes as the server keeps them.
    ///
    /// What `write(to:)` says of the file it replaces holds here too. Both files in between are used only if no other user can
    /// have written them: in a folder that others may write to they have to be this user's, have no other name, and be
    /// writable by their owner only.
    ///
    /// A response other than 200 or 206 writes nothing: this throws `.unsuccessfulStatus`, with the response in
    /// `HandleError.response`. Throws `.fileNotWritable`, also if another download writes the same file. Cancelling the task
    /// closes the request and makes this throw `.operationCancelled`; `startDownload` makes one that can be cancelled alone.
    /// Events: those of the requests, whose `handleCreated` has the file.
    ///
    /// - Parameters:
    ///   - url: A URL with scheme http or https; absolute, or relative to the session's `baseURL`.
    ///   - path: The file. Its folder must exist.
    ///   - query: Names and values that are added to the query of the URL.
    ///   - headerFields: Additional header fields, apart from `Range` and `If-Range`.
    ///   - options: What each request starts with, apart from the session's options: a time limit, for example.
    ///   - context: A value for the caller's own use, seen in the events of the requests; the session's if left out.
    ///   - progress: Called in the task of the download, before the first piece and after each that was written.
    public nonisolated(nonsending) func download(
        _ url: String,
        to path: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil,
        progress: (@Sendable (DownloadProgress) -> Void)? = nil
    ) async throws(HandleError) -> Download {
        let url = HTTPURL(try object.url(url)).appending(query: query)
        let settings = RequestSettings(options, context, file: path)
        return try await download(url, to: path, headerFields, settings, progress)
    }

    nonisolated(nonsending) func download(
        _ url: HTTPURL,
        to path: String,
        _ headerFields: HTTPFields,
        _ settings: RequestSettings,
        _ progress: (@Sendable (DownloadProgress) -> Void)?
    ) async throws(HandleError) -> Download {
        guard !headerFields.contains(.range), !headerFields.contains(.ifRange) else {
            throw .invalidParameter(.openRequest, "a download sets Range and If-Range by itself")
        }
        let file = try WritableFile(resuming: path + ".partial", for: path)
        let note = VersionNote(path: path + ".partial.version", url: url.text)
        var tag = note.read()
        if tag == nil { try file.empty() }
        var resumedFrom = file.length
        while true {
            let offset = file.length
            var fields = headerFields
            fields[.acceptEncoding] = "identity"
            if offset > 0 { fields.append(contentsOf: HTTPFields.range(.from(offset), ifRange: tag)) }
            let message = try RequestMessage.checked(.get, url.parsed, fields)
            let response = try await fetch(message, body: .none, settings)
            let (head, range) = (response.head, response.head.contentRange)
            let step = DownloadStep(status: head.status.code, range, head.entityTag, offset: offset, tag: tag)
            switch step {
            case .refuse(let error): throw error
            case .leave: throw try await response.unsuccessful()
            case .startOver:
                try file.empty()
                resumedFrom = 0
                continue
            case .writeFromStart:
                try file.empty()
                resumedFrom = 0
                tag = head.entityTag.flatMap { $0.isWeak ? nil : $0 }
                // Before the first byte: bytes without a note are not used again, a note with other bytes would be.
                try note.write(tag)
            case .append: break
            }
            let expected = head.expectedLength(of: step)
            try await response.body.append(to: file) { length in
                progress?(DownloadProgress(received: length, expected: expected, resumedFrom: resumedFrom))
            }
            if step == .append, file.length != (range?.bytes?.upperBound).map({ $0 + 1 }) {
                try file.empty()
                let reason = "the number of bytes received differs from the Content-Range of the response"
                throw HandleError(.invalidServerResponse, .readData, reason: reason)
            }
            // A server may send less than was asked for.
            if step == .append, let length = range?.completeLength, file.length < length { continue }
            try file.complete()
            note.remove()
            return Download(head: head, length: file.length, resumedFrom: resumedFrom)
        }
    }
}

extension ResponseHead {
    /// The length of the whole file.
    fileprivate func expectedLength(of step: DownloadStep) -> UInt64? {
        if step == .append { return contentRange?.completeLength }
        return headerFields[.contentLength].flatMap { UInt64($0) }
    }
}

/// Which URL and which version the bytes of a partial file are of.
private struct VersionNote {
    let path: String
    let url: String

    func read() -> EntityTag? {
        guard let file = try? ReadableFile(path, isOwn: true, for: .readData), file.length < 1 << 16,
            let bytes = try? file.readAll()
        else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard lines.count == 2, lines[0].elementsEqual(url.utf8),
            let tag = EntityTag(String(decoding: lines[1], as: UTF8.self)), !tag.isWeak
        else { return nil }
        return tag
    }

    func write(_ tag: EntityTag?) throws(HandleError) {
        guard let tag else { return remove() }
        // The URL may have a secret in it.
        let file = try WritableFile(replacing: path, isPrivate: true)
        try file.write(Array("\(url)\n\(tag)\n".utf8))
        try file.complete()
    }

    func remove() { WritableFile.remove(path) }
}
