import ArgumentParser
import Foundation
import HTTPHandles

/// curl's `--hsts`.
struct StrictTransportOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Use https for hosts that have sent Strict-Transport-Security; the file has them, and is written at the end.",
            valueName: "file"
        )
    )
    var hsts: String?

    var options: [OptionSetting] { hsts == nil ? [] : [.set(.usesStrictTransport, to: true)] }

    /// A missing file has no hosts.
    func load(into session: SessionHandle) async throws {
        guard let hsts, !hsts.isEmpty, FileManager.default.fileExists(atPath: hsts) else { return }
        do {
            try await session.strictTransport.load(from: hsts)
        } catch {
            throw ValidationError("\(hsts) cannot be read.")
        }
    }

    /// Called also after a failure. Failing to write the file is only a warning.
    func save(from session: SessionHandle) async {
        guard let hsts, !hsts.isEmpty else { return }
        do {
            try await session.strictTransport.save(to: hsts)
        } catch {
            Terminal.say("warning: the hosts of --hsts could not be saved: \(error.reason)")
        }
    }
}
