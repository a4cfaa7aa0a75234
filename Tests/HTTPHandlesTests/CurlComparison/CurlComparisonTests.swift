import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The same responses from the same server, fetched by the curl command and by the library.
@Suite("Comparison with curl", .timeLimit(.minutes(5)))
struct CurlComparisonTests {
    /// A response, or its beginning.
    struct Sample: Sendable, CustomStringConvertible {
        let row: Int
        let length: Int

        var response: CannedResponse { CannedResponse.all[row] }
        var isWhole: Bool { length == response.bytes.count }
        var path: String { "/\(row)/\(length)" }
        /// Each has its own host name, so that connections are not shared.
        func url(_ port: Int) -> String { "http://r\(row)-\(length).test:\(port)\(path)" }
        var description: String { "\(response.name), \(length) of \(response.bytes.count) bytes" }
    }

    static var samples: [Sample] {
        CannedResponse.all.enumerated().flatMap { row, response in
            (response.cuts + [response.bytes.count]).map { Sample(row: row, length: $0) }
        }
    }

    static func server() throws -> ScriptedServer {
        try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            let numbers = head.target.split(separator: "/").compactMap { Int($0) }
            try connection.send(CannedResponse.all[numbers[0]].bytes.prefix(numbers[1]))
        }
    }

    @Test func `the same bytes and the same end as curl, for every response and every truncation`() async throws {
        #expect(CannedResponse.all.count >= 300)
        #expect(Set(CannedResponse.all.map(\.name)).count == CannedResponse.all.count)
        var samples = Self.samples
        if Sanitizer.isPresent { samples = Array(samples.shuffled().prefix(samples.count / 10)) }
        // Other versions of libcurl (also used by the curl command then) have fewer of these differences, and others, but
        // only listed ones.
        let version = try await SessionHandle().option(.linkedLibrary).version
        let isExact = version.hasPrefix("7.88.")
        let server = try Self.server()
        async let curl = CurlCommand.fetch(samples.map { $0.url(server.port) }, port: server.port)
        let ours = try await Self.fetch(samples.map { server.url($0.path) })
        for ((sample, theirs), ours) in zip(zip(samples, try await curl), ours) {
            do {
                let difference = try Difference(theirs, ours)
                let isExpected = !isExact || difference == sample.response.difference
                #expect(isExpected || !sample.isWhole && Difference.ofCuts.contains(difference), "\(sample)")
            } catch {
                Issue.record("\(sample): \(error)")
            }
        }
    }

    @Test(arguments: ["-o", ">"])
    func `the tool writes the bytes of the library, also before a failure`(_ way: String) async throws {
        let server = try Self.server()
        let samples = Self.samples.indices.filter { $0 % 131 == (way == ">" ? 0 : 65) }.map { Self.samples[$0] }
        for sample in samples {
            let scratch = try Scratch()
            let script = way == ">" ? #""$0" get --no-redirects "$1" >"$2""# : #""$0" get --no-redirects "$1" -o "$2""#
            let run = try await TestProgram.run(
                "/bin/sh",
                ["-c", script, TestProgram.path(of: "http-handles"), server.url(sample.path), scratch.path("body")]
            )
            let ours = try await Self.fetch(server.url(sample.path))
            #expect(scratch.contents("body") ?? [] == ours.body, "\(sample)")
            #expect((run.status == 0) == (ours.error == nil), "\(sample)")
            let message = ours.error.map { "error: \($0.code.name) (\($0.code.rawValue)): \($0.reason)\n" }
            #expect(run.output == message ?? "", "\(sample)")
        }
    }

    /// Several at a time, in this order.
    static func fetch(_ urls: [String]) async throws -> [OurOutcome] {
        try await withThrowingTaskGroup { group in
            let lanes = 4
            for lane in 0..<lanes {
                group.addTask {
                    var outcomes: [(Int, OurOutcome)] = []
                    for index in stride(from: lane, to: urls.count, by: lanes) {
                        outcomes.append((index, try await fetch(urls[index])))
                    }
                    return outcomes
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// Like the tool.
    static func fetch(_ url: String) async throws -> OurOutcome {
        let session = try SessionHandle(options: [.set(.redirectPolicy, to: .never)])
        var body: [UInt8] = []
        var failure: HandleError?
        do {
            let request = try await session.openRequest(.get, url)
            try await request.send()
            _ = try await request.receiveResponse()
            for try await piece in request.body { body += piece }
        } catch {
            failure = error
        }
        try session.closeAll()
        await session.closed()
        return OurOutcome(body: body, error: failure)
    }
}
