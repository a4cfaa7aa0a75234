#if os(Linux)
import Testing

/// A silent network delays only the requests that need it. These tests measure no times: a blocked driver would wait longer
/// than the program runs.
@Suite("Never blocking", .timeLimit(.minutes(10)))
struct NeverBlockingTests {
    /// The library's threads are for a libcurl that would wait for its own.
    @Test(
        .enabled(if: SilentNetwork.isPossible, SilentNetwork.whyNot),
        arguments: [[], ["HTTP_HANDLES_RESOLVER=own"]]
    )
    func `a name server that never answers`(environment: [String]) async throws {
        let run = try await SilentNetwork.run(["silent-network", "resolving"], environment: environment)
        let limit = "timeout (12002) in sendRequest: the name was not resolved within 3600.0 seconds"
        #expect(run.output == Self.expected("resolvingName", limit))
        #expect(run.status == 0)
    }

    @Test func `a server with a full accept queue`() async throws {
        let run = try await TestProgram.run(["silent-network", "connecting"])
        #expect(run.output == Self.expected("connectingToServer", Self.connectLimit))
        #expect(run.status == 0)
    }

    @Test(.enabled(if: SilentNetwork.isPossible, SilentNetwork.whyNot))
    func `a network that drops packets`() async throws {
        let run = try await SilentNetwork.run(["silent-network", "droppedPackets"])
        #expect(run.output == Self.expected("connectingToServer", Self.connectLimit))
        #expect(run.status == 0)
    }

    @Test func `a server that does not answer in the TLS handshake`() async throws {
        let run = try await TestProgram.run(["silent-network", "securing"])
        let events = "connectingToServer connectedToServer securingConnection closingConnection connectionClosed"
        // The second event back end detects the connection only when the handshake has finished.
        let outputs = [events, "connectingToServer"].map { Self.expected($0, Self.connectLimit) }
        #expect(outputs.contains(run.output), "\(run)")
        #expect(run.status == 0)
    }

    @Test(arguments: [Input.pipe, .terminal])
    func `a client's key that is encrypted, and no password`(input: Input) async throws {
        let servers = try TLSServers.shared.get()
        let certificates = servers.encryptedClientFiles.map { "\($0.file)\($0.keyFile.map { "," + $0 } ?? "")" }
        let arguments =
            [TestProgram.path(), "client-keys", servers.url(.asksForCertificate), servers.authorityFile]
            + [input == .pipe ? "reads-input" : "input-is-not-read"] + certificates
        let run = try await TestProgram.run("/bin/sh", ["-c", input.command] + arguments)
        // The last one is an encrypted certificate.
        let errors = certificates.dropLast().map { _ in "clientCertNoPrivateKey" } + ["invalidParameter"]
        let lines = errors.flatMap { [$0, "neighbour: 200"] } + ["session closed"]
        let left = input == .pipe ? ["left: secret"] : []
        #expect(run.output.split { $0.isNewline }.map(String.init) == lines + left)
        #expect(run.status == 0)
    }

    /// The standard input, from which a library could read a password.
    enum Input {
        case pipe, terminal

        /// Runs its arguments with the input and without a terminal. A password prompt blocks all signals except this one.
        var command: String {
            switch self {
            case .pipe: #"printf 'secret\n' | exec timeout --signal=KILL 50 setsid "$0" "$@""#
            case .terminal:
                #"""
                exec timeout --signal=KILL 50 setsid script --quiet --return \
                    --command "stty -onlcr; exec $0 $*" /dev/null
                """#
            }
        }
    }

    private static let connectLimit =
        "timeout (12002) in sendRequest: no connection was ready within 3600.0 seconds"

    /// - Parameters:
    ///   - events: The events of a request until it is closed.
    ///   - limit: The error if its time limit expires first.
    private static func expected(_ events: String, _ limit: String) -> String {
        let cancelled = "operationCancelled (12017) in sendRequest: the handle was closed before the operation finished"
        return """
            neighbour: 0
            closed: \(events) requestError handleClosing
            throws \(cancelled)
            neighbour: 1
            throws \(limit)
            neighbour: 2
            neighbour: 3
            throws \(cancelled)
            session closed

            """
    }
}
#endif
