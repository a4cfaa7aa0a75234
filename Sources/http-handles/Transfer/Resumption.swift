import ArgumentParser
import Foundation
import HTTPHandles
import HTTPTypes

/// The option to resume a download.
struct ResumeOptions: ParsableArguments {
    @Option(
        name: [.customShort("C"), .customLong("continue-at")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Resume an earlier download with the same option; must be \"-\"; needs -o.",
            valueName: "offset"
        )
    )
    var continueAt: String?

    var resumes: Bool { continueAt != nil }

    func validate() throws {
        guard continueAt == nil || continueAt == "-" else {
            throw ValidationError("--continue-at must be \"-\": the offset is that of the partial file.")
        }
    }
}

/// Resumes a download, with its progress on a terminal.
///
/// The library checks that the partial file is of the same version: see `SessionHandle.download`.
struct Resumption {
    private let session: SessionHandle
    private let drawing: Task<Void, Never>?

    init(_ session: SessionHandle, showsProgress: Bool) {
        self.session = session
        guard showsProgress, let line = ProgressLine() else {
            drawing = nil
            return
        }
        let events = session.statusEvents(scope: .tree)
        drawing = Task {
            var line = line
            var received: UInt64 = 0
            for await event in events {
                guard case .readComplete(let bytes) = event.kind else { continue }
                received += UInt64(bytes)
                line.update(received)
            }
        }
    }

    func download(_ url: String, to file: String, _ fields: HTTPFields) async -> Result<Void, TransferFailure> {
        do {
            let download = try await session.download(url, to: file, headerFields: fields)
            await stopDrawing(at: download.length)
            if download.resumedFrom > 0 { Terminal.say("resumed after \(download.resumedFrom) bytes") }
            return .success(())
        } catch  where error.response != nil {
            await stopDrawing()
            Terminal.say("nothing was written: the status is \(error.response?.status ?? .notFound)")
            return .success(())
        } catch {
            await stopDrawing()
            return .failure(TransferFailure(error))
        }
    }

    private func stopDrawing(at length: UInt64? = nil) async {
        guard let drawing else { return }
        drawing.cancel()
        await drawing.value
        if let length { ProgressLine.draw(length, of: length) }
        ProgressLine.end()
    }
}
