import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting
import TransfersInEveryPhase

/// Tests that need a separate process: process exit, silent networks, failing drivers.
@main
enum TestProgram {
    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        switch (arguments.popFirst(), arguments.popFirst()) {
        case ("exit", let ending?):
            guard let ending = Ending(rawValue: ending), let events = arguments.popFirst().flatMap({ Int($0) }),
                let servers = Servers(arguments)
            else { exit(64) }
            let transfers = try TransfersInEveryPhase(servers)
            ending.end(on: transfers.flowing.executor) { await transfers.start(passing: events) }
        #if os(Linux)
        case ("exit-resolving", let ending?):
            guard let ending = Ending(rawValue: ending) else { exit(64) }
            let network = try SilentNetwork(.resolving)
            ending.end(on: network.session.executor) { try await network.startSeveral() }
        case ("silent-network", let phase?):
            guard let phase = SilentNetwork.Phase(rawValue: phase) else { exit(64) }
            run { try await SilentNetwork(phase).closeInTheMiddle() }
        case ("client-keys", let url?):
            guard let authorityFile = arguments.popFirst(), let input = arguments.popFirst() else { exit(64) }
            let certificates = arguments.map { argument in
                let files = argument.split(separator: ",").map(String.init)
                return ClientIdentity(certificate: .file(files[0]), key: files.dropFirst().first.map { .file($0) })
            }
            run {
                let keys = ClientKeys(url: url, authorityFile: authorityFile)
                try await keys.run(certificates, readsInput: input == "reads-input")
            }
        case ("opens-and-closes", let count?):
            guard let count = Int(count), let seed = arguments.popFirst().flatMap({ UInt64($0) }) else { exit(64) }
            run(limit: 600) { try await OpensAndCloses(seed: seed).run(count) }
        case ("priorities", nil): run { try await Priorities().run() }
        case ("few-descriptors", let count?):
            guard let count = Int(count) else { exit(64) }
            run { try await ManyRequests(limit: 100).runOutOfDescriptors(count) }
        case ("burst", let count?):
            guard let count = Int(count) else { exit(64) }
            run(limit: 300) { try await ManyRequests(limit: 10_000).burst(count) }
        case ("socket-memory", nil): run(limit: 300) { try await SocketMemory().run() }
        case ("driver-death", nil): run { try await DriverDeath().run() }
        #endif
        default: exit(64)
        }
    }

    private static func run(limit: UInt32 = 50, _ body: @escaping @Sendable () async throws -> Void) -> Never {
        // These programs may hang if a test fails: the alarm ends them.
        alarm(limit)
        Task {
            do {
                try await body()
                exit(0)
            } catch {
                print(error)
                exit(1)
            }
        }
        while true { pause() }
    }
}
