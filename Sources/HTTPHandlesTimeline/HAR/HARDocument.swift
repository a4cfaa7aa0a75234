import HTTPHandlesCore
package import HTTPTypes

/// An archive as it is written: HAR 1.2 with all members that the format requires. Members that begin with "_" are additions.
package struct HARDocument: Encodable, Sendable {
    package let log: Log

    package init(creator: Creator, _ entries: [Entry]) {
        log = Log(creator: creator, entries: entries)
    }

    package struct Log: Encodable, Sendable {
        package let version = "1.2"
        package let creator: Creator
        package let entries: [Entry]
    }

    package struct Creator: Encodable, Sendable {
        package let name: String
        package let version: String

        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// One exchange.
    package struct Entry: Encodable, Sendable {
        package let startedDateTime: String
        /// In milliseconds: the sum of the timings.
        package let time: Double
        package var request: Request
        package var response: Response
        package let cache: [String: String] = [:]
        package let timings: Timings
        package var serverIPAddress: String?
        package var connection: String?
        package var _error: Failure?

        /// - Parameter date: By RFC 3339.
        package init(startedAt date: String, _ request: Request, _ response: Response, _ timings: Timings) {
            startedDateTime = date
            time = timings.sum
            self.request = request
            self.response = response
            self.timings = timings
        }
    }

    /// In milliseconds. -1 for a phase that did not happen.
    package struct Timings: Encodable, Sendable, Hashable {
        package var blocked: Double?
        package var dns: Double?
        /// With `ssl`.
        package var connect: Double?
        package var ssl: Double?
        package var send = 0.0
        package var wait = 0.0
        package var receive = 0.0
        package var comment: String?

        package init() {}

        package init(wait: Double) { self.wait = wait }

        package var sum: Double {
            [blocked, dns, connect, send, wait, receive].compactMap(\.self).filter { $0 > 0 }.reduce(0, +)
        }
    }

    package struct Failure: Encodable, Sendable {
        package let code: Int
        package let reason: String

        package init(code: Int, reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    package struct Pair: Encodable, Sendable, Hashable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }

        package static func list(_ fields: HTTPFields) -> [Pair] {
            fields.map { Pair(name: $0.name.rawName, value: $0.value) }
        }
    }

    package struct Request: Encodable, Sendable {
        package let method: String
        package let url: String
        package var httpVersion = "HTTP/1.1"
        package var cookies: [Pair] = []
        package let headers: [Pair]
        package var queryString: [Pair] = []
        package var postData: Posted?
        package var headersSize: Int64 = -1
        package var bodySize: Int64 = -1

        package init(_ method: HTTPRequest.Method, _ url: String, _ headers: [Pair]) {
            self.method = method.rawValue
            self.url = url
            self.headers = headers
        }
    }

    package struct Posted: Encodable, Sendable {
        package let mimeType: String
        package let text: String
        package let _encoding: String?

        package init(_ bytes: [UInt8], type: String?) {
            mimeType = type ?? ""
            (text, _encoding) = HARDocument.text(bytes)
        }
    }

    package struct Response: Encodable, Sendable {
        /// 0 if there was no response.
        package let status: Int
        package let statusText: String
        package var httpVersion = "HTTP/1.1"
        package var cookies: [Pair] = []
        package let headers: [Pair]
        package var content: Content
        package var redirectURL = ""
        package var headersSize: Int64 = -1
        package var bodySize: Int64 = -1
        package var comment: String?
        package var _trailers: [Pair]?
        package var _url: String?

        package init(_ status: HTTPResponse.Status?, _ headers: [Pair], _ content: Content) {
            self.status = status?.code ?? 0
            statusText = status?.reasonPhrase ?? ""
            self.headers = headers
            self.content = content
        }
    }

    package struct Content: Encodable, Sendable {
        package let size: Int
        package let mimeType: String
        package var text: String?
        package var encoding: String?
        package var comment: String?

        package init(size: Int, type: String?, comment: String? = nil) {
            self.size = size
            mimeType = type ?? ""
            self.comment = comment
        }

        package init(_ bytes: [UInt8], type: String?) {
            self.init(size: bytes.count, type: type)
            (text, encoding) = HARDocument.text(bytes)
        }
    }

    /// The text of a body, with its encoding if it is not UTF-8.
    private static func text(_ bytes: [UInt8]) -> (text: String, encoding: String?) {
        if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
        return (base64(bytes), "base64")
    }
}
