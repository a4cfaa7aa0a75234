public import HTTPHandles
import HTTPHandlesCore
public import HTTPTypes

/// Exchanges of HTTP in the format HAR 1.2: what `ExchangeRecorder` writes, `ReplayingClient` reads, and other tools understand.
///
/// Beyond HAR 1.2 it has, in members that begin with "_": bodies of requests in base64, trailer fields, failures, and the URL
/// that answered after redirects.
public struct HTTPArchive: Sendable, Hashable {
    /// The exchanges, in the order in which they began.
    public var exchanges: [ArchivedExchange]

    /// Makes an archive.
    public init(_ exchanges: [ArchivedExchange] = []) {
        self.exchanges = exchanges
    }

    /// Reads an archive. The bytes may be from anywhere: what is missing, of another type, or cannot be in HTTP is an error. Times
    /// are not read. What browsers list with another scheme than http and https (WebSockets, data) is left out.
    public init(har bytes: some Collection<UInt8>) throws(HTTPArchiveError) {
        let text: JSONText
        do throws(JSONProblem) {
            text = try JSONText(bytes)
        } catch {
            throw HTTPArchiveError(place: "byte \(error.offset)", reason: error.reason)
        }
        guard let entries = text["log"]?["entries"]?.asElements else {
            throw HTTPArchiveError(place: "log.entries", reason: "an array is expected")
        }
        exchanges = []
        for (index, entry) in entries.enumerated() {
            if ArchiveMember(entry["request"]?["url"], "").hasOtherScheme { continue }
            exchanges.append(try ArchivedExchange(entry, at: "log.entries[\(index)]"))
        }
    }

    /// The archive in the format HAR 1.2.
    public var har: [UInt8] {
        let creator: JSONText = .object(["name": .string("HTTPHandlesTesting"), "version": .string("1")])
        let log: JSONText = .object([
            "version": .string("1.2"), "creator": creator, "entries": .array(exchanges.map(\.entry)),
        ])
        return JSONText.object(["log": log]).bytes
    }
}

/// Why bytes are not an archive.
public struct HTTPArchiveError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where: a path, for example "log.entries[3].request.url", or the number of a byte.
    public let place: String
    /// What is wrong there.
    public let reason: String

    /// Place and reason.
    public var description: String { "\(place): \(reason)" }
}

/// One exchange of an `HTTPArchive`.
public struct ArchivedExchange: Sendable, Hashable {
    /// How an exchange without a response failed.
    public struct Failure: Sendable, Hashable {
        /// The code.
        public var code: HandleErrorCode
        /// The reason.
        public var reason: String

        /// Makes a failure.
        public init(code: HandleErrorCode, reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    /// When the exchange began, in seconds since 1970.
    public var startedAt: HTTPDate
    /// How long it took.
    public var duration: Duration
    /// The method.
    public var method: HTTPRequest.Method
    /// The URL.
    public var url: String
    /// The header fields of the request.
    public var requestFields: HTTPFields
    /// The body of the request.
    public var requestBody: [UInt8]
    /// The status; `nil` if there was no response.
    public var status: HTTPResponse.Status?
    /// The URL that answered, if it is another one: after a redirect.
    public var responseURL: String?
    /// The header fields of the response.
    public var responseFields: HTTPFields
    /// The body of the response, as far as it was read; `nil` if the archive does not have it.
    public var responseBody: [UInt8]?
    /// What followed the body.
    public var trailers: HTTPFields
    /// Why there is no response, or why its body is not whole.
    public var failure: Failure?

    /// Makes an exchange.
    public init(
        _ method: HTTPRequest.Method = .get,
        _ url: String,
        requestFields: HTTPFields = [:],
        requestBody: [UInt8] = [],
        status: HTTPResponse.Status? = .ok,
        responseURL: String? = nil,
        responseFields: HTTPFields = [:],
        responseBody: [UInt8]? = [],
        trailers: HTTPFields = [:],
        failure: Failure? = nil,
        startedAt: HTTPDate = HTTPDate(secondsSince1970: 0),
        duration: Duration = .zero
    ) {
        self.method = method
        self.url = url
        self.requestFields = requestFields
        self.requestBody = requestBody
        self.status = status
        self.responseURL = responseURL
        self.responseFields = responseFields
        self.responseBody = responseBody
        self.trailers = trailers
        self.failure = failure
        self.startedAt = startedAt
        self.duration = duration
    }
}

// MARK: Writing

extension ArchivedExchange {
    fileprivate var entry: JSONText {
        let milliseconds = Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15
        var entry: [String: JSONText] = [
            "startedDateTime": .string(startedAt.rfc3339Text), "time": .number(milliseconds), "request": request,
            "response": response, "cache": .object([:]),
            "timings": .object(["send": .number(0), "wait": .number(milliseconds), "receive": .number(0)]),
        ]
        if let failure {
            entry["_error"] = .object([
                "code": .number(Double(failure.code.rawValue)), "reason": .string(failure.reason),
            ])
        }
        return .object(entry)
    }

