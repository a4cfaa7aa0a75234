import HTTPHandles
import HTTPHandlesCore
import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An archive as it is read: the members of HAR that are needed here, each checked. The file may be from anywhere.
struct HARFile: Decodable {
    let log: Log

    struct Log: Decodable {
        let entries: [Entry]
    }

    struct Entry: Decodable {
        /// `nil` if the URL has another scheme than http and https: browsers list WebSockets too.
        let exchange: ArchivedExchange?

        private enum Member: String, CodingKey {
            case request, response
            case error = "_error"
        }

        private enum FailureMember: String, CodingKey {
            case code, reason
        }

        init(from decoder: any Decoder) throws {
            let entry = try decoder.container(keyedBy: Member.self)
            guard try !entry.decode(Target.self, forKey: .request).hasOtherScheme else {
                exchange = nil
                return
            }
            let request = try entry.decode(Request.self, forKey: .request)
            let response = try entry.decode(Response.self, forKey: .response)
            var exchange = ArchivedExchange(request.method.value, request.url.text)
            exchange.requestFields = request.headers.value
            exchange.requestBody = request.postData?.bytes ?? []
            exchange.status = response.status.code.map {
                HTTPResponse.Status(code: $0, reasonPhrase: response.statusText?.text ?? "")
            }
            exchange.responseFields = response.headers.value
            exchange.responseBody = response.content.bytes
            exchange.responseURL = response._url?.text
            exchange.trailers = response._trailers?.value ?? [:]
            // Browsers have a text there.
            if let failure = try? entry.nestedContainer(keyedBy: FailureMember.self, forKey: .error) {
                guard let code = HandleErrorCode(rawValue: try failure.decode(Int.self, forKey: .code)) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .code,
                        in: failure,
                        debugDescription: "it is not a code of an error"
                    )
                }
                exchange.failure = .init(code: code, reason: try failure.decode(String.self, forKey: .reason))
            } else if exchange.status == nil {
                exchange.failure = .init(
                    code: .connectionError,
                    reason: "there was no response when this was recorded"
                )
            }
            self.exchange = exchange
        }
    }

    private struct Target: Decodable {
        let url: String

        var hasOtherScheme: Bool {
            guard let scheme = URLReference(Array(url.utf8)).scheme else { return false }
            let name = String(decoding: scheme, as: UTF8.self)
            return !name.isEqualIgnoringASCIICase("http") && !name.isEqualIgnoringASCIICase("https")
        }
    }

    private struct Request: Decodable {
        let method: Method
        let url: Location
        let headers: Fields
        let postData: Content?
    }

    private struct Response: Decodable {
        let status: Status
        let statusText: Reason?
        let headers: Fields
        let content: Content
        let _url: Location?
        let _trailers: Fields?
    }

    private struct Method: Decodable {
        let value: HTTPRequest.Method

        init(from decoder: any Decoder) throws {
            guard let value = HTTPRequest.Method(try decoder.text()) else { throw decoder.error("it is not a method") }
            self.value = value
        }
    }

    private struct Location: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            do {
                text = try HTTPURL(try decoder.text()).text
            } catch let error as HandleError {
                throw decoder.error(error.reason)
            }
        }
    }

    private struct Status: Decodable {
        /// `nil` for 0: there was no response.
        let code: Int?

        init(from decoder: any Decoder) throws {
            let number = try decoder.singleValueContainer().decode(Double.self)
            guard let code = Int(exactly: number), code == 0 || (100...999).contains(code) else {
                throw decoder.error("it is not a status")
            }
            self.code = code == 0 ? nil : code
        }
    }

    private struct Reason: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            text = try decoder.text()
            guard !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
                throw decoder.error("it has a control character")
            }
        }
    }

    private struct Fields: Decodable {
        let value: HTTPFields

        private struct Field: Decodable {
            let name: Name
            let value: Value
        }

        private struct Name: Decodable {
            /// `nil` for the pseudo-header fields of HTTP/2, which browsers list too.
            let token: HTTPField.Name?

            init(from decoder: any Decoder) throws {
                let text = try decoder.text()
                token = HTTPField.Name(text)
                if token == nil, text.utf8.first != UInt8(ascii: ":") { throw decoder.error("it is not a field name") }
            }
        }

        private struct Value: Decodable {
            let text: String

            init(from decoder: any Decoder) throws {
                text = try decoder.text()
                guard HTTPField.isValidValue(text) else { throw decoder.error("it is not the value of a field") }
            }
        }

        init(from decoder: any Decoder) throws {
            var elements = try decoder.unkeyedContainer()
            var fields = HTTPFields()
            while !elements.isAtEnd {
                let field = try elements.decode(Field.self)
                guard let name = field.name.token else { continue }
                fields.append(HTTPField(name: name, value: field.value.text))
                guard fields.count <= 10_000 else { throw decoder.error("there are more than 10000 fields") }
            }
            value = fields
        }
    }

    private struct Content: Decodable {
        /// `nil` if the archive does not have them.
        let bytes: [UInt8]?

        private enum Member: String, CodingKey {
            case text, encoding, size
            case requestEncoding = "_encoding"
        }

        init(from decoder: any Decoder) throws {
            let content = try decoder.container(keyedBy: Member.self)
            guard let text = try content.decodeIfPresent(String.self, forKey: .text) else {
                bytes = try content.decodeIfPresent(Double.self, forKey: .size) == 0 ? [] : nil
                return
            }
            guard let key = [Member.encoding, .requestEncoding].first(where: content.contains) else {
                bytes = Array(text.utf8)
                return
            }
            guard try content.decode(String.self, forKey: key) == "base64" else {
                throw DecodingError.dataCorruptedError(forKey: key, in: content, debugDescription: "it is not base64")
            }
            guard let data = Data(base64Encoded: text) else {
                throw DecodingError.dataCorruptedError(forKey: .text, in: content, debugDescription: "it is not base64")
            }
            bytes = Array(data)
        }
    }
}

extension Decoder {
    fileprivate func text() throws -> String { try singleValueContainer().decode(String.self) }

    fileprivate func error(_ reason: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: reason))
    }
}

extension HTTPArchiveError {
    init(_ error: any Error) {
        switch error as? DecodingError {
        case .keyNotFound(let key, let context)?:
            self.init(place: Self.place(context.codingPath + [key]), reason: "it is missing")
        case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?:
            self.init(place: Self.place(context.codingPath), reason: context.debugDescription)
        default:
            self.init(place: "", reason: "\(error)")
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.reduce(into: "") { place, key in
            if let index = key.intValue {
                place += "[\(index)]"
            } else {
                place += place.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
    }
}
