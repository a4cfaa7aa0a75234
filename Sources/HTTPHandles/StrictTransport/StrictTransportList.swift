public import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// The hosts that the session requests with TLS only (HSTS), if `usesStrictTransport` is set.
    public nonisolated var strictTransport: StrictTransportList { StrictTransportList(session: self) }
}

/// The hosts with strict transport of one session.
///
/// Every call is possible while the session is open, and throws `.invalidHandle` afterwards; none causes an event. They
/// wait for nothing but their turn on the driver's thread, so that cancelling the task changes nothing. At most 10,000 hosts
/// are kept.
///
/// Not in WinHTTP; `CURLOPT_HSTS`.
public struct StrictTransportList: Sendable {
    private let store: SessionStore

    init(session: SessionHandle) {
        store = SessionStore(session: session, operation: .accessStrictTransport)
    }

    /// All hosts that have not come to their end, by name.
    public nonisolated(nonsending) func list() async throws(HandleError) -> [StrictTransportHost] {
        try await access { $0.list(at: CurlDate.now) }
    }

    /// Takes a host in, in place of the one with the same name.
    ///
    /// Throws `.invalidParameter` for what is no name in ASCII.
    public nonisolated(nonsending) func set(_ host: StrictTransportHost) async throws(HandleError) {
        if let problem = host.problem { throw .invalidParameter(.accessStrictTransport, problem) }
        try await access { $0.set(host) }
    }

    /// Removes all hosts.
    public nonisolated(nonsending) func removeAll() async throws(HandleError) {
        try await access { $0.removeAll() }
    }

    // MARK: Files

    /// Writes all hosts to a file that `load(from:)` and curl read.
    ///
    /// The file is for its owner only, and appears under its name when it is complete, in the place of a regular file only.
    /// Writing blocks the caller's task. Throws `.fileNotWritable`.
    public nonisolated(nonsending) func save(to path: String) async throws(HandleError) {
        try store.write(try await access { $0.fileContents(at: CurlDate.now) }, to: path)
    }

    /// Takes in the hosts of a file in curl's format, and returns how many.
    ///
    /// Other lines are ignored, as curl does. Reading blocks the caller's task. Throws `.fileNotReadable`.
    @discardableResult
    public nonisolated(nonsending) func load(from path: String) async throws(HandleError) -> Int {
        let hosts = try store.lines(of: path).compactMap { StrictTransport.host(in: $0) }
        try await access { store in for host in hosts { store.set(host) } }
        return hosts.count
    }

    private nonisolated(nonsending) func access<Value: Sendable>(
        _ body: @escaping @Sendable (inout StrictTransport) -> Value
    ) async throws(HandleError) -> Value {
        try await store.access { session, _ throws(HandleError) in body(&session.exchangeResources.strictTransport) }
    }
}
