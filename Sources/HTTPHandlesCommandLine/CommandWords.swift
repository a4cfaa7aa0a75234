/// An option as the command line knows it.
package struct KnownOption: Hashable, Sendable {
    /// With their dashes, for example "-X" and "--request".
    package let names: [String]
    package let takesValue: Bool

    package init(_ names: [String], takesValue: Bool) {
        self.names = names
        self.takesValue = takesValue
    }

    fileprivate var longName: String? { names.first { $0.utf8.starts(with: "--".utf8) } }
}

/// The words of a command line in curl's syntax, rewritten for a parser that does not know it.
///
/// - Letters may be joined, the last one with its value: `-sSXPOST`.
/// - An option with a value takes the next word, whatever that begins with: `-d -x`.
/// - `--no-NAME` takes back an earlier flag.
/// - `-K FILE` stands for the options in the file.
/// - Options may follow the URLs, and `--url` is one.
///
/// In the result an option and its value are one word, `--NAME=VALUE`, unless the value is empty; `-O` is an output without a
/// name; and the operands come last, after `--`.
package struct CommandWords {
    /// Returns the content of the configuration file with that name.
    package typealias Reader = (String) throws(SyntaxError) -> String

    private let options: [String: KnownOption]
    private let readConfiguration: Reader
    private var written: [(option: KnownOption?, words: [String])] = []
    private var operands: [String] = []

    /// Configuration files can name others.
    private static let maximumDepth = 8

    package static func rewrite(
        _ words: [String],
        _ options: [KnownOption],
        readConfiguration: Reader
    ) throws(SyntaxError) -> [String] {
        try withoutActuallyEscaping(readConfiguration) { reader throws(SyntaxError) in
            var command = CommandWords(options, reader)
            try command.append(words)
            return command.written.flatMap(\.words) + (command.operands.isEmpty ? [] : ["--"] + command.operands)
        }
    }

    private init(_ options: [KnownOption], _ readConfiguration: @escaping Reader) {
        self.options = Dictionary(options.flatMap { option in option.names.map { ($0, option) } }) { first, _ in first }
        self.readConfiguration = readConfiguration
    }

    private mutating func append(_ words: [String]) throws(SyntaxError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch Array(word.utf8.prefix(3)) {
            case Array("--".utf8):
                operands += rest
                return
            case let start where start.starts(with: "--".utf8): try appendLong(word, &rest)
            case let start where start.count > 1 && start[0] == UInt8(ascii: "-"): try appendLetters(word, &rest)
            default: operands.append(word)
            }
        }
    }

    private mutating func appendLong(_ word: String, _ rest: inout ArraySlice<String>) throws(SyntaxError) {
        if let option = options[word] {
            let value = option.takesValue ? try Self.value(of: word, &rest) : nil
            return try append(option, word, value)
        }
        if let (name, value) = word.utf8.splitOnce(at: "="), let option = options[String(Substring(name))],
            option.takesValue
        {
            return try append(option, String(Substring(name)), String(Substring(value)))
        }
        if word.utf8.starts(with: "--no-".utf8), let option = options["--" + String(Substring(word.utf8.dropFirst(5)))],
            !option.takesValue
        {
            return written.removeAll { $0.option == option }
        }
        // The parser reports it.
        written.append((nil, [word]))
    }

    private mutating func appendLetters(_ word: String, _ rest: inout ArraySlice<String>) throws(SyntaxError) {
        var letters = word.unicodeScalars.dropFirst()
        while let letter = letters.popFirst() {
            let name = "-\(letter)"
            guard let option = options[name] else { return written.append((nil, [name])) }
            guard option.takesValue else {
                try append(option, name, nil)
                continue
            }
            let value = letters.isEmpty ? try Self.value(of: name, &rest) : String(String.UnicodeScalarView(letters))
            return try append(option, name, value)
        }
    }

    private static func value(of name: String, _ rest: inout ArraySlice<String>) throws(SyntaxError) -> String {
        guard let value = rest.popFirst() else { throw SyntaxError("\(name) needs a value.") }
        return value
    }

    private mutating func append(_ option: KnownOption, _ name: String, _ value: String?) throws(SyntaxError) {
        if let value, option.names.contains("--config") { return try appendConfiguration(value, depth: 1) }
        if let value, name == "--url" { return operands.append(value) }
        // Its place among the values of --output counts.
        if option.names.contains("--remote-name") { return write(option, "--output", "") }
        write(option, option.longName ?? name, value)
    }

    private mutating func write(_ option: KnownOption, _ name: String, _ value: String?) {
        switch value {
        case nil: written.append((option, [name]))
        // The parser knows no empty value after "=".
        case ""?: written.append((option, [name, ""]))
        case let value?: written.append((option, ["\(name)=\(value)"]))
        }
    }

    private mutating func appendConfiguration(_ file: String, depth: Int) throws(SyntaxError) {
        guard depth <= Self.maximumDepth else {
            throw SyntaxError("\(file): configuration files name each other.")
        }
        for line in try ConfigurationFile(try readConfiguration(file), name: file).lines {
            guard let option = options[line.name] else {
                throw SyntaxError("\(file):\(line.number): there is no option \(line.name).")
            }
            guard option.takesValue == (line.value != nil) else {
                let problem = option.takesValue ? "needs a value" : "takes no value"
                throw SyntaxError("\(file):\(line.number): \(line.name) \(problem).")
            }
            if let value = line.value, option.names.contains("--config") {
                try appendConfiguration(value, depth: depth + 1)
            } else {
                try append(option, line.name, line.value)
            }
        }
    }
}
