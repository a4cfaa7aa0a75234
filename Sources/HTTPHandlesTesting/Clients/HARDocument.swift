import HTTPHandles
import HTTPHandlesCore
import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An archive as it is written: HAR 1.2 with all members that the format requires. Members that begin with "_" are additions.
struct HARDocument: Encodable {
    let log: Log

    init(_ exchanges: [ArchivedExchange]) {
        log = Log(entries: exchanges.map(Entry.init))
    }

    struct Log: Encodable {
        let version = "1.2"
        let creator = Creator()
        let entries: [Entry]
    }

    struct Creator: Encodable {
        let name = "HTTPHandlesTesting"
        let version = "1"
    }

    struct Entry: Encodable {
        let startedDateTime: String
        let time: Double
        let request: Request
        let response: Response
        let cache: [String: String] = [:]
        let timings: Timings
        let _error: Failure?

        init(_ exchange: ArchivedExchange) {
            startedDateTime = exchange.startedAt.rfc3339Text
            time = exchange.duration / .milliseconds(1)
            request = Request(exchange)
            response = Response(exchange)
            timings = Timings(wait: time)
            _error = exchange.failure.map { Failure(code: $0.code.rawValue, reason: $0.reason) }
        }
    }

    /// In milliseconds.
    struct Timings: Encodable {
        let send = 0.0
        let wait: Double
        let receive = 0.0
    }

    struct Failure: Encodable {
        let code: Int
        let reason: String
    }

    struct Pair: Encodable {
        let name: String
        let value: String

        static func list(_ fields: HTTPFields) -> [Pair] {
            fields.map { Pair(name: $0.name.rawName, value: $0.value) }
        }
    }

    struct Request: Encodable {
        let method: String
        let url: String
        let httpVersion = "HTTP/1.1"
        let cookies: [Pair] = []
        let headers: [Pair]
        let queryString: [Pair]
        let postData: Posted?
        let headersSize = -1
        let bodySize: Int

        init(_ exchange: ArchivedExchange) {
            method = exchange.method.rawValue
            url = exchange.url
            headers = Pair.list(exchange.requestFields)
            let items = (try? HTTPURL(exchange.url))?.queryItems ?? [:]
            queryString = items.map { Pair(name: $0.name, value: $0.value ?? "") }
            bodySize = exchange.requestBody.count
            postData = bodySize == 0 ? nil : Posted(exchange)
        }
    }

    struct Posted: Encodable {
        let mimeType: String
        let text: String
        let _encoding: String?

        init(_ exchange: ArchivedExchange) {
            mimeType = exchange.requestFields[.contentType] ?? ""
            (text, _encoding) = HARDocument.text(exchange.requestBody)
        }
    }

    struct Response: Encodable {
        let status: Int
        let statusText: String
        let httpVersion = "HTTP/1.1"
        let cookies: [Pair] = []
        let headers: [Pair]
        let content: Content
        let redirectURL: String
        let headersSize = -1
        let bodySize: Int
        let _trailers: [Pair]?
        let _url: String?

        init(_ exchange: ArchivedExchange) {
            status = exchange.status?.code ?? 0
            statusText = exchange.status?.reasonPhrase ?? ""
            headers = Pair.list(exchange.responseFields)
            content = Content(exchange)
            redirectURL = exchange.responseFields[.location] ?? ""
            bodySize = content.size
            _trailers = exchange.trailers.isEmpty ? nil : Pair.list(exchange.trailers)
            _url = exchange.responseURL
        }
    }

    struct Content: Encodable {
        let size: Int
        let mimeType: String
        let text: String?
        let encoding: String?
        let comment: String?

        init(_ exchange: ArchivedExchange) {
            mimeType = exchange.responseFields[.contentType] ?? ""
            if let body = exchange.responseBody {
                size = body.count
                (text, encoding) = HARDocument.text(body)
                comment = nil
            } else {
                (size, text, encoding, comment) = (-1, nil, nil, "not recorded")
            }
        }
    }

    private static func text(_ bytes: [UInt8]) -> (text: String, encoding: String?) {
        if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
        return (Data(bytes).base64EncodedString(), "base64")
    }
}
