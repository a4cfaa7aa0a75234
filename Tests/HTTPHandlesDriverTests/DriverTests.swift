import HTTPHandlesCore
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

@testable import HTTPHandlesDriver

@Suite("Driver inbox")
struct DriverInboxTests {
    static let command = DriverInbox.Entry.command { _ in }

    @Test func `the first entry starts the thread, a later one wakes it only if it sleeps`() {
        var inbox = DriverInbox()
        #expect(inbox.post(Self.command) == .startThread)
        #expect(inbox.post(Self.command) == .nothing)
        var taken: [DriverInbox.Entry?] = []
        inbox.take(&taken)
        #expect(taken.count == 2)
        #expect(inbox.prepareToRest(mayRest: true) == .sleep)
        #expect(inbox.post(Self.command) == .wake)
        #expect(inbox.post(Self.command) == .nothing)
    }

    @Test func `an entry that wakes no thread stays until the thread wakes or is woken for it`() {
        var inbox = DriverInbox()
        // Without a thread nothing would ever run it.
        #expect(inbox.post(Self.command, wakes: false) == .startThread)
        #expect(inbox.wakeForEntries() == .nothing)
        var taken: [DriverInbox.Entry?] = []
        inbox.take(&taken)
        #expect(inbox.prepareToRest(mayRest: true) == .sleep)
        #expect(inbox.wakeForEntries() == .nothing)
        #expect(inbox.post(Self.command, wakes: false) == .nothing)
        #expect(inbox.post(Self.command) == .wake)
        taken.removeAll()
        inbox.take(&taken)
        #expect(taken.count == 2)
        #expect(inbox.prepareToRest(mayRest: true) == .sleep)
        #expect(inbox.post(Self.command, wakes: false) == .nothing)
        #expect(inbox.wakeForEntries() == .wake)
        #expect(inbox.wakeForEntries() == .nothing)
        #expect(inbox.prepareToRest(mayRest: true) == .entriesWait)
        inbox.retire()
        taken.removeAll()
        inbox.take(&taken)
        #expect(inbox.prepareToRest(mayRest: true) == .stop)
    }

    @Test func `a thread does not sleep while an entry waits`() {
        var inbox = DriverInbox()
        _ = inbox.post(Self.command)
        #expect(inbox.prepareToRest(mayRest: true) == .entriesWait)
        inbox.retire()
        #expect(inbox.prepareToRest(mayRest: true) == .entriesWait)
    }

    @Test func `a retired thread stops, and a late entry starts another`() {
        var inbox = DriverInbox()
        _ = inbox.post(Self.command)
        inbox.retire()
        var taken: [DriverInbox.Entry?] = []
        inbox.take(&taken)
        #expect(inbox.prepareToRest(mayRest: true) == .stop)
        #expect(inbox.post(Self.command) == .startThread)
    }

    @Test func `a calling thread stops when the inbox is empty`() {
        var inbox = DriverInbox()
        _ = inbox.post(Self.command)
        var taken: [DriverInbox.Entry?] = []
        inbox.take(&taken)
        #expect(inbox.prepareToRest(mayRest: false) == .stop)
    }
}

@Suite("Resumptions")
struct ResumptionsTests {
    @Test(arguments: [0, 1, 2, 32, 33, 100])
    func `each task is resumed once, in batches of any size`(count: Int) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
        let resumptions = Resumptions()
        for number in 0..<count { resumptions.add(at: .medium) { continuation.yield(number) } }
        resumptions.flush()
        var numbers: [Int] = []
        for await number in stream.prefix(count) { numbers.append(number) }
        #expect(numbers.sorted() == Array(0..<count))
    }

    @Test func `a batch has the highest priority of its tasks`() async {
        let (stream, continuation) = AsyncStream.makeStream(of: TaskPriority.self)
        let resumptions = Resumptions()
        for priorities in [[TaskPriority.low, .high, .medium], [.low, .low]] {
            for priority in priorities { resumptions.add(at: priority) { continuation.yield(Task.currentPriority) } }
            resumptions.flush()
            let highest = priorities.max()
            for await priority in stream.prefix(priorities.count) { #expect(priority == highest) }
        }
    }
}

@Suite("Driver thread", .timeLimit(.minutes(5)))
struct DriverThreadTests {
    @Test func `commands run in order on the current driver thread`() async throws {
        let driver = try Driver()
        #expect(!driver.isCurrent)
        let seen = Seen()
        await TaskContinuation.suspend { continuation in
            for number in 0..<1000 {
                driver.submit { _ in
                    driver.checkIsolated()
                    seen.numbers.withLock { $0.append(number) }
                    if number == 999 { continuation.resume() }
                }
            }
        }
        #expect(seen.numbers.withLock { $0 } == Array(0..<1000))
    }

