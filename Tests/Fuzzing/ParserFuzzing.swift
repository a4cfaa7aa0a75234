import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

// The entry point of libFuzzer for the parsers of server data and for the form encoder. Built and run by Scripts/fuzz.

/// The first byte of an input selects the parser, the second the position where the rest is split in two, like by a network.
@_cdecl("LLVMFuzzerTestOneInput")
public func parse(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard count >= 2 else { return 0 }
    let rest = Array(input[2...])
    let cut = rest.isEmpty ? 0 : Int(input[1]) % (rest.count + 1)
    let text = String(decoding: rest, as: UTF8.self)
    switch input[0] {
    case UInt8(ascii: "h"): head(rest)
    case UInt8(ascii: "l"): precondition(lines([rest]) == lines([Array(rest[..<cut]), Array(rest[cut...])]))
    case UInt8(ascii: "e"): precondition(events([rest]) == events([Array(rest[..<cut]), Array(rest[cut...])]))
    case UInt8(ascii: "a"): _ = AuthenticationChallenge.all(in: text)
    case UInt8(ascii: "c"): cookie(rest)
    case UInt8(ascii: "s"): strictTransport(rest, text)
    case UInt8(ascii: "A"): alternativeServices(rest, text)
    case UInt8(ascii: "m"): _ = try? Charset(contentType: text).decode(rest)
    case UInt8(ascii: "t"): tag(text)
    case UInt8(ascii: "r"): range(text)
    case UInt8(ascii: "L"): lengths(rest, cut)
    case UInt8(ascii: "k"): chunks(rest, cut)
    case UInt8(ascii: "R"): pause(text)
    case UInt8(ascii: "D"): decoded(rest, cut, [.gzip, .gzip])
    case UInt8(ascii: "u"): url(text)
    case UInt8(ascii: "g"): decoded(rest, cut, [.gzip])
    case UInt8(ascii: "d"): decoded(rest, cut, [.deflate])
    case UInt8(ascii: "n"): decoded(rest, cut, [.gzip, .deflate])
    case UInt8(ascii: "p"): part(String(decoding: rest[..<cut], as: UTF8.self), Array(rest[cut...]))
    case UInt8(ascii: "w"): webSocketFrames(rest, cut)
    case UInt8(ascii: "W"): webSocket(rest, cut)
    case UInt8(ascii: "H"): webSocketHandshake(rest)
    case UInt8(ascii: "J"): archive(rest)
    case UInt8(ascii: "T"): date(text)
    case UInt8(ascii: "v"): headerValues(text)
    case UInt8(ascii: "q"): query(text)
    default: break
    }
    return 0
}

private func head(_ bytes: [UInt8]) {
    let block = HeaderBlock(bytes: bytes)
    precondition((0...999).contains(block.status))
    _ = block.reasonPhrase
    let fields = block.fields()
    _ = ContentCoding.applied(fields)
    _ = AuthenticationChallenge.all(in: fields)
    precondition(fields.count <= bytes.count)
}

private func lines(_ pieces: [[UInt8]]) -> [[UInt8]] {
    var splitter = LineSplitter(limit: 1 << 20)
    var lines: [[UInt8]] = []
    for piece in pieces {
        splitter.append(piece)
        while let line = try? splitter.next() { lines.append(Array(line)) }
    }
    if let line = splitter.finish() { lines.append(Array(line)) }
    return lines
}

private func events(_ pieces: [[UInt8]]) -> [ServerSentEvent] {
    var parser = ServerSentEventParser(limit: 1 << 20)
    var events: [ServerSentEvent] = []
    for piece in pieces {
        parser.append(piece)
        while let event = try? parser.next() { events.append(event) }
    }
    return events
}

private func cookie(_ bytes: [UInt8]) {
    guard let line = CookieLine(bytes) else { return }
    _ = line.cookie
    precondition(CookieLine(line.expired)?.expires == 1)
}

/// The field, and a line of a file, of strict transport.
private func strictTransport(_ bytes: [UInt8], _ text: String) {
    var store = StrictTransport()
    store.received(text, from: Origin(isSecure: true, host: "a.example", port: 443), at: 1_800_000_000)
    if let host = StrictTransport.host(in: bytes) { store.set(host) }
    for line in store.fileContents(at: 0).split(separator: UInt8(ascii: "\n")).dropFirst() {
        precondition(StrictTransport.host(in: line) != nil)
    }
}

/// The field, and a line of a file, of alternative services.
private func alternativeServices(_ bytes: [UInt8], _ text: String) {
    var store = AlternativeServices()
    let origin = Origin(isSecure: true, host: "a.example", port: 443)
    store.received(text, from: origin, .http2, at: 1_800_000_000)
    precondition(store.list(at: 0).count <= 8)
    if let service = AlternativeServices.service(in: bytes) { store.set(service) }
    for line in store.fileContents(at: 0).split(separator: UInt8(ascii: "\n")).dropFirst() {
        precondition(AlternativeServices.service(in: line) != nil)
    }
}

