// On Linux this links FoundationNetworking, and with it a second libcurl: only with the trait.
#if FoundationNetworking || canImport(Darwin)
public import HTTPHandles
import HTTPTypes

#if canImport(FoundationNetworking)
import Foundation
public import FoundationNetworking
#else
public import Foundation
#endif

extension ClientRequest {
    /// The same request: method, URL, header fields, body, time limit, cookies. What of it is carried over, and how:
    /// `Docs/Types.md`.
    ///
    ///     let response = try await session.send(ClientRequest(urlRequest))
    ///
    /// A body that is an `InputStream` is read while it is sent, on Swift's own threads, and cannot be sent again.
    ///
    /// Throws `.invalidURL` without a URL, or as `HTTPURL.init(_:)`; `.invalidParameter` for a method or a header field that is not
    /// allowed, for a time limit that is not above 0, or for two bodies; `.notSupported` for what this library cannot do: an answer
    /// from the cache only, or no use of some networks.
    public init(_ request: URLRequest) throws(HandleError) {
        guard let url = request.url else {
            throw HandleError(.invalidURL, .openRequest, reason: "the URLRequest has no URL")
        }
        let name = request.httpMethod ?? "GET"
        guard let method = HTTPRequest.Method(name) else {
            throw HandleError(.invalidParameter, .openRequest, reason: "\"\(name)\" is not a valid method")
        }
        try request.requireSupported()
        var fields = HTTPFields()
        for (name, value) in (request.allHTTPHeaderFields ?? [:]).sorted(by: { $0.key < $1.key }) {
            try fields.append(name: name, value: value)
        }
        let length = fields[.contentLength].flatMap { Int64($0) }
        let body = try request.body(length: length)
        if fields[.cacheControl] == nil { fields[.cacheControl] = request.cacheControl }
        self.init(method, try HTTPURL(url), headerFields: fields, body: body)
        options = try request.timeouts
        if !request.httpShouldHandleCookies { options.append(.set(.usesCookies, to: false)) }
    }
}

extension URLRequest {
    fileprivate func requireSupported() throws(HandleError) {
        var problem: String?
        if cachePolicy == .returnCacheDataDontLoad { problem = "there is no cache to answer from" }
        if !allowsCellularAccess { problem = "cellular networks cannot be avoided" }
        #if canImport(Darwin)
        if !allowsExpensiveNetworkAccess { problem = "expensive networks cannot be avoided" }
        if !allowsConstrainedNetworkAccess { problem = "constrained networks cannot be avoided" }
        if requiresDNSSECValidation { problem = "DNSSEC is not validated" }
        #endif
        if let problem { throw HandleError(.notSupported, .openRequest, reason: "the URLRequest: \(problem)") }
    }

    /// Without a cache, only what it says to the caches on the way means something.
    fileprivate var cacheControl: String? {
        switch cachePolicy {
        case .reloadIgnoringLocalAndRemoteCacheData: "no-cache"
        case .reloadRevalidatingCacheData: "max-age=0"
        default: nil
        }
    }

    /// The longest time without progress, in each phase.
    fileprivate var timeouts: [OptionSetting] {
        get throws(HandleError) {
            guard timeoutInterval > 0 else {
                let reason = "the time limit of the URLRequest must be above 0, but is \(timeoutInterval)"
                throw HandleError(.invalidParameter, .openRequest, reason: reason)
            }
            // About 30 years and more: no limit.
            let limit = timeoutInterval < 1e9 ? Duration.seconds(timeoutInterval) : .zero
            return [
                .set(.connectTimeout, to: limit), .set(.sendTimeout, to: limit), .set(.responseTimeout, to: limit),
                .set(.receiveTimeout, to: limit),
            ]
        }
    }

    fileprivate func body(length: Int64?) throws(HandleError) -> RequestBody {
        switch (httpBody, httpBodyStream) {
        case (nil, nil): return .none
        case (let data?, nil): return .bytes(data)
        case (nil, _?): return .stream(StreamPieces(request: self), length: length)
        case (_?, _?):
            throw HandleError(.invalidParameter, .sendRequest, reason: "the URLRequest has two bodies")
        }
    }
}

/// What an `InputStream` gives. It has the request, because streams are not `Sendable`.
private struct StreamPieces: AsyncSequence, Sendable {
    let request: URLRequest

    func makeAsyncIterator() -> Iterator { Iterator(stream: request.httpBodyStream) }

    struct Iterator: AsyncIteratorProtocol {
        struct Unreadable: Error {}

        let stream: InputStream?
        private var isOpen = false

        init(stream: InputStream?) {
            self.stream = stream
        }

        mutating func next() async throws -> [UInt8]? {
            guard let stream else { return nil }
            if !isOpen {
                stream.open()
                isOpen = true
            }
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe stream.read(&piece, maxLength: piece.count)
            if count > 0 { return Array(piece.prefix(count)) }
            stream.close()
            if count < 0 { throw stream.streamError ?? Unreadable() }
            return nil
        }
    }
}
#endif
