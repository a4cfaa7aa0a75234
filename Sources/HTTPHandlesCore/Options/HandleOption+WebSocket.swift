// MARK: - Upgrades

extension HandleOption<Bool> {
    /// Whether the request asks for a WebSocket, to be taken over with `completeWebSocketUpgrade`; not by default.
    /// (`WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET`)
    public static var upgradesToWebSocket: Self { HandleOption(.upgradesToWebSocket, \.upgrade.toWebSocket) }
}

extension HandleOption<String?> {
    /// The protocol that the request asks for, for example "tcp": the value of its `Upgrade` field. The connection is taken
    /// over with `completeUpgrade`. None by default. (`WINHTTP_OPTION_UPGRADE_TO_PROTOCOL`)
    public static var upgradesToProtocol: Self {
        let requirement = "the name of a protocol: a token, or two with a slash between"
        return HandleOption(.upgradesToProtocol, \.upgrade.toProtocol, requirement: requirement) {
            $0.map(UpgradeRequest.isProtocolName) ?? true
        }
    }
}

// MARK: - WebSockets

extension HandleOption<[String]> {
    /// The subprotocols that are offered to the server of a WebSocket, the best one first; none by default. (The header field
    /// `Sec-WebSocket-Protocol`)
    public static var webSocketSubprotocols: Self {
        HandleOption(.webSocketSubprotocols, \.upgrade.subprotocols, requirement: "different tokens") {
            $0.allSatisfy(TokenScanner.isToken) && Set($0.map { Array($0.utf8) }).count == $0.count
        }
    }
}

extension HandleOption<MessageCompression?> {
    /// How messages may be compressed; everything that the server wants by default, `nil` for not at all. Not in WinHTTP.
    public static var webSocketCompression: Self {
        HandleOption(.webSocketCompression, \.upgrade.compression) { $0?.problem }
    }
}

extension HandleOption<Duration> {
    /// How long the closing handshake of a WebSocket may take, with the end of its connection; 10 seconds by default, 0 is no
    /// limit. (`WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT`)
    public static var webSocketCloseTimeout: Self { .webSocket(.webSocketCloseTimeout, \.webSocket.closeTimeout) }

    /// After which silence of the server a WebSocket sends a ping; 30 seconds by default, 0 is never.
    /// (`WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL`)
    public static var webSocketKeepAliveInterval: Self {
        .webSocket(.webSocketKeepAliveInterval, \.webSocket.keepAliveInterval)
    }

    /// How long the server of a WebSocket may be silent after a ping; 20 seconds by default, 0 is no limit. Not in WinHTTP.
    public static var webSocketAnswerTimeout: Self { .webSocket(.webSocketAnswerTimeout, \.webSocket.answerTimeout) }

    private static func webSocket(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Duration> & Sendable
    ) -> Self {
        HandleOption(row, path, requirement: "0 or more") { $0 >= .zero }
    }
}

extension HandleOption<Int> {
    /// The maximum size of a message that a WebSocket receives, in bytes, compressed or not; a larger one ends the socket with
    /// `.insufficientBuffer`. 16 MiB by default. Not in WinHTTP.
    public static var webSocketMaximumMessageSize: Self {
        .webSocket(.webSocketMaximumMessageSize, \.webSocket.limits.messageSize, minimum: 1)
    }

    /// The maximum size of a frame that a WebSocket receives, in bytes; a larger one ends the socket with
    /// `.insufficientBuffer`. 16 MiB by default. Not in WinHTTP.
    public static var webSocketMaximumFrameSize: Self {
        .webSocket(.webSocketMaximumFrameSize, \.webSocket.limits.frameSize, minimum: 125)
    }

    /// How many received bytes a WebSocket keeps for a slow reader before it holds the server up; 32 KiB by default.
    /// (`WINHTTP_OPTION_WEB_SOCKET_RECEIVE_BUFFER_SIZE`)
    public static var webSocketReceiveBuffer: Self {
        .webSocket(.webSocketReceiveBuffer, \.webSocket.receiveBuffer, minimum: 1)
    }

    /// The maximum size of the frames that a WebSocket sends, in bytes: longer messages are sent as fragments, between which
    /// pings and pongs go. 64 KiB by default. (`WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE`)
    public static var webSocketSendBuffer: Self {
        .webSocket(.webSocketSendBuffer, \.webSocket.sentFrameSize, minimum: 16)
    }

    private static func webSocket(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Int> & Sendable,
        minimum: Int
    ) -> Self {
        HandleOption(row, path, requirement: "\(minimum) or more") { $0 >= minimum }
    }
}
