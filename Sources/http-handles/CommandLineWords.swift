import ArgumentParser
import Foundation
import HTTPHandlesCommandLine

/// The words of the command line, rewritten from curl's syntax to that of the parser.
enum CommandLineWords {
    static func rewritten(_ words: [String]) throws -> [String] {
        let others = ["get", "ws", "tour", "help", "-h", "--help", "--version", "--experimental-dump-help"]
        guard let first = words.first, !others.dropFirst().contains(first) else { return words }
        if first.utf8.starts(with: "--generate-completion-script".utf8) { return words }
        let own = first == "get" ? Array(words.dropFirst()) : words
        return ["get"]
            + (try syntax { () throws(SyntaxError) in
                try CommandWords.rewrite(own, knownOptions(), readConfiguration: configuration)
            })
    }

    private static func configuration(_ file: String) throws(SyntaxError) -> String {
        guard let contents = try? InputFile.contents(file) else { throw SyntaxError("\(file) cannot be read.") }
        return String(decoding: contents, as: UTF8.self)
    }

    /// The options of `get`, as the parser describes them for other tools.
    private static func knownOptions() -> [KnownOption] {
        struct Description: Decodable {
            struct Command: Decodable { let arguments: [Argument]? }
            struct Argument: Decodable {
                struct Name: Decodable { let kind, name: String }
                let kind: String
                let names: [Name]?
            }
            let command: Command
        }
        let description = try? JSONDecoder().decode(Description.self, from: Data(Get._dumpHelp().utf8))
        return (description?.command.arguments ?? []).compactMap { argument in
            guard let names = argument.names else { return nil }
            let words = names.map { ($0.kind == "long" ? "--" : "-") + $0.name }
            return KnownOption(words, takesValue: argument.kind == "option")
        }
    }
}
