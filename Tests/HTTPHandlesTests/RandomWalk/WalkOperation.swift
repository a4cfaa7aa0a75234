import HTTPHandles

/// What a task of a random walk does in one step. Numbers are slots: places for handles that all tasks share.
///
/// A new operation is a case here, a weight in `WalkProgram`, its doing in `RandomWalk`, and its law in `RequestModel` or
/// `HandleTreeModel`.
enum WalkOperation: Sendable {
    case connect(Int)
    case open(Int, on: Int, ServerBehaviour, WalkMethod)
    case send(Int, SentBody)
    case receive(Int)
    /// Takes one piece of the body.
    case read(Int)
    /// Takes the rest of the body.
    case readToEnd(Int)
    case write(Int, count: Int)
    case finishWriting(Int)
    case close(Target)
    case closeAll(Target)
    /// Closes the handle from inside its own event loop, at some event.
    case closeAtEvent(Int, count: Int)
    /// Waits for the end of a handle that was closed in the same step.
    case closeAndWait(Int)
    /// Drops the walk's only reference.
    case drop(Target)
    case setShortLimits(Target)
    /// Sets one option to one of its values, where nothing is expected of results any more.
    case setAnyOption(Target, option: Int, value: Int)
    case queryOption(Target)
    /// Puts a cookie of its own into the session's jar.
    case setCookie
    case listCookies
    case removeCookies
    case subscribe(Target, StatusMask, StatusScope)
    /// Listens until so many events were heard.
    case listenFor(Target, events: Int)
    /// The one-line interface, with what becomes of the response.
    case fetch(ServerBehaviour, ResponseUse)
}

enum Target: Sendable {
    case session
    case connection(Int)
    case request(Int)
}

/// One without a body, one that may be done once only, one that may be done twice.
enum WalkMethod: String, Sendable {
    case get = "GET", post = "POST", put = "PUT"

    var hasBody: Bool { self != .get }
}

enum SentBody: Sendable {
    case none
    case bytes(Int)
    case stream(pieces: Int, of: Int)
    /// The walk writes it itself, or does not.
    case writes(announced: Int?)
    /// One of `WalkFiles`.
    case file(Int)
    case missingFile
    case form(Int)
    /// A field, and one of `WalkFiles`.
    case multipart(Int)
}

enum ResponseUse: Sendable, CaseIterable {
    case readToEnd, readOnce, drop
}

/// What happens to an operation while it runs, so many microseconds after its beginning.
struct Interruption: Sendable {
    enum Kind: Sendable, CaseIterable {
        case cancelTask, closeRequest, closeAllOfConnection
        /// Sets options of the request, to any values and back, which must not matter to what it is doing.
        case changeOptions
    }

    let kind: Kind
    let microseconds: Int
}

struct WalkStep: Sendable {
    let operation: WalkOperation
    let interruption: Interruption?
}
