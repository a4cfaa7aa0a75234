/// A variable of `-w`, with curl's name.
package enum WriteOutVariable: String, CaseIterable, Hashable, Sendable {
    case contentType = "content_type"
    case errorMessage = "errormsg"
    case exitCode = "exitcode"
    case fileName = "filename_effective"
    case headerJSON = "header_json"
    case status = "http_code"
    case httpVersion = "http_version"
    case json
    case localAddress = "local_ip"
    case localPort = "local_port"
    case method
    case connectionsMade = "num_connects"
    case headerCount = "num_headers"
    case redirectCount = "num_redirects"
    case redirectURL = "redirect_url"
    case referer
    case remoteAddress = "remote_ip"
    case remotePort = "remote_port"
    case responseCode = "response_code"
    case scheme
    case downloadSize = "size_download"
    case headSize = "size_header"
    case requestSize = "size_request"
    case uploadSize = "size_upload"
    case downloadSpeed = "speed_download"
    case uploadSpeed = "speed_upload"
    case secureTime = "time_appconnect"
    case connectTime = "time_connect"
    case nameTime = "time_namelookup"
    case preparationTime = "time_pretransfer"
    case redirectTime = "time_redirect"
    case firstByteTime = "time_starttransfer"
    case totalTime = "time_total"
    case url
    case effectiveURL = "url_effective"
    case urlNumber = "urlnum"

    /// In curl's JSON a number, not a text.
    package var isNumber: Bool {
        switch self {
        case .exitCode, .status, .localPort, .connectionsMade, .headerCount, .redirectCount, .remotePort, .responseCode,
            .downloadSize, .headSize, .requestSize, .uploadSize, .downloadSpeed, .uploadSpeed, .secureTime,
            .connectTime, .nameTime, .preparationTime, .redirectTime, .firstByteTime, .totalTime, .urlNumber:
            true
        default: false
        }
    }
}

/// The format of `-w`: texts, and variables in `%{…}`.
package struct WriteOutFormat: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case text(String)
        case variable(WriteOutVariable)
        /// `%header{name}`: the value of the first field with that name.
        case header(String)
        /// What follows goes there.
        case standardError, standardOutput
        /// What follows is only for requests that failed.
        case onlyOnError
    }

    package private(set) var parts: [Part] = []

    package init(_ text: String) throws(SyntaxError) {
        var literal: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch (byte, rest.first) {
            case (UInt8(ascii: "%"), UInt8(ascii: "%")?):
                literal.append(byte)
                rest = rest.dropFirst()
            case (UInt8(ascii: "%"), UInt8(ascii: "{")?):
                guard let (name, tail) = rest.dropFirst().splitOnce(at: "}") else {
                    literal.append(byte)
                    continue
                }
                append(try Self.part(String(Substring(name))), after: &literal)
                rest = tail
            case (UInt8(ascii: "%"), _) where rest.starts(with: "header{".utf8):
                guard let (name, tail) = rest.dropFirst(7).splitOnce(at: "}") else {
                    literal.append(byte)
                    continue
                }
                append(.header(String(Substring(name))), after: &literal)
                rest = tail
            case (UInt8(ascii: "\\"), let escaped?):
                rest = rest.dropFirst()
                switch escaped {
                case UInt8(ascii: "n"): literal.append(0x0A)
                case UInt8(ascii: "r"): literal.append(0x0D)
                case UInt8(ascii: "t"): literal.append(0x09)
                default: literal += [byte, escaped]
                }
            default: literal.append(byte)
            }
        }
        if !literal.isEmpty { parts.append(.text(String(bytes: literal))) }
    }

    private mutating func append(_ part: Part, after literal: inout [UInt8]) {
        if !literal.isEmpty { parts.append(.text(String(bytes: literal))) }
        literal = []
        parts.append(part)
    }

    private static func part(_ name: String) throws(SyntaxError) -> Part {
        switch name {
        case "stderr": return .standardError
        case "stdout": return .standardOutput
        case "onerror": return .onlyOnError
        default:
            guard let variable = WriteOutVariable(rawValue: name) else {
                throw SyntaxError("--write-out: there is no variable \"\(name)\".")
            }
            return .variable(variable)
        }
    }

    /// The texts for both streams.
    ///
    /// - Parameters:
    ///   - hasFailed: Whether the request failed.
    ///   - value: The text of a variable; empty if it is not known.
    ///   - field: The value of a header field; empty if there is none.
    package func texts(
        hasFailed: Bool,
        value: (WriteOutVariable) -> String,
        field: (String) -> String
    ) -> (output: String, error: String) {
        var texts = (output: "", error: "")
        var goesToError = false
        for part in parts {
            let text: String
            switch part {
            case .text(let literal): text = literal
            case .variable(let variable): text = value(variable)
            case .header(let name): text = field(name)
            case .standardError, .standardOutput:
                goesToError = part == .standardError
                continue
            case .onlyOnError:
                guard hasFailed else { return texts }
                continue
            }
            if goesToError { texts.error += text } else { texts.output += text }
        }
        return texts
    }
}
