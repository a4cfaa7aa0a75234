import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Event checker")
struct EventOrderCheckerTests {
    static let session = HandleID(level: .session, number: 1)
    static let connection = HandleID(level: .connection, number: 2)
    static let request = HandleID(level: .request, number: 3)

    /// Checks the events of a request, numbered from 0, and returns the first violation.
    func violation(
        _ kinds: [StatusEvent.Kind],
        mask: StatusMask = .all,
        sequences: [Int]? = nil,
        ends: Bool = true
    ) -> String? {
        var checker = EventOrderChecker(of: Self.request, mask: mask)
        do throws(EventOrderChecker.Violation) {
            for (index, kind) in kinds.enumerated() {
                try checker.check(event(Self.request, sequences?[index] ?? index, kind))
            }
            if ends { try checker.end() }
            return nil
        } catch {
            return error.description
        }
    }

    func event(_ handle: HandleID, _ sequence: Int, _ kind: StatusEvent.Kind) -> StatusEvent {
        StatusEvent(handle: handle, context: nil, time: .now, sequence: sequence, kind: kind)
    }

    static let address = SocketAddress(host: "127.0.0.1", port: 80)
    static let whole: [StatusEvent.Kind] = [
        .handleCreated(parent: connection), .queued, .resolvingName(host: "h"), .nameResolved(address: "127.0.0.1"),
        .connectingToServer(address: address), .connectingToServer(address: address),
        .connectedToServer(address: address), .securingConnection, .connectionSecured, .sendingRequest,
        .intermediateResponse(status: 103, headerFields: [:]), .requestSent(bytes: 10), .sendRequestComplete,
        .receivingResponse, .responseReceived(bytes: 20), .redirect(url: "u"), .connectionReused(address: address),
        .sendingRequest, .requestSent(bytes: 1), .receivingResponse, .responseReceived(bytes: 1), .headersAvailable,
        .readComplete(bytes: 5), .closingConnection, .connectionClosed, .readComplete(bytes: 0), .handleClosing,
    ]

    @Test func `a complete exchange is valid`() {
        #expect(violation(Self.whole) == nil)
    }

    @Test(arguments: 1..<(whole.count - 1))
    func `a missing event and a wrong number are violations`(index: Int) {
        var kinds = Self.whole
        let left = kinds.remove(at: index)
        // Some events are optional; then only the gap in the numbers shows.
        var sequences = Array(Self.whole.indices)
        sequences.remove(at: index)
        #expect(violation(kinds, sequences: sequences) != nil, "\(left)")
    }

    @Test func `nothing comes after handleClosing`() {
        #expect(violation([.handleCreated(parent: Self.connection), .handleClosing, .handleClosing]) != nil)
        #expect(violation([.handleClosing, .queued]) != nil)
    }

    @Test func `a stream ends with handleClosing`() {
        #expect(violation([.queued]) == "the stream ends without handleClosing of request 3")
        #expect(violation([]) == "the stream ends without handleClosing of request 3")
    }

    @Test func `a masked stream may have gaps`() {
        #expect(violation([.sendingRequest, .handleClosing], mask: .sendRequest, sequences: [3, 9]) == nil)
        #expect(violation([.sendingRequest, .handleClosing], sequences: [3, 9]) != nil)
    }

    @Test func `a request whose second attempt fails without an event may be sent again`() {
        let attempt: [StatusEvent.Kind] = [
            .connectingToServer(address: Self.address), .connectedToServer(address: Self.address),
        ]
        let sent: [StatusEvent.Kind] = [.sendingRequest, .requestSent(bytes: 1), .sendRequestComplete]
        let created = StatusEvent.Kind.handleCreated(parent: Self.connection)
        #expect(violation([created] + attempt + sent + attempt + attempt + sent + [.handleClosing]) == nil)
        #expect(violation([created] + attempt + attempt + sent + [.handleClosing]) != nil)
        // For a listener that started in the middle, the first attempt may have been such a second one.
        #expect(violation(attempt + attempt + sent + [.handleClosing]) == nil)
    }

    @Test func `a 401 is answered on the same connection, and nothing else is`() {
        let begin: [StatusEvent.Kind] = [
            .handleCreated(parent: Self.connection), .connectionReused(address: Self.address), .sendingRequest,
            .requestSent(bytes: 1), .sendRequestComplete, .receivingResponse, .responseReceived(bytes: 1),
        ]
        let round: [StatusEvent.Kind] = [
            .sendingRequest, .requestSent(bytes: 1), .writeComplete(bytes: 1), .receivingResponse,
            .responseReceived(bytes: 1),
        ]
        #expect(violation(begin + round + round + [.headersAvailable, .handleClosing]) == nil)
        #expect(violation(begin + [.headersAvailable] + round + [.handleClosing]) != nil)
    }

