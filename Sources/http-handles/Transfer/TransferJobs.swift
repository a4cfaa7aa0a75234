import ArgumentParser
import HTTPHandles
import HTTPHandlesCommandLine

/// The jobs of a command, made one by one: a glob may stand for very many.
struct TransferJobs: Sequence {
    private let globs: [URLGlob]
    private let output: OutputOptions
    private let uploads: [String]
    private let query: [UInt8]
    private let authentication: AuthenticationOptions
    private let netrc: Netrc?
    let count: Int

    /// Checks the first URL of each argument. What is wrong in a later one of a glob ends the tool when it is its turn.
    init(_ command: Get, query: [UInt8]) throws {
        globs = try command.targets.globs()
        output = command.output
        uploads = command.content.uploads
        self.query = query
        authentication = command.authentication
        netrc = try command.netrc.load()
        var count = 0
        for glob in globs {
            let (sum, overflows) = count.addingReportingOverflow(glob.count)
            guard !overflows else { throw ValidationError("There are too many URLs.") }
            count = sum
        }
        self.count = count
        for argument in globs.indices { _ = try job(argument, 0, number: 0) }
    }

    var first: TransferJob? { try? job(0, 0, number: 0) }

    private func job(_ argument: Int, _ index: Int, number: Int) throws -> TransferJob {
        let (text, values) = globs[argument].url(index)
        var url = TransferURL(text)
        let upload = argument < uploads.count ? uploads[argument] : nil
        if let upload, !InputFile.isStandard(upload) {
            guard InputFile.isRegular(upload) else {
                throw ValidationError("\(upload) cannot be read as a regular file; -T - sends standard input.")
            }
            url.append(fileName: FileNames.lastComponent(upload))
        }
        url.append(query: query)
        let own = url.user.map { Netrc.Login(user: $0, password: url.password ?? "") }
        let known = own.flatMap { url.password == nil ? netrc?.login(for: url.host, user: $0.user) : $0 }
        let login = known ?? own ?? netrc?.login(for: url.host)
        return TransferJob(
            number: number,
            argument: text,
            url: url,
            destination: try output.destination(argument, url, values),
            upload: upload,
            credentials: try authentication.credentials(for: login)
        )
    }

    func makeIterator() -> AnyIterator<Result<TransferJob, any Error>> {
        var argument = 0
        var index = 0
        var number = 0
        return AnyIterator {
            while argument < globs.count, index == globs[argument].count {
                argument += 1
                index = 0
            }
            guard argument < globs.count else { return nil }
            defer {
                index += 1
                number += 1
            }
            return Result { try job(argument, index, number: number) }
        }
    }
}
