import Foundation

/// A temporary folder of a test, removed with its last reference.
final class Scratch: Sendable {
    let folder: String

    init() throws {
        folder = try Self.makeFolder("test")
    }

    /// A new folder. Tests write only there, which `Scripts/check-modules` checks.
    static func makeFolder(_ name: String) throws -> String {
        let folder = NSTemporaryDirectory() + "http-handles-\(name)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        return folder
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String) -> String { folder + "/" + name }

    func file(_ name: String, _ bytes: some Collection<UInt8>) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    func contents(_ name: String) -> [UInt8]? {
        // Foundation leaks its buffer if a file is empty.
        let size = try? FileManager.default.attributesOfItem(atPath: path(name))[.size] as? Int
        return size == 0 ? [] : FileManager.default.contents(atPath: path(name)).map { Array($0) }
    }

    func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }
}

/// Bytes whose values depend on their position.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }
