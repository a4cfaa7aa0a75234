import ArgumentParser
import HTTPHandles
import WinHTTPAsync

@main
struct AsyncSampleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "winhttp-async",
        abstract:
            "The sample for WinHTTP in asynchronous mode: downloads by a status callback, and shows each callback."
    )

    @Argument(help: "The URLs.")
    var urls: [String]

    func run() async throws {
        let session = try SessionHandle(userAgent: "winhttp-async/1.0")
        let results = await AsyncSample(session) { print($0) }.run(urls)
        var hasFailed = false
        for (url, result) in zip(urls, results) {
            switch result {
            case .success(let bytes): print(url, bytes.count, "bytes")
            case .failure(let error):
                print(url, error)
                hasFailed = true
            }
        }
        if hasFailed { throw ExitCode(1) }
    }
}