    final class Seen: Sendable {
        let numbers = Lock<[Int]>([])
    }

    actor Resident {
        private let driver: Driver
        init(_ driver: Driver) { self.driver = driver }
        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe driver.asUnownedSerialExecutor() }
        func isOnDriver() -> Bool { driver.isCurrent }
        func isOnDriverOutsideJob() async -> Bool {
            await TaskContinuation.suspend { continuation in
                driver.submit { _ in continuation.resume(returning: self.assumeIsolated { _ in true }) }
            }
        }
    }

    @Test func `actors run on the driver's thread, and are isolated there outside of a job too`() async throws {
        let resident = Resident(try Driver())
        #expect(await resident.isOnDriver())
        #expect(await resident.isOnDriverOutsideJob())
    }

    @Test func `tasks that prefer the thread run on it`() async throws {
        let driver = try Driver()
        let executor = DriverTaskExecutor(driver)
        let isOnDriver = await Task(executorPreference: executor) { driver.isCurrent }.value
        #expect(isOnDriver)
        let resident = Resident(driver)
        let both = await Task(executorPreference: executor) { (await resident.isOnDriver(), driver.isCurrent) }.value
        #expect(both == (true, true))
    }

    @Test func `a retired driver stops its thread and starts one again for late commands`() async throws {
        let driver = try Driver()
        for _ in 0..<100 {
            await TaskContinuation.suspend { continuation in
                driver.submit { _ in
                    driver.retire()
                    continuation.resume()
                }
            }
        }
    }

    @Test func `many threads submit at once and nothing is lost`() async throws {
        let driver = try Driver()
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    for _ in 0..<500 {
                        await TaskContinuation.suspend { continuation in
                            driver.submit { _ in
                                counter.value.wrappingAdd(1, ordering: .relaxed)
                                continuation.resume()
                            }
                        }
                    }
                }
            }
        }
        #expect(counter.value.load(ordering: .relaxed) == 10_000)
    }

    final class Counter: Sendable {
        let value = Atomic(0)
    }
}

@Suite("Event back ends", .timeLimit(.minutes(5)))
struct EventBackendTests {
    @Test(
        arguments: [
            (0x07_58_01, EventBackendChoice.epoll), (0x07_57_00, .poll), (0x08_0A_00, .epoll), (0x08_0B_00, .poll),
            (0x08_0E_01, .poll), (0x08_11_00, .epoll), (0x08_14_00, .poll), (0x08_16_00, .poll), (0x08_17_00, .epoll),
        ] as [(UInt32, EventBackendChoice)]
    )
    func `the back end for each version`(version: UInt32, choice: EventBackendChoice) {
        #expect(EventBackendChoice.best(for: version) == choice)
    }

    /// Collects what the driver reports of one transfer.
    final class Recorder: TransferDelegate {
        let download: DownloadBuffer
        private(set) var transfer: Transfer?
        private(set) var reports: [TransferReport] = []
        private var whenOver: (([TransferReport]) -> Void)?

        init(_ download: DownloadBuffer, whenOver: @escaping ([TransferReport]) -> Void) {
            self.download = download
            self.whenOver = whenOver
        }

        func start(_ request: TransferRequest, _ engine: TransferEngine) throws(HandleError) {
            transfer = try engine.start(request, download: download, delegate: self)
        }

        func transfer(_ transfer: Transfer, reported reports: [TransferReport], _ engine: TransferEngine) {
            self.reports += reports
            switch reports.last {
            case .finished, .failed:
                whenOver?(self.reports)
                whenOver = nil
                self.transfer?.release()
                self.transfer = nil
            default: break
            }
        }

        func transferMovedBody(_ transfer: Transfer, _ engine: TransferEngine) {}

        func transferAlarm(_ transfer: Transfer, _ engine: TransferEngine) -> MonotonicTime? { nil }
    }

    /// Performs a request and returns what is reported of it.
    static func reports(
        _ driver: Driver,
        _ url: String,
        method: HTTPRequest.Method = .get,
        body: TransferRequest.Body = .none,
        then: @escaping @Sendable (TransferEngine) -> Void = { _ in }
    ) async throws -> [TransferReport] {
        let message = RequestMessage(
            method: method,
            url: try RequestURL(parsing: url, for: .openRequest),
            headerFields: [:]
        )
        return await TaskContinuation.suspend { continuation in
            driver.submit { engine in
                let recorder = Recorder(DownloadBuffer()) { continuation.resume(returning: $0) }
                try? recorder.start(TransferRequest(message, body, OptionSnapshot(OptionValues())), engine)
                then(engine)
            }
        }
    }

