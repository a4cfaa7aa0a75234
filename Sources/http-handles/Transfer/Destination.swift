import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesDriver

/// Where a body goes.
enum Destination: Sendable, Hashable {
    case standardOutput
    case file(String)
    /// The name in the URL, or the one that the server suggests.
    case remote(name: String, folder: String?, usesHeader: Bool)

    /// The path of the file; `nil` for standard output.
    ///
    /// A name of the server's is used only for a new file: an existing one is never overwritten or followed.
    func path(for head: ResponseHead) throws(TransferFailure) -> String? {
        switch self {
        case .standardOutput: return nil
        case .file(let path): return path
        case .remote(let name, let folder, let usesHeader):
            let suggested =
                usesHeader
                ? head.headerFields[.contentDisposition].flatMap { FileNames.suggested(byContentDisposition: $0) } : nil
            let chosen = suggested ?? name
            guard !chosen.isEmpty, chosen != ".", chosen != ".." else {
                throw TransferFailure(ExitStatus.notWritten, "neither the URL nor the response has a file name")
            }
            let path = folder.map { "\($0)/\(chosen)" } ?? chosen
            if suggested != nil, !Self.makeNew(path) {
                throw TransferFailure(
                    ExitStatus.notWritten,
                    "the file \(path) is not overwritten with --remote-header-name"
                )
            }
            return path
        }
    }

    private static func makeNew(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return false }
        _ = close(descriptor)
        return true
    }

    /// Makes the folders of a file, for their owner and group only.
    static func makeFolders(of path: String) throws(TransferFailure) {
        guard let folder = FileNames.folder(of: path) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750]
            )
        } catch {
            throw TransferFailure(ExitStatus.notWritten, "the folder \(folder) cannot be made")
        }
    }
}

extension WritableFile {
    /// A file whose content appears when it is complete; devices and pipes are written in place.
    convenience init(for path: String) throws(HandleError) {
        let target = Self.target(of: path)
        let type = try? FileManager.default.attributesOfItem(atPath: target)[.type] as? FileAttributeType
        if let type, type != .typeRegular {
            try self.init(into: path)
        } else {
            try self.init(replacing: target)
        }
    }
}