private func tag(_ text: String) {
    guard let tag = EntityTag(text) else { return }
    precondition(EntityTag(tag.description) == tag)
}

/// The decision of a download about a range.
private func range(_ text: String) {
    guard let range = ContentRange(text) else { return }
    let step = DownloadStep(status: 206, range, nil, offset: 5, tag: nil)
    guard let bytes = range.bytes else { return precondition(step != .append) }
    precondition(bytes.count > 0 && bytes.upperBound + 1 <= range.completeLength ?? .max)
    precondition(ContentRange("bytes \(bytes.lowerBound)-\(bytes.upperBound)/*")?.bytes == bytes)
}

/// One or two fields: only digits are a length.
private func lengths(_ bytes: [UInt8], _ cut: Int) {
    var length = ContentLength()
    for piece in [bytes[..<cut], bytes[cut...]] {
        for byte in piece { length.take(byte) }
        length.endNumber()
    }
    guard length.problem == nil else { return }
    let allowed = Set("0123456789, \t".utf8)
    precondition(length.length.map { $0 >= 0 } == true && bytes.allSatisfy(allowed.contains))
}

/// The result for a chunked body does not depend on its split into pieces, or on bytes after its end.
private func chunks(_ bytes: [UInt8], _ cut: Int) {
    var whole = ChunkedFraming()
    whole.take(bytes)
    var framing = ChunkedFraming()
    framing.take(bytes[..<cut])
    let wasComplete = framing.isComplete
    framing.take(bytes[cut...])
    precondition(framing.isComplete == whole.isComplete && framing.dataBytes == whole.dataBytes)
    precondition(!wasComplete || framing.isComplete)
    precondition(whole.dataBytes >= 0 && whole.dataBytes <= bytes.count)
    guard whole.isComplete else { return }
    // At least "0" with its line end, and the empty line.
    precondition(bytes.count >= 5)
}

/// `Retry-After`, as a number or a date.
private func pause(_ text: String) {
    var generator = SystemRandomNumberGenerator()
    for now in [Int64.min, -1, 0, CurlDate.now, .max] {
        guard let serverDelay = RetryAfter.delay(text, now: now, parseDate: CurlDate.seconds) else { continue }
        precondition(serverDelay >= .zero)
        let policy = RetryPolicy(maximumDelay: .seconds(Int64.max))
        guard let delay = policy.delay(before: 2, serverDelay: serverDelay, using: &generator) else { continue }
        // A clock can add it to the current time.
        precondition(delay >= .zero && delay <= .nanoseconds(Int64.max))
        precondition(MonotonicTime(nanoseconds: .max) + delay - MonotonicTime(nanoseconds: 0) >= .zero)
    }
}

private func url(_ text: String) {
    guard let url = try? RequestURL(parsing: text, for: .openRequest) else { return }
    precondition((1...65535).contains(url.origin.port))
    precondition(url.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    // A reference without an authority does not change the origin.
    let reference = Array("/\(text)".utf8)
    guard URLReference(reference).authority == nil,
        let next = try? RequestURL(reference, relativeTo: url, for: .receiveResponse)
    else { return }
    precondition(next.origin == url.origin && !next.hasDotSegments)
}

/// A form with one part, parsed like by a server: the name can end neither its line nor the part.
private func part(_ name: String, _ content: [UInt8]) {
    var generator = SystemRandomNumberGenerator()
    let part = MultipartPart.bytes(name, content, filename: name, contentType: "text/plain")
    guard let form = try? MultipartEncoding([part], using: &generator), case .bytes(let bytes)? = form.pieces.first
    else {
        return
    }
    let delimiter = Array("--\(form.boundary)".utf8)
    let parts = bytes.split(separator: delimiter, omittingEmptySubsequences: false)
    precondition(parts.count == 3 && parts[0].isEmpty && Array(parts[2]) == Array("--\r\n".utf8))
    let lines = parts[1].split(separator: Array("\r\n".utf8), maxSplits: 4, omittingEmptySubsequences: false)
    precondition(lines.count == 5 && lines[0].isEmpty && lines[3].isEmpty && Array(lines[4].dropLast(2)) == content)
    precondition(lines[1].filter { $0 == UInt8(ascii: "\"") }.count == 4)
}

/// Decoding ends, and no piece is longer than requested.
private func decoded(_ bytes: [UInt8], _ cut: Int, _ codings: [ContentCoding]) {
    guard let decoder = BodyDecoder(codings, maximumRatio: 250) else { return }
    var total = 0
    for piece in [bytes[..<cut], bytes[cut...]] where !piece.isEmpty {
        decoder.push(Array(piece))
        while decoder.mayHaveOutput, let output = try? decoder.pull(upTo: 4096) {
            precondition(output.count <= 4096)
            total += output.count
            if total > 1 << 20 { return }
        }
    }
}
