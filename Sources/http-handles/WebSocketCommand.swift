import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver
import HTTPTypes

/// `http-handles ws`: sends lines of standard input as messages, and prints what comes.
struct WebSocketCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ws",
        abstract: "Open a WebSocket: lines of standard input are sent, and messages go to standard output.",
        discussion: """
            At the end of standard input the socket is closed, after the answers that the server still sends. Exit status: 0 \
            the closing handshake was made, with code 1000 or 1001 or without one; 8 another code; 2 usage; others: curl's \
            numbers of failures.
            """
    )

    @Argument(help: "A ws or wss URL.")
    var url: String

    @OptionGroup var header: HeaderOptions

    @Option(help: ArgumentHelp("A subprotocol to offer; repeatable, the best one first.", valueName: "name"))
    var subprotocol: [String] = []

    @Flag(help: "Send lines as binary messages.")
    var binary = false

    @Flag(help: "Send a ping first, and write to standard error how long the answer takes.")
    var ping = false

    @Flag(help: "Offer no compression.")
    var noCompression = false

    @OptionGroup var authentication: AuthenticationOptions

    @OptionGroup var network: NetworkOptions

    @OptionGroup var proxy: ProxyOptions

    @OptionGroup var tls: TLSArguments

    @Option(
        help: ArgumentHelp("Write the events to standard error, as they happen: text or json.", valueName: "format")
    )
    var events: EventPrinter.Format?

    @Flag(help: "Write a waterfall of the phases of the handshake to standard error.")
    var timing = false

    func run() async throws {
        let options = try options()
        let session = try usage { () throws(HandleError) in
            try SessionHandle(userAgent: "http-handles/0.1", options: options)
        }
        let printer = events.map { EventPrinter(session, as: $0) }
        let record = timing ? SessionRecording(session, RecordingOptions.Files(timing: true)) : nil
        let outcome = await converse(session)
        _ = try? session.closeAll()
        await session.closed()
        await printer?.finish()
        try await record?.finish()
        if let failure = outcome { throw failure }
    }

    private func options() throws -> [OptionSetting] {
        var options: [OptionSetting] = [
            .set(.credentials, to: try authentication.credentials()), .set(.proxy, to: try proxy.setting()),
        ]
        if noCompression { options.append(.set(.webSocketCompression, to: nil)) }
        if !subprotocol.isEmpty { options.append(.set(.webSocketSubprotocols, to: subprotocol)) }
        return options + (try tls.options()) + (try network.settings())
    }

    private func converse(_ session: SessionHandle) async -> (any Error)? {
        do {
            let fields = try usage { () throws(HandleError) in try header.fields() }
            let httpURL = String(decoding: UpgradeRequest.httpReference(Array(url.utf8)), as: UTF8.self)
            let request = try await session.openRequest(.get, httpURL, headerFields: fields)
            try await request.setOption(.upgradesToWebSocket, to: true)
            try await request.send()
            let head = try await request.receiveResponse()
            guard head.status == .switchingProtocols else {
                throw HandleError(
                    .invalidServerResponse,
                    .receiveMessage,
                    reason: "the server answered with \(head.status), not with 101"
                )
            }
            let socket = try await request.completeWebSocketUpgrade()
            try request.close()
            if ping { Terminal.say("ping: \(try await socket.roundTrip())") }
            let status = try await exchange(over: socket)
            guard [.normalClosure, .goingAway, .noStatusReceived].contains(status.code) else {
                throw HandleError(
                    .invalidServerResponse,
                    .receiveMessage,
                    reason: "the server closed the socket with \(status.code) \(status.reason)"
                )
            }
            return nil
        } catch let error as HandleError {
            return TransferFailure(error)
        } catch {
            return error
        }
    }

    /// Both directions, until the server has closed the socket. Returns with what.
    private func exchange(over socket: WebSocketHandle) async throws -> WebSocketCloseStatus {
        let output = try WritableFile.standardOutput()
        let sending = Task.detached { () -> HandleError? in
            // Blocking; a thread of its own would be needed for each standard input, of which there is one.
            for line in InputLines() {
                guard let message = message(line) else {
                    try? socket.close()
                    let reason = "a line of standard input is not UTF-8, which only --binary can send"
                    return .invalidParameter(.sendMessage, reason)
                }
                guard (try? await socket.send(message)) != nil else { return nil }
            }
            try? await socket.shutdown()
            return nil
        }
        // Which closes the handle, if a call is pending.
        defer { sending.cancel() }
        do {
            for try await message in socket.messages {
                switch message {
                case .text(let text): try output.write(Array((text + "\n").utf8))
                case .binary(let bytes): try output.write(bytes + (binary ? [UInt8(ascii: "\n")] : []))
                }
            }
            return try await socket.closeStatus()
        } catch {
            // Only the other direction closes the handle here.
            let isClosed = error.code == .operationCancelled || error.code == .invalidHandle
            guard isClosed, let refusal = await sending.value else { throw error }
            throw refusal
        }
    }

    /// `nil` for a text that is not UTF-8.
    private func message(_ line: [UInt8]) -> WebSocketMessage? {
        if binary { return .binary(line) }
        return String(validating: line, as: UTF8.self).map { .text($0) }
    }
}
