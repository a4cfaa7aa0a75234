import Foundation
import HTTPHandlesLock
import HTTPHandlesTesting

/// A TLS proxy in front of scripted servers: it forwards all bytes in both directions. It uses nginx's certificate and the
/// ALPN protocols of the test.
final class TLSFront: Sendable {
    /// The instance that all tests share.
    static let shared = Result { try TLSFront() }

    /// The ALPN protocols, in the server's order.
    enum Protocols: String { case http1_1 = "http/1.1", http2 = "h2", both = "h2,http/1.1" }

    /// How the proxy ends the connection of a client after the server has.
    enum Ending: String {
        case close
        /// It sends close_notify first.
        case notify
        /// It sends close_notify, and waits until the client ends the connection. A client that ends its direction has to send
        /// close_notify too; otherwise everything is closed.
        case wait
        case reset
    }

    let authorityFile: String
    private let folder: String
    private let guardian: Guardian
    /// Listening ports without a target.
    private let ports: Lock<[Int]>

    private init() throws {
        let nginx = try Nginx.shared.get()
        authorityFile = nginx.authorityFile
        folder = try Scratch.makeFolder("tls-front")
        try Self.program.write(toFile: folder + "/front.py", atomically: true, encoding: .utf8)
        guardian = try Guardian(
            """
            python3 "$1/front.py" "$1" "$2" & server=$!
            cat >/dev/null; kill $server; wait $server 2>/dev/null; rm -rf "$1"
            """,
            [folder, URL(fileURLWithPath: nginx.authorityFile).deletingLastPathComponent().path]
        )
        try guardian.wait(forFile: folder + "/ports", else: "the TLS front does not start")
        let list = try String(contentsOfFile: folder + "/ports", encoding: .utf8)
        ports = Lock(list.split(separator: " ").compactMap { Int($0) })
    }

    /// An https URL of `server`.
    ///
    /// - Parameter sendsCloseNotify: Whether the proxy sends close_notify before it closes a connection.
    func url(
        _ server: ScriptedServer,
        _ protocols: Protocols,
        sendsCloseNotify: Bool = false,
        _ path: String = "/"
    ) throws -> String {
        try url(server, protocols, ending: sendsCloseNotify ? .notify : .close, path)
    }

    func url(
        _ server: ScriptedServer,
        _ protocols: Protocols,
        ending: Ending,
        _ path: String = "/"
    ) throws -> String {
        guard let port = ports.withLock({ $0.popLast() }) else {
            throw SupportFailure("the TLS front has no ports left")
        }
        let note = folder + "/\(port)"
        try "\(server.port) \(protocols.rawValue) \(ending.rawValue)".write(
            toFile: note,
            atomically: true,
            encoding: .utf8
        )
        return "https://localhost:\(port)\(path)"
    }

    private static let program = """
        import os, select, selectors, socket, ssl, struct, sys, threading

        folder, certificates = sys.argv[1:]

        def receive(end):
            try:
                return end.recv(16384)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return None

        def send(end, data):
            try:
                return end.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return 0

        # Both directions in one thread: a TLS connection is for one at a time.
        def pump(client, server):
            waiting = {client: b"", server: b""}
            other = {client: server, server: client}
            ended = set()
            while True:
                readers = [end for end in other if end not in ended and not waiting[other[end]]]
                writers = [end for end in waiting if waiting[end]]
                if not readers and not writers:
                    return
                buffered = client in readers and client.pending() > 0
                ready, writable, _ = select.select(readers, writers, [], 0 if buffered else None)
                for end in set(ready) | ({client} if buffered else set()):
                    data = receive(end)
                    if data is not None:
                        waiting[other[end]] = data
                    if data == b"":
                        ended.add(end)
                        if end is client:
                            server.shutdown(socket.SHUT_WR)
                        else:
                            return
                for end in writable:
                    waiting[end] = waiting[end][send(end, waiting[end]):]

        def serve(raw):
            client = server = None
            try:
                with open(folder + "/" + str(raw.getsockname()[1])) as file:
                    port, protocols, ending = file.read().split()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificates + "/server.pem", certificates + "/server.key")
                context.set_alpn_protocols(protocols.split(","))
                client = context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=ending != "wait")
                server = socket.create_connection(("127.0.0.1", int(port)))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    end.setblocking(False)
                pump(client, server)
                if ending == "notify":
                    client.unwrap()
                elif ending == "wait":
                    try:
                        client.unwrap()
                    except ssl.SSLWantReadError:
                        select.select([client], [], [])
                elif ending == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
            for end in (client or raw, server):
                if end:
                    end.close()

        selector = selectors.DefaultSelector()
        listeners = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(400)]
        for listener in listeners:
            selector.register(listener, selectors.EVENT_READ)
        with open(folder + "/ports.new", "w") as file:
            file.write(" ".join(str(listener.getsockname()[1]) for listener in listeners))
        os.rename(folder + "/ports.new", folder + "/ports")
        while True:
            for key, _ in selector.select():
                client, _ = key.fileobj.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()
        """
}