    static func answering() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    @Test(arguments: EventBackendChoice.allCases)
    func `the reports of a first and a second request`(backend: EventBackendChoice) async throws {
        let server = try Self.answering()
        let driver = try Driver(DriverConfiguration(backend: backend))
        let address = SocketAddress(host: "127.0.0.1", port: server.port)
        let head = HeaderBlock(bytes: Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".utf8))
        let size =
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nAccept: */*\r\n\(Transfer.acceptedCodings)\r\n\r\n"
            .utf8.count
        let exchange: [TransferReport] = [
            .milestone(.sending), .milestone(.requestSent(bytes: size)), .head(head), .finished,
        ]
        let first = try await Self.reports(driver, server.url())
        let id = ConnectionID(1)
        #expect(
            first == [.milestone(.connecting(address, id)), .milestone(.connected(address, secure: false, id))]
                + exchange
        )
        let second = try await Self.reports(driver, server.url())
        #expect(second == [.milestone(.reused(address, id))] + exchange)
    }

    @Test(arguments: EventBackendChoice.allCases)
    func `a refused connection`(backend: EventBackendChoice) async throws {
        let port = try ScriptedServer { _ in }.port
        let driver = try Driver(DriverConfiguration(backend: backend))
        let reports = try await Self.reports(driver, "http://127.0.0.1:\(port)/")
        #expect(reports.count == 2)
        guard case .failed(let error, []) = reports.last else {
            Issue.record("\(reports)")
            return
        }
        #expect(error.code == .cannotConnect)
    }

    @Test(arguments: EventBackendChoice.allCases)
    func `a failure of the engine ends every transfer, and no more can be made`(backend: EventBackendChoice)
        async throws
    {
        let server = try ScriptedServer { $0.waitForClose() }
        let driver = try Driver(DriverConfiguration(backend: backend))
        let error = HandleError.driverStopped(.sendRequest, "the test says so")
        let reports = try await Self.reports(driver, server.url()) { $0.fail(error) }
        #expect(reports == [.failed(error, [])])
        let refusal = await TaskContinuation.suspend { continuation in
            driver.submit { engine in
                do throws(HandleError) {
                    let url = try RequestURL(parsing: "http://h/", for: .openRequest)
                    let message = RequestMessage(method: .get, url: url, headerFields: [:])
                    let recorder = Recorder(DownloadBuffer()) { _ in }
                    _ = try engine.start(
                        TransferRequest(message, .none, OptionSnapshot(OptionValues())),
                        download: recorder.download,
                        delegate: recorder
                    )
                    continuation.resume(returning: HandleError?.none)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
        #expect(refusal == error)
    }

    @Test(arguments: EventBackendChoice.allCases)
    func `connections in use do not affect idle ones`(backend: EventBackendChoice) async throws {
        let count = 8
        let arrived = Lock(0)
        let allArrived = Gate()
        let silent = try ScriptedServer { connection in
            _ = try connection.readRequest()
            arrived.withLock { arrived in
                arrived += 1
                if arrived == count { allArrived.open() }
            }
            connection.waitForClose()
        }
        let server = try Self.answering()
        var configuration = DriverConfiguration(backend: backend)
        configuration.idleLimits.count = 2
        let driver = try Driver(configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count { group.addTask { _ = try await Self.reports(driver, silent.url()) } }
            await allArrived.passed()
            for _ in 0..<3 { #expect(try await Self.reports(driver, server.url()).last == .finished) }
            #expect(server.connectionsAccepted == 1)
            silent.stop()
            try await group.waitForAll()
        }
    }

    @Test(arguments: EventBackendChoice.allCases)
    func `a thousand connections are made and closed`(backend: EventBackendChoice) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.0 200 OK\r\n\r\nbye")
        }
        let driver = try Driver(DriverConfiguration(backend: backend))
        try await withThrowingTaskGroup(of: TransferReport?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    var last: TransferReport?
                    for _ in 0..<100 { last = try await Self.reports(driver, server.url()).last }
                    return last
                }
            }
            for try await last in group { #expect(last == .finished) }
        }
        #expect(server.connectionsAccepted == 1000)
    }
}
