import Foundation

/// The result of a response: the delivered bytes of its body, and its end.
struct ResponseOutcome: Sendable, Hashable {
    let body: [UInt8]
    /// curl's exit code.
    let exitCode: Int32
}

/// The curl command.
struct CurlCommand {
    /// Fetches many URLs, one after the other.
    ///
    /// - Parameter port: The port for every name, so that each response has its own connection.
    static func fetch(_ urls: [String], port: Int) async throws -> [ResponseOutcome] {
        var outcomes: [ResponseOutcome] = []
        // One process is sufficient until a transfer fails in a way after which curl stops (such as exit code 43).
        while outcomes.count < urls.count {
            let more = try await fetchInOneProcess(urls[outcomes.count...], port: port)
            guard !more.isEmpty else { throw SupportFailure("curl has no output (Scripts/setup test installs it)") }
            outcomes += more
        }
        return outcomes
    }

    private static func fetchInOneProcess(_ urls: ArraySlice<String>, port: Int) async throws -> [ResponseOutcome] {
        let scratch = try Scratch()
        let transfers = urls.enumerated().map { "url = \"\($1)\"\noutput = \"\(scratch.path("\($0)"))\"" }
        let configuration = """
            silent
            compressed
            http1.1
            noproxy = "*"
            resolve = "*:\(port):127.0.0.1"
            write-out = "%{exitcode}\\n"
            \(transfers.joined(separator: "\n"))
            """
        let file = try scratch.file("configuration", configuration.utf8)
        let run = try await TestProgram.run("/usr/bin/env", ["curl", "-q", "--config", file])
        return try run.output.split(separator: "\n").enumerated().map { index, line in
            guard let code = Int32(line) else { throw SupportFailure("curl says: \(line)") }
            return ResponseOutcome(body: scratch.contents("\(index)") ?? [], exitCode: code)
        }
    }
}
