import Foundation
import HTTPHandles
import TransfersInEveryPhase

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A process that ends while both this library and Foundation use libcurl.
@main
enum FoundationTestProgram {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 8, let ending = Ending(rawValue: arguments[2]), let events = Int(arguments[3]),
            let servers = Servers(arguments[4...]),
            let url = URL(string: "http://127.0.0.1:\(servers.httpPort)/hello")
        else { exit(64) }
        let transfers = try TransfersInEveryPhase(servers)
        ending.end(on: transfers.flowing.executor) {
            for _ in 0..<2 {
                Task {
                    while true { _ = try await URLSession.shared.data(from: url) }
                }
            }
            _ = try await URLSession.shared.data(from: url)
            await transfers.start(passing: events)
        }
    }
}
