import ArgumentParser
import Downloading
import Foundation
import HTTPHandles
import Synchronization

@main
struct DownloaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "downloader",
        abstract: "Downloads a file; goes on where it has stopped, also after it was ended.",
        discussion: "End it as you like, with Control-C or kill -9, and call it again."
    )

    @Argument(help: "The URL.")
    var url: String

    @Option(name: .shortAndLong, help: "The file; by default the last part of the URL's path.")
    var output: String?

    func run() async throws {
        let path = try output ?? Self.name(of: HTTPURL(url))
        let line = Mutex(ProgressText())
        let start = ContinuousClock.now
        try await withSession(userAgent: "downloader/1.0", options: Downloader.sessionOptions) { session in
            let download = try await Downloader(session).download(url, to: path) { report in
                switch report {
                case .progress(let progress):
                    let text = line.withLock { $0.text(progress, at: ContinuousClock.now - start) }
                    Self.show("\r\u{1B}[K\(text)")
                case .retry(let delay, let cause): Self.show("\n\(cause)\nagain in \(delay)\n")
                }
            }
            Self.show("\n")
            print(path, download.length, "bytes, of which", download.resumedFrom, "were there already")
        }
    }

    private static func show(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }

    private static func name(of url: HTTPURL) throws -> String {
        let name = url.decodedPath.split(separator: "/").last.map(String.init) ?? ""
        // The name comes from outside: no hidden file.
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("\0") else {
            throw ValidationError("the URL has no name for a file: use --output")
        }
        return name
    }
}
