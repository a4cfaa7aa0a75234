import ArgumentParser
import Foundation
import HTTPHandlesCommandLine

/// The words of the command line, rewritten from curl's syntax to that of the parser.
enum CommandLineWords {
    static func rewritten(_ words: [String]) throws -> [String] {
        let others = ["get", "ws", "watch", "tour", "help", "-h", "--help", "--version", "--experimental-dump-help"]
        guard let first = words.first, !others.dropFirst().contains(first) else { return words }
        if first.utf8.starts(with: "--generate-completion-script".utf8) { return words }
        let own = first == "get" ? Array(words.dropFirst()) : words
        return ["get"]
            + (try syntax { () throws(SyntaxError) in
                try CommandWords.rewrite(own, ToolOptions.all, readConfiguration: configuration)
            })
    }

    private static func configuration(_ file: String) throws(SyntaxError) -> String {
        guard let contents = try? InputFile.contents(file) else { throw SyntaxError("\(file) cannot be read.") }
        return String(decoding: contents, as: UTF8.self)
    }
}
