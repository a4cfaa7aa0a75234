import HTTPHandlesCore

// The parsers of WebSockets.

/// The result for frames does not depend on their split into pieces.
func webSocketFrames(_ bytes: [UInt8], _ cut: Int) {
    precondition(elements([bytes[...]]) == elements([bytes[..<cut], bytes[cut...]]))
}

/// The elements, the pieces of a message joined, and the failure. The bytes of the message that a failure is in are left
/// out: how many were handed out depends on the pieces.
private func elements(_ pieces: [ArraySlice<UInt8>]) -> [[UInt8]] {
    var parser = WebSocketFrameParser(
        limits: WebSocketFrameParser.Limits(frameSize: 1000, messageSize: 2000),
        allowsCompression: true
    )
    var elements: [[UInt8]] = []
    var message: [UInt8] = []
    do {
        for piece in pieces {
            var input = piece
            while let element = try parser.next(&input) {
                switch element {
                case .data(let bytes, let isText, let isCompressed, let endsMessage):
                    message += bytes
                    precondition(message.count <= 2000 + 2000 / 256 + 64)
                    guard endsMessage else { continue }
                    let isValid = String(validating: message, as: UTF8.self) != nil
                    precondition(!isText || isCompressed || isValid)
                    elements.append(message)
                    message = []
                case .ping(let payload), .pong(let payload):
                    precondition(payload.count <= 125)
                    elements.append(payload)
                case .close(let status): elements.append(status.payload)
                }
            }
        }
    } catch {
        return elements + [Array(error.reason.utf8)]
    }
    return elements + [message]
}

/// A socket with a slow reader keeps little, answers, and ends every operation.
func webSocket(_ bytes: [UInt8], _ cut: Int) {
    let now = MonotonicTime(nanoseconds: 0)
    var settings = WebSocketSettings()
    settings.receiveBuffer = 100
    settings.limits = WebSocketFrameParser.Limits(frameSize: 1000, messageSize: 2000)
    var generator = SystemRandomNumberGenerator()
    var machine = WebSocketStateMachine(settings, nil, at: now)
    var actions = WebSocketActions()
    machine.begin(at: now, &actions)
    _ = machine.sendRequested(1, WebSocketMessage.text("text").piece, &actions)
    _ = machine.receiveRequested(whole: cut % 2 == 0, at: now, &actions)
    var isPending = true
    for piece in [bytes[..<cut], bytes[cut...]] {
        machine.received(piece, at: now, &actions)
        _ = machine.takeOutput(upTo: 1 + cut, at: now, using: &generator, &actions)
        precondition(machine.bufferedBytes <= 100 + 40 * bytes.count)
    }
    machine.inputEnded(at: now, &actions)
    machine.closed(&actions)
    actions.carryOut { action in
        switch action {
        case .deliver, .deliverClose, .fail(.receive, _):
            precondition(isPending)
            isPending = false
        default: break
        }
    }
    precondition(!isPending)
}

/// The head of the answer to a handshake.
func webSocketHandshake(_ head: [UInt8]) {
    var generator = SystemRandomNumberGenerator()
    let offer = PermessageDeflate.Offer()
    guard let handshake = try? WebSocketHandshake(subprotocols: ["a"], deflate: offer, using: &generator) else {
        return
    }
    let accept = "\r\nSec-WebSocket-Accept: \(handshake.expectedAccept)\r\n\r\n"
    guard let agreement = try? handshake.check(HeaderBlock(bytes: head + accept.utf8)) else { return }
    precondition(agreement.subprotocol ?? "a" == "a")
    precondition((8...15).contains(agreement.deflate?.clientWindowBits ?? 8))
}