    private var request: JSONText {
        var request = Self.common(requestFields, bodySize: requestBody.count)
        request["method"] = .string(method.rawValue)
        request["url"] = .string(url)
        request["queryString"] = .array(
            (try? HTTPURL(url))?.queryItems.map { item in
                JSONText.object(["name": .string(item.name), "value": .string(item.value ?? "")])
            } ?? []
        )
        if !requestBody.isEmpty { request["postData"] = Self.content(requestBody, requestFields, "_encoding") }
        return .object(request)
    }

    private var response: JSONText {
        var response = Self.common(responseFields, bodySize: responseBody?.count ?? -1)
        response["status"] = .number(Double(status?.code ?? 0))
        response["statusText"] = .string(status?.reasonPhrase ?? "")
        response["redirectURL"] = .string(responseFields[.location] ?? "")
        var content: [String: JSONText] = [:]
        if case .object(let members) = Self.content(responseBody ?? [], responseFields, "encoding") {
            content = members
        }
        content["size"] = .number(Double(responseBody?.count ?? -1))
        if responseBody == nil {
            content["text"] = nil
            content["comment"] = .string("not recorded")
        }
        response["content"] = .object(content)
        if !trailers.isEmpty { response["_trailers"] = Self.list(trailers) }
        if let responseURL { response["_url"] = .string(responseURL) }
        return .object(response)
    }

    private static func common(_ fields: HTTPFields, bodySize: Int) -> [String: JSONText] {
        [
            "httpVersion": .string("HTTP/1.1"), "headers": list(fields), "cookies": .array([]),
            "headersSize": .number(-1), "bodySize": .number(Double(bodySize)),
        ]
    }

    private static func list(_ fields: HTTPFields) -> JSONText {
        .array(fields.map { JSONText.object(["name": .string($0.name.rawName), "value": .string($0.value)]) })
    }

    private static func content(_ bytes: [UInt8], _ fields: HTTPFields, _ encoding: String) -> JSONText {
        var content: [String: JSONText] = ["mimeType": .string(fields[.contentType] ?? "")]
        if let text = String(validating: bytes, as: UTF8.self) {
            content["text"] = .string(text)
        } else {
            content["text"] = .string(Base64.encode(bytes))
            content[encoding] = .string("base64")
        }
        return .object(content)
    }
}

// MARK: Reading

extension ArchivedExchange {
    fileprivate init(_ entry: JSONText, at path: String) throws(HTTPArchiveError) {
        let request = ArchiveMember(entry, path).member("request")
        let response = ArchiveMember(entry, path).member("response")
        let method = request.member("method")
        guard let token = HTTPRequest.Method(try method.text()) else { throw method.error("it is not a method") }
        self.init(token, try request.member("url").url())
        requestFields = try request.member("headers").fields()
        if request.member("postData").value != nil {
            requestBody = try request.member("postData").content("_encoding") ?? []
        }
        let code = response.member("status")
        let number = try code.number()
        guard number == 0 || (100...999).contains(number), let whole = Int(exactly: number) else {
            throw code.error("it is not a status")
        }
        let phrase = response.member("statusText")
        let reason = phrase.value == nil ? "" : try phrase.text()
        guard !reason.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
            throw phrase.error("it has a control character")
        }
        status = whole == 0 ? nil : HTTPResponse.Status(code: whole, reasonPhrase: reason)
        responseFields = try response.member("headers").fields()
        responseBody = try response.member("content").content("encoding")
        if response.member("_url").value != nil { responseURL = try response.member("_url").url() }
        if response.member("_trailers").value != nil { trailers = try response.member("_trailers").fields() }
        let failure = ArchiveMember(entry, path).member("_error")
        if case .object? = failure.value {
            let number = failure.member("code")
            guard let code = Int(exactly: try number.number()).flatMap(HandleErrorCode.init(rawValue:)) else {
                throw number.error("it is not a code of an error")
            }
            self.failure = Failure(code: code, reason: try failure.member("reason").text())
        }
        guard status != nil || self.failure != nil else {
            self.failure = Failure(code: .connectionError, reason: "there was no response when this was recorded")
            return
        }
    }
}

/// A member of an archive, which may be missing.
private struct ArchiveMember {
    let value: JSONText?
    let place: String

