import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
import HTTPTypes

// What depends on where a body comes from.

extension ResponseBody {
    /// The handle of the exchange that it comes from, if there is one.
    var handle: RequestHandle? {
        switch source {
        case .exchange(let request, _): request
        case .made(let body): body.inner?.handle
        }
    }

    /// What it is, if it is not that of an exchange.
    package var made: MadeBody? {
        if case .made(let body) = source { body } else { nil }
    }

    /// How many bytes there are going to be, as far as that is known.
    var expectedCount: Int? {
        switch source {
        case .exchange(let request, _): request.object.bound.download.expectedCount
        case .made: nil
        }
    }

    var trailers: HTTPFields {
        switch source {
        case .exchange(let request, _): request.trailers
        case .made(let body): body.trailers
        }
    }

    var contentType: String? {
        switch source {
        case .exchange(let request, _): request.object.bound.received.withLock { $0.head?.headerFields[.contentType] }
        case .made(let body): body.contentType
        }
    }

    /// Lets a read begin; see `RequestHandle.requireUsable`.
    func requireUsable() throws(HandleError) {
        switch source {
        case .exchange(let request, _): try request.requireUsable(.readData)
        case .made(let body): try body.requireUsable(.readData)
        }
    }

    /// Ends the exchange where the caller has nothing of it but the body.
    func closeRequest() {
        switch source {
        case .exchange(let request, true): request.object.closeIfOpen()
        case .exchange: break
        case .made(let body): body.close()
        }
    }

    /// Ends the exchange.
    func close() {
        switch source {
        case .exchange(let request, _): request.object.closeIfOpen()
        case .made(let body): body.close()
        }
    }

    nonisolated(nonsending) func closed() async {
        switch source {
        case .exchange(let request, _): await request.closed()
        case .made(let body): await body.closed()
        }
    }
}
