public import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// The alternative services that the session's requests connect to, if `usesAlternativeServices` is set.
    public nonisolated var alternativeServices: AlternativeServiceList { AlternativeServiceList(session: self) }
}

/// The alternative services of one session.
///
/// Every call is possible while the session is open, and throws `.invalidHandle` afterwards; none causes an event. They
/// wait for nothing but their turn on the driver's thread, so that cancelling the task changes nothing. At most 8 services of
/// each of 1,000 origins are kept.
///
/// Not in WinHTTP; `CURLOPT_ALTSVC`.
public struct AlternativeServiceList: Sendable {
    private let store: SessionStore

    init(session: SessionHandle) {
        store = SessionStore(session: session, operation: .accessAlternativeServices)
    }

    /// All services that have not come to their end, by origin, in the order in which they are tried.
    public nonisolated(nonsending) func list() async throws(HandleError) -> [AlternativeService] {
        try await access { $0.list(at: CurlDate.now) }
    }

    /// Takes a service in, in place of the one with the same version, host and port, or else as the last of its origin.
    ///
    /// Throws `.invalidParameter` for hosts and ports that cannot be.
    public nonisolated(nonsending) func set(_ service: AlternativeService) async throws(HandleError) {
        if let problem = service.problem { throw .invalidParameter(.accessAlternativeServices, problem) }
        try await access { $0.set(service) }
    }

    /// Removes all services.
    public nonisolated(nonsending) func removeAll() async throws(HandleError) {
        try await access { $0.removeAll() }
    }

    // MARK: Files

    /// Writes all services to a file that `load(from:)` and curl read.
    ///
    /// The file is for its owner only, and appears under its name when it is complete, in the place of a regular file only.
    /// Writing blocks the caller's task. Throws `.fileNotWritable`.
    public nonisolated(nonsending) func save(to path: String) async throws(HandleError) {
        try store.write(try await access { $0.fileContents(at: CurlDate.now) }, to: path)
    }

    /// Takes in the services of a file in curl's format, and returns how many.
    ///
    /// Other lines are ignored, as curl does. Reading blocks the caller's task. Throws `.fileNotReadable`.
    @discardableResult
    public nonisolated(nonsending) func load(from path: String) async throws(HandleError) -> Int {
        let services = try store.lines(of: path).compactMap { AlternativeServices.service(in: $0) }
        try await access { store in for service in services { store.set(service) } }
        return services.count
    }

    private nonisolated(nonsending) func access<Value: Sendable>(
        _ body: @escaping @Sendable (inout AlternativeServices) -> Value
    ) async throws(HandleError) -> Value {
        try await store.access { session, _ throws(HandleError) in
            body(&session.exchangeResources.alternatives.services)
        }
    }
}
