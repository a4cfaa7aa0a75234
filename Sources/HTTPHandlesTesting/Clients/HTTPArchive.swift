public import HTTPHandles
import HTTPHandlesTimeline
public import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

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
        do {
            let file = try JSONDecoder().decode(HARFile.self, from: Data(bytes))
            exchanges = file.log.entries.compactMap(\.exchange)
        } catch {
            throw HTTPArchiveError(error)
        }
    }

    /// The archive in the format HAR 1.2.
    public var har: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let creator = HARDocument.Creator(name: "HTTPHandlesTesting", version: "1")
        let document = HARDocument(creator: creator, exchanges.map(HARDocument.Entry.init))
        // Only numbers that are not finite cannot be encoded, and there are none.
        return (try? encoder.encode(document)).map(Array.init) ?? []
    }
}

/// Why bytes are not an archive.
public struct HTTPArchiveError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where: a path, for example "log.entries[3].request.url"; empty if the bytes are not JSON.
    public let place: String
    /// What is wrong there.
    public let reason: String

    /// Place and reason.
    public var description: String { place.isEmpty ? reason : "\(place): \(reason)" }
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
