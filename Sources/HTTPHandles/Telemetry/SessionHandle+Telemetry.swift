#if TELEMETRY
public import HTTPHandlesCore
import HTTPHandlesDriver

extension SessionHandle {
    /// Makes a session whose requests are logged, measured and traced. No thread is started and nothing is sent.
    ///
    /// See `init(userAgent:context:options:)`.
    ///
    /// - Parameters:
    ///   - userAgent: What the `User-Agent` field of requests says; without it none is sent.
    ///   - context: A value for the caller's own use, released after the session's `handleClosing`.
    ///   - options: What the session starts with.
    ///   - telemetry: The logger, the metrics and the tracer, as far as there are any.
    public init(
        userAgent: String? = nil,
        context: (any Sendable)? = nil,
        options: [OptionSetting] = [],
        telemetry: Telemetry
    ) throws(HandleError) {
        try self.init(userAgent, context, options) { driver in
            HandleTree(driver, telemetry: telemetry.isEmpty ? nil : telemetry)
        }
    }
}

/// Runs `body` with a session whose requests are logged, measured and traced, and closes everything below it afterwards.
///
/// See `withSession(userAgent:context:options:_:)`.
///
/// - Parameters:
///   - userAgent: What the `User-Agent` field of requests says.
///   - context: A value for the caller's own use, released after the session's `handleClosing`.
///   - options: What the session starts with.
///   - telemetry: The logger, the metrics and the tracer, as far as there are any.
///   - body: What is to be done with the session.
public nonisolated(nonsending) func withSession<Result>(
    userAgent: String? = nil,
    context: (any Sendable)? = nil,
    options: [OptionSetting] = [],
    telemetry: Telemetry,
    _ body: (SessionHandle) async throws -> Result
) async throws -> Result {
    try await withSession(
        SessionHandle(userAgent: userAgent, context: context, options: options, telemetry: telemetry),
        body
    )
}
#endif
