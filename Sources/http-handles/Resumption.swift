import ArgumentParser
import Foundation
import HTTPHandles

/// Whether a download goes on where an earlier one broke off.
struct ResumeOptions: ParsableArguments {
    @Option(
        name: [.customShort("C"), .customLong("continue-at")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Only \"-\": go on where an earlier download with the same option broke off; needs -o.",
            valueName: "offset"
        )
    )
    var continueAt: String?

    var resumes: Bool { continueAt != nil }

    func validate() throws {
        guard continueAt == nil || continueAt == "-" else {
            throw ValidationError("Where to go on the partial file says: only \"-\" can be given.")
        }
    }
}

/// A download that goes on where an earlier one broke off, with its progress on a terminal.
///
/// Which version of the file the earlier bytes are of is checked by the library: see `SessionHandle.download`.
struct Resumption {
    private let session: SessionHandle
    private let drawing: Task<Void, Never>?

    init(_ session: SessionHandle) {
        self.session = session
        guard Terminal.isErrorTerminal else {
            drawing = nil
            return
        }
        let events = session.statusEvents(scope: .tree)
        drawing = Task {
            var received = 0
            var drawnAt = 0
            for await event in events {
                guard case .readComplete(let bytes) = event.kind else { continue }
                received += bytes
                guard bytes == 0 || received - drawnAt >= 64 * 1024 else { continue }
                drawnAt = received
                Terminal.draw("\r\u{1B}[K" + BodySink.bar(received, of: nil))
            }
        }
    }

    func download(_ url: String, to file: String, _ message: MessageOptions) async -> Result<Void, any Error> {
        do {
            let fields = try usage { () throws(HandleError) in try message.headerFields(hasBody: false) }
            let download = try await session.download(url, to: file, headerFields: fields)
            await stopDrawing(at: download.length)
            if download.resumedFrom > 0 { Terminal.say("went on after \(download.resumedFrom) bytes") }
            if download.length == nil { Terminal.say("nothing was written: the status is \(download.head.status)") }
            return .success(())
        } catch let error as HandleError {
            await stopDrawing()
            return .failure(RequestFailure(error: error))
        } catch {
            await stopDrawing()
            return .failure(error)
        }
    }

    private func stopDrawing(at length: UInt64? = nil) async {
        guard let drawing else { return }
        drawing.cancel()
        await drawing.value
        let last = length.map { "\r\u{1B}[K" + BodySink.bar(Int(clamping: $0), of: Int(clamping: $0)) } ?? ""
        Terminal.draw(last + "\n")
    }
}
