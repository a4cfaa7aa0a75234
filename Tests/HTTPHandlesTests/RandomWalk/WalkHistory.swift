import HTTPHandles
import HTTPHandlesLock

/// The properties of a handle of a walk, without a reference to the handle.
final class WalkedHandle: Sendable {
    let id: HandleID
    let parent: WalkedHandle?
    /// The number of the handle's context.
    let context: Int
    let behaviour: ServerBehaviour
    /// The number in the request's target.
    let number: Int
    let method: WalkMethod
    /// The walk writes the body, which may never be complete.
    private let lacksBody = Atomic(false)
    /// Some exchanges may have short time limits.
    private let timesOut = Atomic(false)
    /// Every exchange has short time limits, so that everything ends without help.
    let endsInTime: Bool
    /// The session has a retry policy.
    let isRetried: Bool
    /// Its options change at any time, so any result is possible.
    private let anyOptions: Atomic<Bool>
    private let sends = Atomic(0)
    private let changes = Atomic(0)

    init(
        _ handle: some Handle,
        of parent: WalkedHandle?,
        context: Int,
        _ behaviour: ServerBehaviour = .hello,
        number: Int = 0,
        _ method: WalkMethod = .get,
        endsInTime: Bool = false,
        isRetried: Bool = false,
        hasAnyOptions: Bool = false
    ) {
        id = handle.id
        self.parent = parent
        self.context = context
        self.behaviour = behaviour
        self.number = number
        self.method = method
        self.endsInTime = parent?.endsInTime ?? endsInTime
        self.isRetried = parent?.isRetried ?? isRetried
        anyOptions = Atomic(parent?.hasAnyOptions ?? hasAnyOptions)
    }

    var mayLackBody: Bool { lacksBody.load(ordering: .relaxed) }
    var mayTimeOut: Bool { endsInTime || timesOut.load(ordering: .relaxed) }

    var hasAnyOptions: Bool { anyOptions.load(ordering: .relaxed) }

    /// A send and a change of options must not overlap. Each checks for the other: then the change is not made, or any result
    /// is allowed.
    func beginSend() {
        sends.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if changes.load(ordering: .sequentiallyConsistent) > 0 { anyOptions.store(true, ordering: .relaxed) }
    }

    func endSend() { sends.wrappingSubtract(1, ordering: .sequentiallyConsistent) }

    func beginChange() -> Bool {
        changes.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if sends.load(ordering: .sequentiallyConsistent) == 0 { return true }
        endChange()
        return false
    }

    func endChange() { changes.wrappingSubtract(1, ordering: .sequentiallyConsistent) }

    func noteMayLackBody() { lacksBody.store(true, ordering: .relaxed) }
    func noteMayTimeOut() { timesOut.store(true, ordering: .relaxed) }

    /// Whether an operation may wait until another call ends it.
    var mayStall: Bool {
        hasAnyOptions || !endsInTime && (behaviour.mayStall || mayLackBody)
    }
}

/// A call.
enum WalkedCall: Sendable, Equatable {
    case connect, openRequest, send(upload: Upload), receive, read, readToEnd, write, finishWriting
    case close, closeAll, setOption, queryOption, headerFields, fetch, drop
    case setCookie(String), listCookies, removeCookies

    enum Upload: Sendable { case upFront, stream, writes, missing }

    /// Calls that are part of an exchange with the server.
    var isExchange: Bool {
        switch self {
        case .send, .receive, .read, .readToEnd, .write, .finishWriting: true
        default: false
        }
    }

    /// Its name in errors.
    var operation: HandleOperation {
        switch self {
        case .connect: .connect
        case .openRequest, .fetch: .openRequest
        case .send: .sendRequest
        case .receive: .receiveResponse
        case .read, .readToEnd: .readData
        case .write, .finishWriting: .writeData
        case .close, .closeAll, .drop: .closeHandle
        case .setOption: .setOption
        case .queryOption: .queryOption
        case .headerFields: .accessHeaderFields
        case .setCookie, .listCookies, .removeCookies: .accessCookies
        }
    }
}

/// The result of a call.
enum WalkedResult: Sendable {
    case done
    /// `write` returned false.
    case unwanted
    case head(status: Int, target: String?)
    /// The names of the cookies in the jar.
    case cookies(Set<String>)
    /// Body bytes, the number of reads, and whether each byte was the correct one after the previous byte.
    case bytes(BodyBytes)
    /// Body bytes, and then the end of the body.
    case wholeBody(BodyBytes)
    /// Body bytes, and then an error.
    case failed(HandleError, after: BodyBytes)

    struct BodyBytes: Sendable {
        var count = 0
        var first: UInt8?
        var reads = 0
        var isConsistent = true
    }

    static func failed(_ error: HandleError) -> WalkedResult { .failed(error, after: BodyBytes()) }

    var error: HandleError? {
        if case .failed(let error, _) = self { error } else { nil }
    }

    var bytes: BodyBytes? {
        switch self {
        case .bytes(let bytes), .wholeBody(let bytes), .failed(_, let bytes): bytes
        case .done, .unwanted, .head, .cookies: nil
        }
    }
}

/// One call, from its beginning to its end. Times are positions in the order of all beginnings and ends.
struct WalkedOperation: Sendable {
    let call: WalkedCall
    let handle: WalkedHandle
    let began: Int
    var ended: Int = .max
    var result: WalkedResult?
    /// When its task was cancelled, if it was.
    var cancelled: Int?

    func overlaps(_ other: WalkedOperation) -> Bool { began < other.ended && other.began < ended }
}

/// All calls of the tasks of a walk, with their results.
final class WalkHistory: Sendable {
    private struct State {
        var time = 0
        var operations: [WalkedOperation] = []
        var handles: [WalkedHandle] = []

        mutating func tick() -> Int {
            time += 1
            return time
        }
    }

    private let state = Lock(State())

    var operations: [WalkedOperation] { state.withLock { $0.operations } }
    var handles: [WalkedHandle] { state.withLock { $0.handles } }

    func add(_ handle: WalkedHandle) {
        state.withLock { $0.handles.append(handle) }
    }

    /// Returns the operation's number.
    func begin(_ call: WalkedCall, on handle: WalkedHandle) -> Int {
        state.withLock { state in
            state.operations.append(WalkedOperation(call: call, handle: handle, began: state.tick()))
            return state.operations.count - 1
        }
    }

    func end(_ operation: Int, _ result: WalkedResult) {
        state.withLock { state in
            state.operations[operation].ended = state.tick()
            state.operations[operation].result = result
        }
    }

    /// To be called before the task is cancelled.
    func cancel(_ operation: Int) {
        state.withLock { state in state.operations[operation].cancelled = state.tick() }
    }
}
