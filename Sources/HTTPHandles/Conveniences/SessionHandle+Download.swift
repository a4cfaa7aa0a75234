public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

/// The result of `SessionHandle.download`.
public struct Download: Sendable {
    /// The head of the last response.
    public let head: ResponseHead
    /// The length of the file; `nil` where the response was not the file (for example 404): nothing was written then.
    public let length: UInt64?
    /// How many of the bytes were there from an earlier attempt.
    public let resumedFrom: UInt64
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
    /// A response other than 200 or 206 writes nothing and is no error: see `Download.length`. Throws `.fileNotWritable`,
    /// also if another download writes the same file. Cancelling the task closes the request and makes this throw
    /// `.operationCancelled`. Events: those of the requests.
    ///
    /// - Parameters:
    ///   - url: An absolute URL with scheme http or https.
    ///   - path: The file. Its folder must exist.
    ///   - headerFields: Additional header fields, apart from `Range` and `If-Range`.
    public nonisolated(nonsending) func download(
        _ url: String,
        to path: String,
        headerFields: HTTPFields = HTTPFields()
    ) async throws(HandleError) -> Download {
        guard !headerFields.contains(.range), !headerFields.contains(.ifRange) else {
            throw .invalidParameter(.openRequest, "a download sets Range and If-Range by itself")
        }
        let file = try WritableFile(resuming: path + ".partial", for: path)
        let note = VersionNote(path: path + ".partial.version", url: url)
        var tag = note.read()
        if tag == nil { try file.empty() }
        var resumedFrom = file.length
        while true {
            let offset = file.length
            var fields = headerFields
            fields[.acceptEncoding] = "identity"
            if offset > 0 { fields.append(contentsOf: HTTPFields.range(.from(offset), ifRange: tag)) }
            let response = try await get(url, headerFields: fields)
            let (head, range) = (response.head, response.head.contentRange)
            let step = DownloadStep(status: head.status.code, range, head.entityTag, offset: offset, tag: tag)
            switch step {
            case .refuse(let error): throw error
            case .leave: return Download(head: head, length: nil, resumedFrom: 0)
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
            try await response.body.append(to: file)
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
