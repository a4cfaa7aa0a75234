import ArgumentParser
import Foundation
import HTTPHandlesCommandLine

/// Files that the command line names.
enum InputFile {
    /// The whole content; "-" is standard input.
    static func contents(_ file: String) throws -> [UInt8] {
        let contents =
            file == "-"
            ? try? FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: file)
        guard let contents else {
            throw ValidationError("\(file == "-" ? "Standard input" : file) cannot be read.")
        }
        return [UInt8](contents)
    }

    /// Whether `-T` means standard input.
    static func isStandard(_ file: String) -> Bool { file == "-" || file == "." }

    static func isRegular(_ file: String) -> Bool {
        let path = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
        let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        return type == .typeRegular && FileManager.default.isReadableFile(atPath: file)
    }
}

/// Converts an error of a text on the command line to a usage error.
func syntax<Value>(_ body: () throws(SyntaxError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw ValidationError(error.reason)
    }
}