    init(_ value: JSONText?, _ place: String) {
        self.value = value
        self.place = place
    }

    func member(_ name: String) -> ArchiveMember { ArchiveMember(value?[name], "\(place).\(name)") }

    func error(_ reason: String) -> HTTPArchiveError { HTTPArchiveError(place: place, reason: reason) }

    /// Whether it is a URL that is not for HTTP.
    var hasOtherScheme: Bool {
        guard let text = value?.asText, let scheme = URLReference(Array(text.utf8)).scheme else { return false }
        let name = String(decoding: scheme, as: UTF8.self)
        return !name.isEqualIgnoringASCIICase("http") && !name.isEqualIgnoringASCIICase("https")
    }

    func text() throws(HTTPArchiveError) -> String {
        guard let text = value?.asText else { throw error("a text is expected") }
        return text
    }

    func url() throws(HTTPArchiveError) -> String {
        let text = try text()
        do throws(HandleError) {
            return try HTTPURL(text).text
        } catch {
            throw self.error(error.reason)
        }
    }

    func number() throws(HTTPArchiveError) -> Double {
        guard let number = value?.asNumber else { throw error("a number is expected") }
        return number
    }

    /// Browsers list the pseudo-header fields of HTTP/2, too.
    func fields() throws(HTTPArchiveError) -> HTTPFields {
        guard let elements = value?.asElements else { throw error("an array is expected") }
        guard elements.count <= 10_000 else { throw error("there are more than 10000 fields") }
        var fields = HTTPFields()
        for (index, element) in elements.enumerated() {
            let field = ArchiveMember(element, "\(place)[\(index)]")
            let name = try field.member("name").text()
            if name.utf8.first == UInt8(ascii: ":") { continue }
            guard let token = HTTPField.Name(name) else { throw field.member("name").error("it is not a field name") }
            let value = try field.member("value").text()
            guard HTTPField.isValidValue(value) else {
                throw field.member("value").error("it is not the value of a field")
            }
            fields.append(HTTPField(name: token, value: value))
        }
        return fields
    }

    /// `nil` if there is no text.
    func content(_ encoding: String) throws(HTTPArchiveError) -> [UInt8]? {
        guard case .object? = value else { throw error("an object is expected") }
        guard member("text").value != nil else {
            return member("size").value?.asNumber == 0 ? [] : nil
        }
        let text = try member("text").text()
        guard member(encoding).value != nil else { return Array(text.utf8) }
        guard try member(encoding).text() == "base64" else { throw member(encoding).error("it is not base64") }
        guard let bytes = Base64.decode(text) else { throw member("text").error("it is not base64") }
        return bytes
    }
}

/// Base64 (RFC 4648, section 4).
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var value = group.reduce(0) { $0 << 8 | Int($1) }
            value <<= 8 * (3 - group.count)
            for index in 0..<4 {
                text.append(index > group.count ? UInt8(ascii: "=") : digits[value >> (18 - 6 * index) & 63])
            }
            start += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for anything that `encode` does not write.
    static func decode(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0 else { return nil }
        let padding = characters.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        var bytes: [UInt8] = []
        var value = 0
        for (index, character) in characters.enumerated() {
            let isPadding = index >= characters.count - padding
            guard let digit = isPadding ? 0 : digits.firstIndex(of: character) else { return nil }
            value = value << 6 | digit
            guard index % 4 == 3 else { continue }
            bytes += [UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
            value = 0
        }
        guard bytes.suffix(padding).allSatisfy({ $0 == 0 }) else { return nil }
        return Array(bytes.dropLast(padding))
    }
}
