import HTTPHandles
import HTTPHandlesTesting

extension OrderScenario {
    /// Scenarios of failures.
    static let failures = [
        OrderScenario("The server refuses the connection") {
            let port = try freePorts(1)[0]
            return try await .recording(port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: port)
                let request = try await connection.openRequest(.get, "/")
                _ = try? await request.send()
                // A failed request can be sent again.
                _ = try? await request.send()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A name that does not exist") {
            try await .recording { session in
                let connection = try await session.connect(to: "does-not-exist.invalid", port: 80)
                let request = try await connection.openRequest(.get, "/")
                _ = try? await request.send()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A certificate of an unknown authority") {
            let nginx = try Nginx.shared.get()
            return try await .recording(nginx.http1TLSPort) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: nginx.http1TLSPort)
                let request = try await connection.openRequest(.get, "/hello", secure: true)
                _ = try? await request.send()
                try await request.closeAndWait()
            }
        },
        OrderScenario("The connection ends without a response") {
            try await answering(with: "")
        },
        // With a FIN it depends on timing whether libcurl closes the connection or keeps a dead one.
        OrderScenario("The connection is reset in the middle of the head") {
            try await answering(with: "HTTP/1.1 200 OK\r\nContent-", thenReset: true)
        },
        OrderScenario("The response ends in the middle of its body") {
            try await answering(with: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        },
        OrderScenario("No response in time") {
            let server = try CloseTests.silent()
            let options: [OptionSetting] = [.set(.responseTimeout, to: .milliseconds(20))]
            return try await .recording(server.port, options: options) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                _ = try? await request.receiveResponse()
                try await request.closeAndWait()
            }
        },
    ]

    /// A server that answers with `response` after `receiveResponse` was called, and closes the connection.
    private static func answering(with response: String, thenReset: Bool = false) async throws -> EventTrace {
        let server = try GatedServer { connection, gate in
            _ = try connection.readRequest()
            gate.wait()
            try connection.send(response)
            if thenReset { connection.reset() }
        }
        return try await .recording(server.port) { session in
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.get, "/")
            let recorder = EventRecorder(of: request)
            try await request.send()
            _ = try? await request.receiveResponse(server.gate)
            try await recorder.first(.connectionClosed)
            _ = try? await request.readAll()
            try await request.closeAndWait()
        }
    }

    /// Scenarios of closing.
    static let closings = [
        OrderScenario("Closed without ever being used, parents first") {
            try await .recording { session in
                let connection = try await session.connect(to: "127.0.0.1", port: 80)
                let request = try await connection.openRequest(.get, "/")
                try session.close()
                try connection.close()
                try request.close()
            }
        },
        OrderScenario("Closed while the response is awaited") {
            let server = try CloseTests.silent()
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                let response = Task.immediate { try await request.receiveResponse() }
                try await request.closeAndWait()
                _ = await response.result
            }
        },
        OrderScenario("Closed while nothing is pending") {
            let server = try CloseTests.silent()
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                try await request.closeAndWait()
            }
        },
        OrderScenario("Closed with a small body unread") {
            let server = try GatedServer(answering: EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                _ = try await request.receiveResponse(server.gate)
                try await request.closeAndWait()
            }
        },
    ]
}