    @Test func `once a name is resolved, a connection of the pool may be used, or the name resolved again`() {
        let name: [StatusEvent.Kind] = [.resolvingName(host: "h"), .nameResolved(address: "127.0.0.1")]
        let created = StatusEvent.Kind.handleCreated(parent: Self.connection)
        let rest: [StatusEvent.Kind] = [
            .connectionReused(address: Self.address), .sendingRequest, .requestSent(bytes: 1), .sendRequestComplete,
            .handleClosing,
        ]
        #expect(violation([created] + name + rest) == nil)
        #expect(violation([created] + name + name + rest) == nil)
        #expect(violation([created] + name.dropLast() + rest) != nil)
    }

    @Test func `numbers count up`() {
        #expect(violation([.sendingRequest, .handleClosing], mask: .sendRequest, sequences: [3, 3]) != nil)
    }

    @Test func `a closing connection is closed by the next event`() {
        let created = StatusEvent.Kind.handleCreated(parent: Self.connection)
        #expect(violation([created, .closingConnection, .handleClosing]) != nil)
        #expect(violation([created, .connectionClosed, .handleClosing]) != nil)
    }

    @Test func `a secure failure is followed by its error`() {
        let begin = Array(Self.whole[..<8])
        let error = HandleError(.secureFailure, .sendRequest, reason: "r")
        #expect(violation(begin + [.secureFailure(.dateInvalid), .requestError(error), .handleClosing]) == nil)
        #expect(violation(begin + [.secureFailure(.dateInvalid), .handleClosing]) != nil)
    }

    @Test func `a failed attempt is followed by a retry or an error`() {
        let begin = Array(Self.whole[..<15])
        let retry = StatusEvent.Kind.retry(attempt: 2, after: .zero, cause: .status(503))
        let again: [StatusEvent.Kind] = [
            .connectionReused(address: Self.address), .sendingRequest, .requestSent(bytes: 1), .receivingResponse,
            .responseReceived(bytes: 1), .headersAvailable, .handleClosing,
        ]
        #expect(violation(begin + [retry] + again) == nil)
        #expect(violation(Array(begin[..<5]) + [retry, retry, .handleClosing]) == nil)
        #expect(violation(begin + [retry, .headersAvailable, .handleClosing]) != nil)
        #expect(violation(Array(Self.whole[..<8]) + [.secureFailure(.dateInvalid), retry, .handleClosing]) == nil)
    }

    @Test func `retryRefused comes directly before the result`() {
        let received = Array(Self.whole[..<15])
        let refused = StatusEvent.Kind.retryRefused(.budget, cause: .status(503))
        #expect(violation(received + [refused, .headersAvailable, .handleClosing]) == nil)
        #expect(violation(Array(received[..<5]) + [refused, .handleClosing]) != nil)
        let error = HandleError(.secureFailure, .sendRequest, reason: "r")
        let failed = StatusEvent.Kind.retryRefused(.attempts, cause: .error(error))
        let end: [StatusEvent.Kind] = [.secureFailure(.dateInvalid), .requestError(error), .handleClosing]
        #expect(violation(Array(received[..<8]) + [failed] + end) == nil)
        #expect(violation(Array(received[..<8]) + [end[0], failed] + end[1...]) != nil)
    }

    @Test func `a parent closes after its children`() throws {
        var checker = EventOrderChecker(of: Self.session)
        try checker.check(event(Self.connection, 0, .handleCreated(parent: Self.session)))
        try checker.check(event(Self.request, 0, .handleCreated(parent: Self.connection)))
        var tooEarly = checker
        #expect(throws: EventOrderChecker.Violation.self) {
            try tooEarly.check(event(Self.connection, 1, .handleClosing))
        }
        try checker.check(event(Self.request, 1, .handleClosing))
        try checker.check(event(Self.connection, 1, .handleClosing))
        try checker.check(event(Self.session, 0, .handleClosing))
        try checker.end()
    }

    @Test func `events belong to their level`() {
        var checker = EventOrderChecker(of: Self.session)
        #expect(throws: EventOrderChecker.Violation.self) { try checker.check(event(Self.session, 0, .sendingRequest)) }
    }
}
