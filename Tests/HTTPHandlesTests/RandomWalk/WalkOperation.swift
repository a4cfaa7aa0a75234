import HTTPHandles

/// The operation of a step of a random walk. Numbers are slots for handles that all tasks share.
///
/// A new operation needs a case here, a weight in `WalkProgram`, its implementation in `RandomWalk`, and its rules in
/// `RequestModel` or `HandleTreeModel`.
enum WalkOperation: Sendable {
    case connect(Int)
    case open(Int, on: Int, ServerBehaviour, WalkMethod)
    case send(Int, SentBody)
    case receive(Int)
    /// Reads one piece of the body.
    case read(Int)
    /// Reads the rest of the body.
    case readToEnd(Int)
    case write(Int, count: Int)
    case finishWriting(Int)
    case close(Target)
    case closeAll(Target)
    /// Closes the handle from inside its own event loop, at some event.
    case closeAtEvent(Int, count: Int)
    /// Waits for the end of a handle that was closed in the same step.
    case closeAndWait(Int)
    /// Releases the walk's only reference.
    case drop(Target)
    case setShortLimits(Target)
    /// Sets one option to one of its values, in walks that allow any result.
    case setAnyOption(Target, option: Int, value: Int)
    case queryOption(Target)
    /// Changes the header fields of a request for its next exchange.
    case changeHeaderFields(Int, HeaderFieldRule)
    /// Adds a cookie to the session's jar.
    case setCookie
    case listCookies
    case removeCookies
    case subscribe(Target, StatusMask, StatusScope)
    /// Listens to a number of events.
    case listenFor(Target, events: Int)
    /// `get` or `perform`, with the use of the response.
    case fetch(ServerBehaviour, ResponseUse)
}

enum Target: Sendable {
    case session
    case connection(Int)
    case request(Int)
}

/// Without a body; not idempotent; idempotent.
enum WalkMethod: String, Sendable {
    case get = "GET", post = "POST", put = "PUT"

    var hasBody: Bool { self != .get }
}

enum SentBody: Sendable {
    case none
    case bytes(Int)
    case stream(pieces: Int, of: Int)
    /// Can be sent again.
    case source(pieces: Int, of: Int)
    /// Written by the walk, possibly incomplete.
    case writes(announced: Int?)
    /// One of `WalkFiles`.
    case file(Int)
    case missingFile
    case form(Int)
    /// A field, and one of `WalkFiles`.
    case multipart(Int)
}

enum ResponseUse: Sendable, CaseIterable {
    case readToEnd, readOnce, drop, scope
}

/// An interruption of a running operation, a number of microseconds after its beginning.
struct Interruption: Sendable {
    enum Kind: Sendable, CaseIterable {
        case cancelTask, closeRequest, closeAllOfConnection
        /// Sets options of the request to any values and back, which must not affect its exchange.
        case changeOptions
    }

    let kind: Kind
    let microseconds: Int
}

struct WalkStep: Sendable {
    let operation: WalkOperation
    let interruption: Interruption?
}
