import HTTPHandles
import HTTPHandlesTimeline
import HTTPTypes

extension HARDocument.Entry {
    init(_ exchange: ArchivedExchange) {
        self.init(
            startedAt: exchange.startedAt.rfc3339Text,
            HARDocument.Request(exchange),
            HARDocument.Response(exchange),
            HARDocument.Timings(wait: exchange.duration / .milliseconds(1))
        )
        _error = exchange.failure.map { HARDocument.Failure(code: $0.code.rawValue, reason: $0.reason) }
    }
}

extension HARDocument.Request {
    fileprivate init(_ exchange: ArchivedExchange) {
        self.init(exchange.method, exchange.url, HARDocument.Pair.list(exchange.requestFields))
        let items = (try? HTTPURL(exchange.url))?.queryItems ?? [:]
        queryString = items.map { HARDocument.Pair(name: $0.name, value: $0.value ?? "") }
        bodySize = Int64(exchange.requestBody.count)
        guard bodySize > 0 else { return }
        postData = HARDocument.Posted(exchange.requestBody, type: exchange.requestFields[.contentType])
    }
}

extension HARDocument.Response {
    fileprivate init(_ exchange: ArchivedExchange) {
        let type = exchange.responseFields[.contentType]
        let content =
            exchange.responseBody.map { HARDocument.Content($0, type: type) }
            ?? HARDocument.Content(size: -1, type: type, comment: "not recorded")
        self.init(exchange.status, HARDocument.Pair.list(exchange.responseFields), content)
        redirectURL = exchange.responseFields[.location] ?? ""
        bodySize = Int64(content.size)
        _trailers = exchange.trailers.isEmpty ? nil : HARDocument.Pair.list(exchange.trailers)
        _url = exchange.responseURL
    }
}
