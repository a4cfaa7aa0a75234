import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting

/// Runs one program: its tasks perform their steps concurrently, and everything is recorded.
final class RandomWalk: Sendable {
    struct Session { let handle: SessionHandle, walked: WalkedHandle }
    struct Connection { let handle: ConnectionHandle, walked: WalkedHandle }
    struct Request { let handle: RequestHandle, walked: WalkedHandle }

    /// The walk's references to its handles; there are no others, except during calls.
    private struct Slots {
        var session: Session?
        var connections: [Connection?] = Array(repeating: nil, count: WalkProgram.connectionSlots)
        var requests: [Request?] = Array(repeating: nil, count: WalkProgram.requestSlots)
    }

    let program: WalkProgram
    let history = WalkHistory()
    let census = WalkCensus()
    let server: ScriptedServer
    private let slots = Lock(Slots())
    private let recorders = Lock<[EventRecorder]>([])
    private let listeners = Lock<[Task<Void, Never>]>([])
    private let numbers = Atomic(0)

    let files: WalkFiles

    init(_ program: WalkProgram, _ files: WalkFiles) throws {
        self.program = program
        self.files = files
        server = try ServerBehaviour.server(for: census)
    }

    // MARK: The handles

    func nextNumber() -> Int { numbers.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Every third handle has its own context.
    private func nextContext(_ parent: WalkedHandle) -> (WalkContext?, number: Int) {
        let number = nextNumber()
        return number % 3 == 0 ? (WalkContext(number, census), number) : (nil, parent.context)
    }

    func begin(_ session: SessionHandle) {
        let walked = WalkedHandle(
            session,
            of: nil,
            context: 0,
            endsInTime: program.hasShortLimits,
            isRetried: program.hasRetries,
            hasAnyOptions: program.hasAnyOptions
        )
        history.add(walked)
        slots.withLock { $0.session = Session(handle: session, walked: walked) }
    }

    var session: Session? { slots.withLock { $0.session } }
    var connections: [Connection] { slots.withLock { $0.connections.compactMap(\.self) } }
    var requests: [Request] { slots.withLock { $0.requests.compactMap(\.self) } }

    func existing(_ target: Target) -> (handle: any Handle, walked: WalkedHandle)? {
        slots.withLock { slots in
            switch target {
            case .session: slots.session.map { ($0.handle, $0.walked) }
            case .connection(let slot): slots.connections[slot].map { ($0.handle, $0.walked) }
            case .request(let slot): slots.requests[slot].map { ($0.handle, $0.walked) }
            }
        }
    }

    /// The request of a slot, made if there is none. `nil` if none can be made any more.
    func request(_ slot: Int) async -> Request? {
        if let request = slots.withLock({ $0.requests[slot] }) { return request }
        return await open(slot, on: slot % WalkProgram.connectionSlots, .hello, .post)
    }

    func connection(_ slot: Int, renewed: Bool = false) async -> Connection? {
        if !renewed, let connection = slots.withLock({ $0.connections[slot] }) { return connection }
        guard let session else { return nil }
        let (context, number) = nextContext(session.walked)
        let operation = history.begin(.connect, on: session.walked)
        do throws(HandleError) {
            let handle = try await session.handle.connect(to: "127.0.0.1", port: server.port, context: context)
            let connection = Connection(
                handle: handle,
                walked: WalkedHandle(handle, of: session.walked, context: number)
            )
            history.add(connection.walked)
            history.end(operation, .done)
            slots.withLock { $0.connections[slot] = connection }
            return connection
        } catch {
            history.end(operation, .failed(error))
            return nil
        }
    }

    @discardableResult
    func open(_ slot: Int, on place: Int, _ behaviour: ServerBehaviour, _ method: WalkMethod) async -> Request? {
        guard var connection = await connection(place) else { return nil }
        if behaviour == .refused {
            guard let unreachable = await connectionWithoutListener() else { return nil }
            connection = unreachable
        }
        let (context, contextNumber) = nextContext(connection.walked)
        let number = nextNumber()
        let operation = history.begin(.openRequest, on: connection.walked)
        do throws(HandleError) {
            let handle = try await connection.handle.openRequest(
                method.request,
                behaviour.target(number),
                context: context
            )
            let walked = WalkedHandle(
                handle,
                of: connection.walked,
                context: contextNumber,
                behaviour,
                number: number,
                method
            )
            history.add(walked)
            history.end(operation, .done)
            let request = Request(handle: handle, walked: walked)
            slots.withLock { $0.requests[slot] = request }
            return request
        } catch {
            history.end(operation, .failed(error))
            // The next one may succeed.
            slots.withLock { $0.connections[place] = nil }
            return nil
        }
    }

    /// A connection handle for a port without a listener. It is released as soon as it has its request.
    private func connectionWithoutListener() async -> Connection? {
        guard let session else { return nil }
        let operation = history.begin(.connect, on: session.walked)
        do throws(HandleError) {
            let handle = try await session.handle.connect(to: "127.0.0.1", port: 1)
            let walked = WalkedHandle(handle, of: session.walked, context: session.walked.context)
            history.add(walked)
            history.end(operation, .done)
            return Connection(handle: handle, walked: walked)
        } catch {
            history.end(operation, .failed(error))
            return nil
        }
    }

    func drop(_ target: Target) {
        if let existing = existing(target) { history.end(history.begin(.drop, on: existing.walked), .done) }
        // Released outside the lock.
        _ = slots.withLock { slots in
            var dropped = Slots()
            switch target {
            case .session: swap(&dropped.session, &slots.session)
            case .connection(let slot): swap(&dropped.connections[slot], &slots.connections[slot])
            case .request(let slot): swap(&dropped.requests[slot], &slots.requests[slot])
            }
            return dropped
        }
    }

    func dropEverything() {
        for slot in 0..<WalkProgram.requestSlots { drop(.request(slot)) }
        for slot in 0..<WalkProgram.connectionSlots { drop(.connection(slot)) }
        drop(.session)
    }

    // MARK: Listening

    func record(_ handle: some Handle, _ mask: StatusMask, _ scope: StatusScope) {
        let recorder = EventRecorder(of: handle, mask, scope: scope)
        recorders.withLock { $0.append(recorder) }
    }

    func listen(_ body: @escaping @Sendable () async -> Void) {
        let task = Task { await body() }
        listeners.withLock { $0.append(task) }
    }

    func takeRecorders() -> [EventRecorder] {
        recorders.withLock { recorders in
            defer { recorders = [] }
            return recorders
        }
    }

    func finishListening() async {
        for listener in listeners.withLock({ $0 }) { await listener.value }
        listeners.withLock { $0 = [] }
    }
}
