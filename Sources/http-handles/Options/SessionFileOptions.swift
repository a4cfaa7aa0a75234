import ArgumentParser
import Foundation
import HTTPHandles

/// curl's options for what is known of servers from one run to the next: `--hsts` and `--alt-svc`.
struct SessionFileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Use https for hosts that have sent Strict-Transport-Security; the file has them, and is written at the end.",
            valueName: "file"
        )
    )
    var hsts: String?

    @Option(
        help: ArgumentHelp(
            "Connect to the alternative services of servers that have sent Alt-Svc; the file has them, and is written at the end.",
            valueName: "file"
        )
    )
    var altSvc: String?

    var options: [OptionSetting] {
        [.set(.usesStrictTransport, to: hsts != nil), .set(.usesAlternativeServices, to: altSvc != nil)]
    }

    func load(into session: SessionHandle) async throws {
        try await load(hsts) { file in _ = try await session.strictTransport.load(from: file) }
        try await load(altSvc) { file in _ = try await session.alternativeServices.load(from: file) }
    }

    /// A missing file is an empty one. The empty name is no file.
    private func load(_ file: String?, _ load: (String) async throws -> Void) async throws {
        guard let file, !file.isEmpty, FileManager.default.fileExists(atPath: file) else { return }
        do {
            try await load(file)
        } catch {
            throw ValidationError("\(file) cannot be read.")
        }
    }

    /// Called also after a failure. Failing to write a file is only a warning.
    func save(from session: SessionHandle) async {
        await save(hsts, "hosts of --hsts") { file throws(HandleError) in
            try await session.strictTransport.save(to: file)
        }
        await save(altSvc, "services of --alt-svc") { file throws(HandleError) in
            try await session.alternativeServices.save(to: file)
        }
    }

    private func save(_ file: String?, _ what: String, _ save: (String) async throws(HandleError) -> Void) async {
        guard let file, !file.isEmpty else { return }
        do {
            try await save(file)
        } catch {
            Terminal.say("warning: the \(what) could not be saved: \(error.reason)")
        }
    }
}
