import CHTTPHandlesCurl
import HTTPTypes

/// The header lines of a request, as a list for `CURLOPT_HTTPHEADER`, in memory that the next request uses again.
///
/// libcurl neither copies nor frees the list. The lines must not change while a transfer runs, except by `overwrite` before
/// libcurl makes a head of them.
@safe
struct HeaderLines: ~Copyable {
    private var text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 512)
    private var used = 0
    private var nodes = UnsafeMutableBufferPointer<curl_slist>.allocate(capacity: 8)
    /// Where each line begins.
    private var starts: [Int] = []

    deinit {
        unsafe text.deallocate()
        unsafe nodes.deallocate()
    }

    // MARK: Making a list

    /// Drops all lines. Nothing of them is left in memory.
    mutating func removeAll() {
        unsafe text[..<used].update(repeating: 0)
        used = 0
        starts.removeAll(keepingCapacity: true)
    }

    /// Appends a field, and returns the length of its line. A name with a colon and no value would remove a header field:
    /// an empty value is marked with a semicolon.
    mutating func append(_ field: HTTPField) -> Int {
        starts.append(used)
        append(field.name.rawName.utf8.span)
        unsafe field.withUnsafeBytesOfValue { value in
            append(value.isEmpty ? Self.semicolon.span : Self.colon.span)
            unsafe append(value.span)
        }
        end()
        return used - (starts.last ?? 0)
    }

    /// Appends a whole line.
    mutating func append(line: String) {
        starts.append(used)
        append(line.utf8.span)
        end()
    }

    /// Overwrites the end of the line that begins with `start` by a text of the same length. The list stays valid.
    mutating func overwrite(after start: String, with end: String) {
        let (start, end) = (Array(start.utf8), Array(end.utf8))
        for line in starts where line + start.count + end.count < used {
            guard unsafe text[line..<line + start.count].elementsEqual(start) else { continue }
            let place = line + start.count
            _ = unsafe text[place..<place + end.count].update(fromContentsOf: end)
        }
    }

    private static let colon = Array(": ".utf8)
    private static let semicolon = Array(";".utf8)

    private mutating func append(_ bytes: Span<UInt8>) {
        reserve(bytes.count)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            _ = unsafe text[used..<used + bytes.count].update(fromContentsOf: bytes)
        }
        used += bytes.count
    }

    private mutating func end() {
        reserve(1)
        unsafe text[used] = 0
        used += 1
    }

    private mutating func reserve(_ count: Int) {
        guard unsafe used + count > text.count else { return }
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: (used + count) * 2)
        _ = unsafe larger.update(fromContentsOf: text[..<used])
        // The lines may hold secrets.
        unsafe text[..<used].update(repeating: 0)
        unsafe text.deallocate()
        unsafe text = larger
    }

    // MARK: The list

    /// The list; `nil` if there are no lines. Valid until the next change.
    mutating func list() -> UnsafeMutablePointer<curl_slist>? {
        guard !starts.isEmpty else { return nil }
        if unsafe nodes.count < starts.count {
            unsafe nodes.deallocate()
            unsafe nodes = .allocate(capacity: starts.count * 2)
        }
        for (index, start) in starts.enumerated() {
            let line = unsafe text.baseAddress.map { unsafe UnsafeMutableRawPointer($0 + start) }
            let next = unsafe index + 1 < starts.count ? nodes.baseAddress.map { unsafe $0 + index + 1 } : nil
            unsafe nodes.initializeElement(
                at: index,
                to: curl_slist(data: line?.assumingMemoryBound(to: CChar.self), next: next)
            )
        }
        return unsafe nodes.baseAddress
    }

    /// The lines, for tests.
    var lines: [String] {
        starts.map { start in
            unsafe String(decoding: text[start..<used].prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
