import HTTPHandles
import HTTPHandlesCore
import HTTPHandlesTesting

// The parsers of archives, dates, header values and queries.

/// What was read is written and read again as the same.
func archive(_ bytes: [UInt8]) {
    guard let archive = try? HTTPArchive(har: bytes) else { return }
    let again: HTTPArchive
    do {
        again = try HTTPArchive(har: archive.har)
    } catch {
        preconditionFailure("\(error)")
    }
    precondition(again == archive)
    _ = ReplayingClient(archive).unused
}

/// Every format is parsed again as the same date.
func date(_ text: String) {
    guard let date = HTTPDate(text, now: HTTPDate(secondsSince1970: 1_796_000_000)) else { return }
    for format in HTTPDate.Format.allCases { precondition(HTTPDate(date.text(format), now: date) == date) }
}

/// `Content-Type`, `Content-Disposition` and `Link`. A file name stays in its folder.
func headerValues(_ text: String) {
    if let type = ContentType(text) { precondition(ContentType(type.mediaType)?.mediaType == type.mediaType) }
    if let name = ContentDisposition(text)?.filename {
        let bytes = name.utf8
        precondition(!bytes.isEmpty && bytes.count <= 255 && bytes.first != UInt8(ascii: "."))
        precondition(!bytes.contains { $0 < 0x20 || $0 == 0x7F || "/\\:".utf8.contains($0) })
    }
    precondition(WebLink.all(in: text).count <= text.utf8.count)
}

/// Names and values are encoded and decoded again as the same.
func query(_ text: String) {
    let items = QueryItems(decoding: text)
    // An item with an empty name and no value has no text.
    let named = QueryItems(items.filter { !$0.name.isEmpty || $0.value != nil })
    precondition(QueryItems(decoding: named.encoded) == named)
    guard let url = try? HTTPURL("http://a.example/b?c=d").appending(query: named) else { return }
    precondition((try? HTTPURL(url.text)) == url)
}
