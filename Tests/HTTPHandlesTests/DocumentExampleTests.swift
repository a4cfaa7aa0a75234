import Foundation
import HTTPHandlesFoundation
import Testing

/// Compiles the examples of README, Docs and the catalogues of DocC like a program that uses the library.
@Suite("Examples in the documents", .timeLimit(.minutes(5)))
struct DocumentExampleTests {
    /// Declarations that the examples require.
    private static let context = """
        struct Keychain: Sendable { func password(for host: String) async -> String { host } }

        """
    private static let catalogues = ["HTTPHandles", "HTTPHandlesFoundation", "HTTPHandlesTesting"].map {
        "Sources/\($0)/\($0).docc"
    }
    private static let parameters = "session: SessionHandle, head: ResponseHead, url: String, keychain: Keychain"

    @Test func `every example compiles`() async throws {
        let scratch = try Scratch()
        var files: [String] = [try scratch.file("Context.swift", Self.context.utf8)]
        let paths = try (["Docs", "Docs/Moving"] + Self.catalogues).flatMap(Document.names(in:))
        for path in ["README.md"] + paths {
            for (line, example) in try Document(path).swiftExamples where !example.contains(".package(") {
                let source = Self.source(of: example, number: files.count, from: path, line: line)
                files.append(try scratch.file("Example\(files.count).swift", source.utf8))
            }
        }
        #expect(files.count > 10)
        let run = try await TestProgram.run("/usr/bin/env", try ["swiftc"] + Self.arguments() + files)
        #expect(run.status == 0, "\(run.output)")
    }

    /// Declarations are used as they are; statements become the body of a function.
    private static func source(of example: String, number: Int, from path: String, line: Int) -> String {
        let lines = example.components(separatedBy: "\n")
        let imports = lines.prefix { $0.hasPrefix("import ") || $0.isEmpty }
        let isDeclaration = lines.contains { line in
            ["struct ", "@main struct ", "@Test "].contains { line.hasPrefix($0) }
        }
        let place = "#sourceLocation(file: \"\(path)\", line: \(line + imports.count))"
        let rest = ([place] + lines.dropFirst(imports.count)).joined(separator: "\n")
        let body = isDeclaration ? rest : "func example\(number)(\(parameters)) async throws {\n\(rest)\n}"
        return "import HTTPHandles\nimport HTTPTypes\n\(imports.joined(separator: "\n"))\n\(body)\n"
    }

    private static func arguments() throws -> [String] {
        let folder = URL(fileURLWithPath: TestProgram.path()).deletingLastPathComponent()
        // Finds missing imports too.
        let ownMaps = try ["Curl", "Zlib", "Brotli", "Zstd"].map {
            try Document("Sources/CHTTPHandles\($0)/module.modulemap").path
        }
        let maps = try ownMaps + mapsOfDependencies(folder)
        return ["-typecheck", "-swift-version", "6", "-I", folder.appendingPathComponent("Modules").path]
            + maps.flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] }
    }
    /// With some traits the library imports modules of C: SwiftPM writes their maps beside the objects, or the package has one.
    private static func mapsOfDependencies(_ build: URL) throws -> [String] {
        let scratch = build.deletingLastPathComponent().deletingLastPathComponent()
        let checkouts = scratch.appendingPathComponent("checkouts")
        let written = try contents(of: build).filter { $0.pathExtension == "build" }
        let packaged = try contents(of: checkouts).flatMap { try contents(of: $0.appendingPathComponent("Sources")) }
            .map { $0.appendingPathComponent("include") }
        return (written + packaged).map { $0.appendingPathComponent("module.modulemap").path }
            .filter(FileManager.default.fileExists(atPath:))
    }

    private static func contents(of folder: URL) throws -> [URL] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    }
}
