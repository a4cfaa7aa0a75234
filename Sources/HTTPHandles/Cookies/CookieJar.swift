public import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// The session's cookies.
    public nonisolated var cookies: CookieJar { CookieJar(session: self) }
}

/// The cookies of one session, which all of its requests share unless their `usesCookies` is false.
///
/// Every call is possible while the session is open, and throws `.invalidHandle` afterwards; none causes an event. They
/// wait for nothing but their turn on the driver's thread, so that cancelling the task changes nothing. What is kept and
/// sent, and what is not: `Docs/Cookies.md`.
///
/// WinHTTP has a jar for each session, too, and no way to look into it; `CURLOPT_COOKIELIST`, `CURLINFO_COOKIELIST`.
public struct CookieJar: Sendable {
    private let store: SessionStore

    init(session: SessionHandle) {
        store = SessionStore(session: session, operation: .accessCookies)
    }

    /// All cookies that have not come to their end, in no order.
    ///
    /// `CURLINFO_COOKIELIST`.
    public nonisolated(nonsending) func list() async throws(HandleError) -> [Cookie] {
        try await lines().map(\.cookie)
    }

    /// Takes a cookie in, in place of the one of the same name, domain and path.
    ///
    /// Throws `.invalidParameter` for a cookie that could not come from a server. Whether the domain is a public suffix,
    /// such as "co.uk", is not looked at: the caller is trusted.
    ///
    /// `CURLOPT_COOKIELIST`.
    public nonisolated(nonsending) func set(_ cookie: Cookie) async throws(HandleError) {
        if let problem = cookie.problem {
            throw .invalidParameter(.accessCookies, "the cookie cannot be set: \(problem)")
        }
        let line = CookieLine(cookie)
        try await access { store throws(HandleError) in try store.set([line]) }
    }

    /// Removes the cookie of the same name, domain and path, if there is one.
    public nonisolated(nonsending) func remove(_ cookie: Cookie) async throws(HandleError) {
        try await access { store throws(HandleError) in
            for line in store.lines where line.cookie.isReplaced(by: cookie) { try store.remove(line) }
        }
    }

    /// Removes all cookies.
    ///
    /// `CURLOPT_COOKIELIST` with "ALL".
    public nonisolated(nonsending) func removeAll() async throws(HandleError) {
        try await access { store throws(HandleError) in try store.removeAll() }
    }

    // MARK: Files

    /// Writes all cookies to a file that `load(from:)` and curl read, those without an end as well.
    ///
    /// The file is for its owner only, and appears under its name when it is complete, in the place of a regular file only.
    /// Writing blocks the caller's task.
    /// Throws `.fileNotWritable`.
    ///
    /// `CURLOPT_COOKIEJAR`.
    public nonisolated(nonsending) func save(to path: String) async throws(HandleError) {
        try store.write(try await fileContents(), to: path)
    }

    /// All cookies in Netscape's format.
    package nonisolated(nonsending) func fileContents() async throws(HandleError) -> [UInt8] {
        var text = Array("# Netscape HTTP Cookie File\n".utf8)
        for line in try await lines() { text += line.bytes + [UInt8(ascii: "\n")] }
        return text
    }

    /// Takes in the cookies of a file in Netscape's format, as `save(to:)` and curl write it, and returns how many.
    ///
    /// Lines that are no cookies are passed over, as curl does. Reading blocks the caller's task. Throws
    /// `.fileNotReadable`.
    ///
    /// `CURLOPT_COOKIEFILE`.
    @discardableResult
    public nonisolated(nonsending) func load(from path: String) async throws(HandleError) -> Int {
        let lines = try store.lines(of: path).compactMap { CookieLine(Array($0)) }.filter { $0.cookie.problem == nil }
        try await access { store throws(HandleError) in try store.set(lines) }
        return lines.count
    }

    // MARK: Access

    private nonisolated(nonsending) func lines() async throws(HandleError) -> [CookieLine] {
        try await access { store throws(HandleError) in store.lines }
    }

    private nonisolated(nonsending) func access<Value: Sendable>(
        _ body: @escaping @Sendable (CookieStore) throws(HandleError) -> Value
    ) async throws(HandleError) -> Value {
        try await store.access { _, engine throws(HandleError) in try body(engine.cookies()) }
    }
}

extension Cookie {
    /// Whether the jar keeps one of the two only.
    fileprivate func isReplaced(by other: Cookie) -> Bool {
        name == other.name && domain.isEqualIgnoringASCIICase(other.domain) && path == other.path
            && includesSubdomains == other.includesSubdomains
    }
}
