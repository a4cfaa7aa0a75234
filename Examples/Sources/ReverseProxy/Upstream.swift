package import HTTPHandles

/// The server behind the proxy.
package struct Upstream: Sendable {
    private let session: SessionHandle
    private let base: HTTPURL

    /// - Parameters:
    ///   - session: A session with `sessionOptions`.
    ///   - base: The URL of the server. Its path is not used.
    package init(_ session: SessionHandle, at base: HTTPURL) {
        self.session = session
        self.base = base
    }

    /// What the session starts with: a proxy changes messages as little as possible, and keeps nothing of one client for another.
    package static var sessionOptions: [OptionSetting] {
        [
            .set(.usesCookies, to: false), .set(.redirectPolicy, to: .never), .set(.decodesContent, to: false),
            .set(.sendsAccept, to: false), .set(.pathAsIs, to: true), .set(.proxy, to: .none),
            .set(.maximumConnectionsPerServer, to: 1024), .set(.connectTimeout, to: .seconds(10)),
        ]
    }

    /// Makes a request. No byte of the target chooses another server: it is a path of this one, whatever it is.
    func open(_ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields) async throws(HandleError)
        -> RequestHandle
    {
        let connection = try await session.connect(to: base.host, port: base.port)
        return try await connection.openRequest(method, target, secure: base.isSecure, headerFields: fields)
    }
}

/// The body of a request, from the client to the server, while the response may already go the other way.
///
/// The client is not read faster than the server takes the body.
final class Upload: Sendable {
    private let task: Task<Void, Never>

    /// - Parameters:
    ///   - request: A request that was sent with `.writes`.
    ///   - pieces: The body. Must throw if it does not come to its end.
    init<Pieces: AsyncSequence & Sendable>(_ pieces: Pieces, to request: RequestHandle)
    where Pieces.Element: Collection<UInt8> {
        task = Task {
            do {
                for try await piece in pieces {
                    // The server has answered without the rest.
                    guard try await request.write(piece) else { return }
                }
                // Many sequences end when their task is cancelled. To the server that would be the end of the body.
                if !Task.isCancelled { try await request.finishWriting() }
            } catch {
                // The client is gone, or the server. The response is of no use, or fails by itself.
                try? request.close()
            }
        }
    }

    /// Ends the upload, and returns when the sequence is no longer iterated.
    func end() async {
        task.cancel()
        await task.value
    }
}

extension HandleError {
    /// What the client gets in place of a response.
    var gatewayStatus: HTTPResponse.Status {
        switch code {
        case .timeout: .gatewayTimeout
        case .invalidURL, .invalidParameter: .badRequest
        default: .badGateway
        }
    }
}
