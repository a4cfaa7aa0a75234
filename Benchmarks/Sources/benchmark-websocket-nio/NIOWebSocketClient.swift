import BenchmarkWorkloads
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// SwiftNIO's WebSockets through its async interface. It has neither compression nor keep-alive.
struct NIOWebSocketClient: WebSocketClient {
    typealias Channel = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    let interval: Double

    init(_ arguments: Arguments) throws {
        interval = arguments.seconds("interval", 1)
    }

    // MARK: Opening

    /// Opens a connection, upgrades it, and adds what `make` makes.
    private func upgraded<Result: Sendable>(
        _ url: String,
        _ make: @escaping @Sendable (any NIOCore.Channel) throws -> Result
    ) async throws -> Result {
        // "ws://127.0.0.1:port/path"
        let parts = url.split(separator: "/", maxSplits: 2)
        let (host, port) = (String(parts[1].split(separator: ":")[0]), Int(parts[1].split(separator: ":")[1]) ?? 80)
        let path = parts.count > 2 ? "/" + parts[2] : "/"
        let result: EventLoopFuture<Result> = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketClientUpgrader<Result>(maxFrameSize: 1 << 24) { channel, _ in
                        channel.eventLoop.makeCompletedFuture { try make(channel) }
                    }
                    let head = HTTPRequestHead(
                        version: .http1_1,
                        method: .GET,
                        uri: path,
                        headers: ["Host": "\(host):\(port)", "Content-Length": "0"]
                    )
                    let configuration = NIOTypedHTTPClientUpgradeConfiguration(
                        upgradeRequestHead: head,
                        upgraders: [upgrader]
                    ) { channel in
                        channel.eventLoop.makeFailedFuture(UnexpectedResponse("no upgrade"))
                    }
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                        configuration: .init(upgradeConfiguration: configuration)
                    )
                }
            }
        return try await result.get()
    }

    private static func addAggregator(to channel: any NIOCore.Channel) throws {
        try channel.pipeline.syncOperations.addHandler(
            NIOWebSocketFrameAggregator(
                minNonFinalFragmentSize: 0,
                maxAccumulatedFrameCount: .max,
                maxAccumulatedFrameSize: 1 << 24
            )
        )
    }

    // MARK: A socket

    struct Socket: MeasuredSocket {
        var inbound: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
        let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>

        static func payload(_ bytes: [UInt8]) -> ByteBuffer { ByteBuffer(bytes: bytes) }

        private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer) async throws {
            try await outbound.write(WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data))
        }

        func send(_ payload: ByteBuffer) async throws { try await send(.binary, payload) }

        func send(_ payload: ByteBuffer, times count: Int) async throws {
            let frames = (0..<count).map { _ in
                WebSocketFrame(fin: true, opcode: .binary, maskKey: .random(), data: payload)
            }
            try await outbound.write(contentsOf: frames)
        }

        func send(text: String) async throws { try await send(.text, ByteBuffer(string: text)) }

        mutating func receive() async throws -> Int {
            while let frame = try await inbound.next(isolation: #isolation) {
                switch frame.opcode {
                case .ping: try await send(.pong, frame.data)
                case .binary, .text: return frame.data.readableBytes
                case .connectionClose: throw UnexpectedResponse("the server has closed the socket")
                default: break
                }
            }
            throw UnexpectedResponse("the connection has ended")
        }
    }

    func withSocket(_ url: String, _ body: (inout Socket) async throws -> Void) async throws {
        let channel = try await upgraded(url) { channel in
            try Self.addAggregator(to: channel)
            return try Channel(wrappingChannelSynchronously: channel)
        }
        try await channel.executeThenClose { inbound, outbound in
            var socket = Socket(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            try await body(&socket)
        }
    }

    // MARK: Idle sockets

    func hold(_ url: String) async throws -> any Sendable {
        let interval = TimeAmount.nanoseconds(Int64(interval * 1e9))
        return try await upgraded(url) { channel in
            try Self.addAggregator(to: channel)
            try channel.pipeline.syncOperations.addHandler(Pinger(interval))
            return channel
        }
    }

    /// Sends a ping in every interval, and answers pings.
    private final class Pinger: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame
        typealias OutboundOut = WebSocketFrame

        let interval: TimeAmount
        var task: RepeatedTask?

        init(_ interval: TimeAmount) {
            self.interval = interval
        }

        func handlerAdded(context: ChannelHandlerContext) {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            task = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
                let frame = WebSocketFrame(fin: true, opcode: .ping, maskKey: .random(), data: ByteBuffer())
                bound.value.writeAndFlush(Self.wrapOutboundOut(frame), promise: nil)
            }
        }

        func handlerRemoved(context: ChannelHandlerContext) {
            task?.cancel()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = Self.unwrapInboundIn(data)
            guard frame.opcode == .ping else { return }
            let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.data)
            context.writeAndFlush(Self.wrapOutboundOut(pong), promise: nil)
        }
    }
}

@main
enum Program {
    static func main() {
        runWebSocketWorkload(on: NIOWebSocketClient.self)
    }
}
