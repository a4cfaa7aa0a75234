import HTTPHandlesCore
import HTTPHandlesTimeline
import HTTPTypes

/// Events of a session with times in milliseconds.
struct TimelineScript {
    static let session = HandleID(level: .session, number: 1)
    static let connection = HandleID(level: .connection, number: 2)
    static let address = SocketAddress(host: "127.0.0.1", port: 8080)

    private(set) var events: [StatusEvent] = []
    private let start = ContinuousClock.now
    private var sequences: [HandleID: Int] = [:]

    static func request(_ number: UInt64 = 3) -> HandleID { HandleID(level: .request, number: number) }

    mutating func add(
        _ milliseconds: Double,
        _ kind: StatusEvent.Kind,
        _ handle: HandleID = request(),
        on connection: UInt64? = nil
    ) {
        let sequence = sequences[handle, default: 0]
        sequences[handle] = sequence + 1
        events.append(
            StatusEvent(
                handle: handle,
                context: nil,
                time: start + .microseconds(Int64(milliseconds * 1000)),
                sequence: sequence,
                kind: kind,
                connection: connection.map(ConnectionID.init)
            )
        )
    }

    mutating func create(_ request: HandleID = request(), _ url: String = "http://h:8080/first?key=s3cret") {
        add(0, .handleCreated(parent: Self.connection, request: RequestSummary(method: .get, url: url)), request)
    }

    /// The phases from the connection to the head of the response.
    mutating func exchange(
        _ start: Double,
        _ status: Int,
        _ request: HandleID = request(),
        on connection: UInt64,
        isReused: Bool = false
    ) {
        if isReused {
            add(start, .connectionReused(address: Self.address), request, on: connection)
        } else {
            add(start, .connectingToServer(address: Self.address), request, on: connection)
            add(start + 2, .connectedToServer(address: Self.address), request, on: connection)
        }
        add(start + 2, .sendingRequest, request, on: connection)
        add(start + 3, .requestSent(bytes: 50), request, on: connection)
        add(start + 3, .receivingResponse, request, on: connection)
        add(
            start + 10,
            .responseReceived(status: HTTPResponse.Status(code: status), bytes: 40),
            request,
            on: connection
        )
    }

    /// A name, TLS, a redirect on the same connection, and a body.
    static let redirected: TimelineScript = {
        var script = TimelineScript()
        script.create()
        script.add(0, .queued)
        script.add(5, .resolvingName(host: "h"))
        script.add(8, .nameResolved(address: "127.0.0.1"))
        script.add(8, .connectingToServer(address: address), on: 7)
        script.add(10, .connectedToServer(address: address), on: 7)
        script.add(10, .securingConnection, on: 7)
        script.add(20, .connectionSecured, on: 7)
        script.add(20, .sendingRequest, on: 7)
        script.add(21, .requestSent(bytes: 50), on: 7)
        script.add(21, .sendRequestComplete, on: 7)
        script.add(21, .receivingResponse, on: 7)
        script.add(40, .responseReceived(status: .found, bytes: 60), on: 7)
        script.add(41, .redirect(url: "http://h:8080/second"), on: 7)
        script.exchange(42, 200, on: 7, isReused: true)
        script.add(52, .headersAvailable, on: 7)
        script.add(60, .readComplete(bytes: 5), on: 7)
        script.add(61, .readComplete(bytes: 0), on: 7)
        script.add(70, .handleClosing, on: 7)
        script.add(71, .connectionClosed, session, on: 7)
        return script
    }()
}
