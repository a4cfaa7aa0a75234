import HTTPHandles
import HTTPHandlesTesting
import Testing

/// A handle of each level, made with a real server, and what their events say about parents and ends.
struct HandleTree {
    private struct Node {
        let name: String
        let made: String
        let left: Int
        let top: Int
    }

    private static let nodes: [HandleLevel: Node] = [
        .session: Node(name: "SessionHandle", made: "init, withSession", left: 255, top: 60),
        .connection: Node(name: "ConnectionHandle", made: "connect(to:port:)", left: 255, top: 170),
        .request: Node(name: "RequestHandle", made: "openRequest, get, fetch", left: 24, top: 300),
        .webSocket: Node(name: "WebSocketHandle", made: "completeWebSocketUpgrade()", left: 255, top: 300),
        .upgraded: Node(name: "UpgradedHandle", made: "completeUpgrade()", left: 486, top: 300),
    ]

    /// The levels of parent and child.
    private let edges: Set<[HandleLevel]>
    /// The levels in the order in which `closeAll` ends them; the leaves come in any order.
    private let ends: [Set<HandleLevel>]

    init() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            if head["upgrade"] == "tcp" {
                try connection.send(UpgradedConnectionTests.answer)
                connection.waitForClose()
            } else {
                _ = try connection.acceptWebSocket(head)
                connection.waitForClose()
            }
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let socket = try await Self.sent(connection, .set(.upgradesToWebSocket, to: true)).completeWebSocketUpgrade()
        let upgraded = try await Self.sent(connection, .set(.upgradesToProtocol, to: "tcp")).completeUpgrade()
        try session.closeAll()
        await session.closed()

        let events = try await recorder.finish()
        edges = Set(
            events.compactMap { event in
                guard case .handleCreated(let parent, _) = event.kind else { return nil }
                return [parent.level, event.handle.level]
            }
        )
        let kept = [session.id, connection.id, request.id, socket.id, upgraded.id]
        let order = events.filter { $0.kind == .handleClosing && kept.contains($0.handle) }.map(\.handle.level)
        ends = [Set(order.prefix(3)), Set(order.dropFirst(3).prefix(1)), Set(order.dropFirst(4))]
    }

    private static func sent(_ connection: ConnectionHandle, _ option: OptionSetting) async throws -> RequestHandle {
        let request = try await connection.openRequest(.get, "/", options: [option])
        try await request.send()
        _ = try await request.receiveResponse()
        return request
    }

    var drawing: Drawing {
        var drawing = Drawing(width: 720, height: 440)
        drawing.text("The tree of handles", 24, 30, .title)
        for edge in edges.sorted(by: { $0[1].rawValue < $1[1].rawValue }) {
            guard let parent = Self.nodes[edge[0]], let child = Self.nodes[edge[1]] else { continue }
            let (x, y) = (parent.left + 105, parent.top + 70)
            let middle = (y + child.top) / 2
            drawing.arrow("M\(x),\(y) V\(middle) H\(child.left + 105) V\(child.top)")
        }
        for (level, node) in Self.nodes.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            drawing.box(node.left, node.top, 210, 70, .handle)
            drawing.text(node.name, node.left + 105, node.top + 22, .code, .middle)
            drawing.text(node.made, node.left + 105, node.top + 41, .small, .middle)
            let place = ends.firstIndex { $0.contains(level) }.map { ["first", "second", "last"][$0] } ?? "never"
            drawing.text("closeAll() ends it \(place)", node.left + 105, node.top + 60, .note, .middle)
        }
        drawing.text(
            "An arrow leads from a parent to its children. A child keeps its parent, and ends before it.",
            24,
            402
        )
        drawing.text("A WebSocket or an upgraded connection takes the place of the request that asked for it.", 24, 422)
        return drawing
    }
}
