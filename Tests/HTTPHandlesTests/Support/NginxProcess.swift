import Foundation
import HTTPHandlesLock
import HTTPHandlesSystem
import HTTPHandlesTesting

/// An nginx with its own folder; both end with the test process.
final class NginxProcess: Sendable {
    let folder: String
    private let running = Lock<Guardian?>(nil)

    init(_ name: String) throws {
        folder = try Scratch.makeFolder(name)
    }

    /// - Parameter http: The `http` block of the configuration.
    func start(_ http: String) throws {
        let user = getuid() == 0 ? "user root;" : ""
        let text = """
            \(user) worker_processes 1; pid \(folder)/pid; error_log \(folder)/error.log;
            events { worker_connections 4096; }
            \(http)
            """
        try text.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        let guardian = try Guardian(
            """
            PATH=$PATH:/usr/sbin; if [ -f "$1/openssl.cnf" ]; then export OPENSSL_CONF="$1/openssl.cnf"; fi
            nginx -p "$1" -c "$1/nginx.conf" -g 'daemon off;' 2>"$1/stderr" & server=$!
            cat >/dev/null; kill $server; wait $server; rm -rf "$1"
            """,
            [folder]
        )
        running.withLock { $0 = guardian }
        // nginx writes its process ID when it listens.
        let problem = "nginx does not start (Scripts/setup installs it)"
        try guardian.wait(forFile: folder + "/pid", else: problem, folder + "/stderr")
    }

    /// The temporary folders of nginx.
    static func places(in folder: String) -> String {
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " ")
    }
}

struct SupportFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

func runShell(_ script: String, _ argument: String) throws {
    let run = try TestProgram.runBlocking("/bin/sh", ["-c", script, "script", argument])
    guard run.status == 0 else { throw SupportFailure("a script failed: \(script)\n\(run.output)") }
}

/// Ports for servers that cannot choose one themselves. They are below the system's range of ephemeral ports, so that no
/// other socket gets them before the server, and no port is returned twice: a server may take a second until it listens.
func freePorts(_ count: Int) throws -> [Int] {
    var ports: [Int] = []
    for _ in 0..<1000 where ports.count < count {
        let port = Int.random(in: 12_000..<32_000)
        let isNew = returnedPorts.withLock { $0.insert(port).inserted }
        if isNew, isFree(port) { ports.append(port) }
    }
    guard ports.count == count else { throw SupportFailure("there are no free ports") }
    return ports
}

private let returnedPorts = Lock<Set<Int>>([])

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, SocketType.stream | SocketType.closesOnExec, 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            unsafe bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
