import HTTPHandlesCore

/// Runs `body` with a session of its own and closes everything below it afterwards: on return, on an error, on
/// cancellation.
///
/// When this returns, every handle of the session is gone, its connections are closed and nothing of it runs any more.
///
/// - Parameters:
///   - userAgent: What the `User-Agent` field of requests says.
///   - context: A value for the caller's own use, released after the session's `handleClosing`.
///   - options: What the session starts with.
///   - body: What is to be done with the session.
public nonisolated(nonsending) func withSession<Result>(
    userAgent: String? = nil,
    context: (any Sendable)? = nil,
    options: [OptionSetting] = [],
    _ body: (SessionHandle) async throws -> Result
) async throws -> Result {
    try await withSession(SessionHandle(userAgent: userAgent, context: context, options: options), body)
}

nonisolated(nonsending) func withSession<Result>(
    _ session: SessionHandle,
    _ body: (SessionHandle) async throws -> Result
) async throws -> Result {
    do {
        let result = try await body(session)
        await session.object.closeTree()
        return result
    } catch {
        await session.object.closeTree()
        throw error
    }
}
