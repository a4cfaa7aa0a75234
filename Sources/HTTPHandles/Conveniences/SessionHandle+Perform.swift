public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

extension SessionHandle {
    /// Sends a request and calls `operation` with its response: the request is closed, and gone, when this returns, also
    /// after an error or a cancellation.
    ///
    ///     let count = try await session.perform(HTTPRequest(method: .get, url: "https://example.com/")) { response in
    ///         try await response.body.collect(upTo: 1 << 20).count
    ///     }
    ///
    /// Nothing of the request is left then: its connection slot is free, its events have ended, no buffer is referenced. What
    /// the source of `body` or `operation` throws is thrown here. Cancelling the task closes the request, as in `fetch`. The
    /// facts of the exchange can be asked of the response in `operation`, and after its end with the option `keepsFacts`.
    ///
    /// `WinHttpSendRequest` to `WinHttpCloseHandle` in one.
    ///
    /// - Parameters:
    ///   - request: Method, scheme, authority, path and header fields; see `fetch(_:body:options:context:)`.
    ///   - body: The body of the request.
    ///   - options: What the request starts with, apart from the session's options.
    ///   - context: A value for the caller's own use; the session's if left out.
    ///   - operation: What is to be done with the response.
    public nonisolated(nonsending) func perform<Result>(
        _ request: HTTPRequest,
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil,
        _ operation: (Response) async throws -> Result
    ) async throws -> Result {
        if case .writes = body.source {
            let reason = "a body that the caller writes needs a request handle to write to"
            throw HandleError.invalidParameter(.sendRequest, reason)
        }
        let request = try await openRequest(try message(of: request), RequestSettings(options, context))
        do {
            try await request.send(body)
            let result = try await operation(Response(head: try await request.receiveResponse(), request: request))
            await request.end()
            return result
        } catch {
            await request.end()
            throw error
        }
    }
}

extension RequestHandle {
    /// Closes the handle, if it is open, and waits until it is gone.
    fileprivate nonisolated(nonsending) func end() async {
        object.closeIfOpen()
        await closed()
    }
}

extension HTTPRequest {
    /// A request for an absolute URL: scheme, authority and path are its parts.
    ///
    /// Throws as `HTTPURL.init(_:)`.
    public init(method: Method = .get, url: String, headerFields: HTTPFields = [:]) throws(HandleError) {
        self.init(method: method, url: try HTTPURL(url), headerFields: headerFields)
    }

    /// A request for a URL.
    public init(method: Method = .get, url: HTTPURL, headerFields: HTTPFields = [:]) {
        let path = url.target.isEmpty ? "*" : url.target
        self.init(
            method: method,
            scheme: url.scheme,
            authority: url.authority,
            path: path,
            headerFields: headerFields
        )
    }
}
