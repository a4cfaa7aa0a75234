import HTTPHandles

/// The context value of a request: what the status callback needs to go on. (`REQUEST_CONTEXT` of the sample)
///
/// Context and request refer to each other until `handleClosing`, which is where a WinHTTP program releases its context.
actor RequestContext {
    nonisolated let number: Int
    private let limit: Int
    private var request: RequestHandle?
    /// The operation that is pending. Its value is what WinHTTP puts into a buffer of the program.
    private var head: Task<ResponseHead, any Error>?
    private var piece: Task<[UInt8], any Error>?
    private var bytes: [UInt8] = []
    private var outcome: Result<[UInt8], HandleError>?

    init(number: Int, limit: Int) {
        self.number = number
        self.limit = limit
    }

    /// The body, when the request is gone.
    var result: Result<[UInt8], HandleError> {
        outcome ?? .failure(HandleError(.operationCancelled, .closeHandle, reason: "the request was closed"))
    }

    func send(_ request: RequestHandle) {
        self.request = request
        start { try await $0.send() }
    }

    /// What the sample does in its status callback. Called for one event at a time.
    func statusCallback(_ event: StatusEvent) async {
        switch event.kind {
        case .sendRequestComplete:
            // WinHttpReceiveResponse
            head = start { try await $0.receiveResponse() }
        case .headersAvailable:
            guard let head = try? await head?.value else { return }
            guard head.isSuccess else {
                return end(.failure(HandleError(.unsuccessfulStatus, .receiveResponse, reason: "\(head)")))
            }
            queryDataAvailable()
        case .dataAvailable(bytes: 0): end(.success(bytes))
        case .dataAvailable(let count):
            guard bytes.count + count <= limit else {
                let reason = "the resource is longer than \(limit) bytes"
                return end(.failure(HandleError(.insufficientBuffer, .readData, reason: reason)))
            }
            // WinHttpReadData
            piece = start { try await $0.body.read(upTo: count) }
        case .readComplete:
            guard let piece = try? await piece?.value else { return }
            bytes += piece
            queryDataAvailable()
        case .requestError(let error): end(.failure(error))
        case .handleClosing: request = nil
        default: break
        }
    }

    /// WinHttpCloseHandle. The first result counts: closing makes a pending operation fail.
    func end(_ outcome: Result<[UInt8], HandleError>) {
        self.outcome = self.outcome ?? outcome
        try? request?.close()
    }

    private func queryDataAvailable() {
        // WinHttpQueryDataAvailable
        start { try await $0.body.available() }
    }

    /// Starts an operation, and returns at once. Its completion is an event.
    @discardableResult
    private func start<Value: Sendable>(
        _ operation: @escaping @Sendable (RequestHandle) async throws -> Value
    ) -> Task<Value, any Error> {
        Task { [request] in
            guard let request else { throw CancellationError() }
            do {
                return try await operation(request)
            } catch {
                // Also of a call that was refused, which has no event. In WinHTTP that is its return value.
                try? request.close()
                throw error
            }
        }
    }
}
