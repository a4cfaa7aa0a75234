/// What a `WebSocketStateMachine` has its owner do.
package enum WebSocketAction: Sendable, Hashable {
    /// Tell the listeners.
    indirect case emit(WebSocketEvent)

    /// The pending receive succeeded.
    case deliver(WebSocketPiece)
    /// The pending receive ended, because the peer has closed the socket.
    case deliverClose(WebSocketCloseStatus)
    /// The operation, neither a receive nor a round trip, succeeded.
    case succeed(WebSocketOperation)
    /// The round trip took this time.
    case measured(WebSocketOperation, Duration)
    case fail(WebSocketOperation, WebSocketFailure)

    /// There is output again after `takeOutput` returned none.
    case resumeWriting
    /// The reader is slow: take no more bytes from the network.
    case pauseReading
    case resumeReading
    /// Call `decodeDue` in a later turn: inflating goes on there, so that it does not hold up others.
    case decodeLater

    /// Call `timerFired` at this moment. Replaces an earlier moment of the same timer.
    case setTimer(WebSocketTimer, MonotonicTime)
    case stopTimer(WebSocketTimer)

    /// Take the transfer out of libcurl.
    case disconnect
    /// The handle has nothing pending any more, and its last event may be emitted. Always the last action.
    case endHandle
}

/// What a socket is asked to do. The numbers tell several of the same kind apart.
package enum WebSocketOperation: Sendable, Hashable {
    case receive
    case send(Int)
    case ping(Int)
    case roundTrip(Int)
    case shutdown
    case finish
}

package enum WebSocketTimer: Sendable, Hashable, CaseIterable {
    /// When to ask a silent peer for a sign of life.
    case keepAlive
    /// Until when the peer has to answer a ping.
    case answer
    /// Until when the closing handshake has to be over, and the peer has to close the connection.
    case close
}

/// What a socket reports; WinHTTP's notifications and others.
package enum WebSocketEvent: Sendable, Hashable {
    /// A piece was received. (`READ_COMPLETE`)
    case readComplete(bytes: Int, kind: WebSocketPieceKind)
    /// The receive ended with the close frame of the peer. (`READ_COMPLETE` with the type `CLOSE`)
    case closeReceived(WebSocketCloseStatus)
    /// A piece was sent. (`WRITE_COMPLETE`)
    case writeComplete(bytes: Int, kind: WebSocketPieceKind)
    /// The close frame was sent. (`SHUTDOWN_COMPLETE`)
    case shutdownComplete
    /// The closing handshake is over. (`CLOSE_COMPLETE`)
    case closeComplete
    /// An operation failed. (`REQUEST_ERROR`)
    case requestError(WebSocketOperation, WebSocketFailure)
    /// The socket failed, whether an operation was pending or not. Not in WinHTTP.
    case socketFailed(WebSocketFailure)
}

/// The options of a socket, as its machine uses them. A time of zero is none.
package struct WebSocketSettings: Sendable, Hashable {
    package var limits = WebSocketFrameParser.Limits(frameSize: 16 << 20, messageSize: 16 << 20)
    /// How many received bytes are kept for a slow reader before reading is paused.
    package var receiveBuffer = 32 * 1024
    /// The maximum payload of the frames that are sent: control frames go between them.
    package var sentFrameSize = 64 * 1024
    package var closeTimeout = Duration.seconds(10)
    package var keepAliveInterval = Duration.seconds(30)
    package var answerTimeout = Duration.seconds(20)
    /// The maximum ratio of a message's size to that of its coded data, above 16 MiB.
    package var maximumDecodingRatio: Int? = 250
    /// Shorter messages are not compressed.
    package var compressionThreshold = 64

    package init() {}
}

/// The answer to a call.
package enum WebSocketAnswer: Sendable, Hashable {
    case accepted
    /// The call is not possible; nothing has changed, and there is no event.
    case refused(WebSocketFailure)
}
