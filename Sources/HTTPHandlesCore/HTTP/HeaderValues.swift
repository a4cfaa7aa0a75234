public import HTTPTypes

/// The value of `Retry-After` (RFC 9110, section 10.2.3).
public enum RetryAfterValue: Sendable, Hashable {
    /// After so much time.
    case delay(Duration)
    /// At a date.
    case date(HTTPDate)

    /// Parses a value; `nil` if it is neither whole seconds nor a date.
    ///
    /// - Parameters:
    ///   - text: The value.
    ///   - now: For a year of two digits.
    public init?(_ text: String, now: HTTPDate) {
        if !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) {
            self = .delay(.seconds(Int64(text) ?? .max))
        } else if let date = HTTPDate(text, now: now) {
            self = .date(date)
        } else {
            return nil
        }
    }

    /// How long to wait at a moment; zero for a date that is over.
    public func delay(at now: HTTPDate) -> Duration {
        switch self {
        case .delay(let delay): delay
        case .date(let date): .seconds(max(date.secondsSince1970 - now.secondsSince1970, 0))
        }
    }
}

/// The value of `Content-Type`: a media type with its parameters (RFC 9110, section 8.3.1).
public struct ContentType: Sendable, Hashable {
    /// Type and subtype in lower case, for example "text/html".
    public let mediaType: String
    /// The parameters: names in lower case, values without their quotes.
    public let parameters: [String: String]

    /// Parses leniently: of two parameters with the same name the first is used, one without a value is skipped. `nil` if the
    /// text does not begin with a type and a subtype.
    public init?(_ text: String) {
        let parsed = MediaType(parsing: text)
        let parts = parsed.name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(FieldScanner.isTokenByte) }) else {
            return nil
        }
        mediaType = parsed.name
        parameters = parsed.parameters
    }

    /// The name of the character encoding; `nil` if there is none.
    public var charset: String? { parameters["charset"] }
}

/// The value of `Content-Disposition` (RFC 6266).
public struct ContentDisposition: Sendable, Hashable {
    /// In lower case, for example "attachment".
    public let type: String
    /// The file name that the server suggests, as it is written there: it may be a path, and is not safe as a file name.
    public let rawFilename: String?

    /// Parses leniently; `nil` if the text does not begin with a token. `filename*` goes before `filename`.
    public init?(_ text: String) {
        var scanner = FieldScanner(text)
        scanner.skip(FieldScanner.isBlank)
        guard let type = scanner.nextToken() else { return nil }
        self.type = type.asciiLowercased
        var parameters: [String: String] = [:]
        while true {
            scanner.skip { $0 != UInt8(ascii: ";") }
            guard !scanner.rest.isEmpty else { break }
            scanner.rest = scanner.rest.dropFirst()
            scanner.skip(FieldScanner.isBlank)
            guard let (name, value) = scanner.parameter() else { continue }
            let key = name.asciiLowercased
            if parameters[key] == nil { parameters[key] = value }
        }
        rawFilename = parameters["filename*"].flatMap { Self.decoded(extended: $0) } ?? parameters["filename"]
    }

    /// The file name, safe to use in a folder: the last component of what the server suggests, without control characters and
    /// separators; `nil` if nothing is left, or it would be hidden or a folder ("..").
    public var filename: String? {
        guard let rawFilename else { return nil }
        let bytes = rawFilename.utf8
        let last = bytes.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }.last ?? bytes[bytes.endIndex...]
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 }
        let kept = Array(last.filter { !$0.isControl && $0 != UInt8(ascii: ":") }).drop(while: isBlank)
        guard let end = kept.lastIndex(where: { !isBlank($0) }) else { return nil }
        let name = kept[...end]
        // Most file systems have names of at most 255 bytes.
        guard name.first != UInt8(ascii: "."), name.count <= 255 else { return nil }
        return String(validating: name, as: UTF8.self)
    }

    /// `UTF-8'en'%e2%82%ac` (RFC 8187). Other encodings than UTF-8 and ISO-8859-1 are ignored.
    private static func decoded(extended value: String) -> String? {
        let parts = value.utf8.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let bytes = PercentEncoding.decoded(Array(parts[2]))
        let charset = String(decoding: parts[0], as: UTF8.self).asciiLowercased
        if charset.utf8.elementsEqual("utf-8".utf8) { return String(validating: bytes, as: UTF8.self) }
        guard charset.utf8.elementsEqual("iso-8859-1".utf8) else { return nil }
        return String(decoding: bytes.map { UInt16($0) }, as: UTF16.self)
    }
}

/// One link of a `Link` field (RFC 8288).
public struct WebLink: Sendable, Hashable {
    /// The target, a URL or a reference to be resolved against the URL of the response.
    public let target: String
    /// The relation types of `rel`, in lower case, for example "next".
    public let relations: [String]
    /// All parameters: names in lower case; of two with the same name the first.
    public let parameters: [String: String]

    /// Parses the links of one field value. What is malformed ends the list.
    public static func all(in value: String) -> [WebLink] {
        var links: [WebLink] = []
        var scanner = FieldScanner(value)
        while true {
            scanner.skip { FieldScanner.isBlank($0) || $0 == UInt8(ascii: ",") }
            guard scanner.rest.first == UInt8(ascii: "<"), let end = scanner.rest.firstIndex(of: UInt8(ascii: ">"))
            else {
                return links
            }
            let target = scanner.rest[..<end].dropFirst()
            scanner.rest = scanner.rest[(end + 1)...]
            var parameters: [String: String] = [:]
            while true {
                scanner.skip(FieldScanner.isBlank)
                guard scanner.rest.first == UInt8(ascii: ";") else { break }
                scanner.rest = scanner.rest.dropFirst()
                scanner.skip(FieldScanner.isBlank)
                var parameter = scanner.parameter()
                if parameter == nil, let name = scanner.nextToken() { parameter = (name, "") }
                guard let (name, value) = parameter else { continue }
                let key = name.asciiLowercased
                if parameters[key] == nil { parameters[key] = value }
            }
            let relations = parameters["rel", default: ""].utf8.split(separator: 0x20)
            links.append(
                WebLink(
                    target: String(decoding: target, as: UTF8.self),
                    relations: relations.map { String(decoding: $0, as: UTF8.self).asciiLowercased },
                    parameters: parameters
                )
            )
        }
    }

    /// The links of all `Link` fields.
    public static func all(in fields: HTTPFields) -> [WebLink] {
        fields.filter { $0.name.canonicalName == "link" }.flatMap { all(in: $0.value) }
    }
}
