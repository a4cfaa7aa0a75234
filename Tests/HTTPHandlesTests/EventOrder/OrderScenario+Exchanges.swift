import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes

extension OrderScenario {
    /// Scenarios of requests and responses.
    static let bodies = [
        OrderScenario("A body given to send") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.post, "/")
                try await request.send(.string("0123456789"))
                _ = try await request.receiveResponse()
                try await request.readAll()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A form given to send") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.post, "/")
                try await request.send(.form([("name", "value")]))
                _ = try await request.receiveResponse()
                try await request.readAll()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A body of known length, written") {
            try await writing(.writes(length: 10))
        },
        OrderScenario("A body of unknown length, written") {
            try await writing(.writes())
        },
        OrderScenario("An answer before the body is written") {
            let server = try GatedServer { connection, gate in
                _ = try connection.readHead()
                gate.wait()
                try connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
                connection.waitForClose()
            }
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.put, "/")
                try await request.send(.writes(length: 10))
                _ = try await request.receiveResponse(server.gate)
                // It is not needed any more, which is not an error.
                _ = try await request.write(Array("01234".utf8))
                try await request.readAll()
                try await request.closeAndWait()
            }
        },
        OrderScenario("1xx responses before the response") {
            let server = try EventOrderTests.answering(
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + EventOrderTests.hello
            )
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.complete()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A chunked body that comes in two pieces") {
            let server = try GatedServer { connection, gate in
                _ = try connection.readRequest()
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                try connection.sendChunk("hello")
                gate.wait()
                try connection.sendChunk(" again")
                try connection.sendChunk("")
                connection.waitForClose()
            }
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                _ = try await request.receiveResponse()
                var pieces = request.body.makeAsyncIterator()
                _ = try await pieces.next()
                server.gate.open()
                while try await pieces.next() != nil {}
                try await request.closeAndWait()
            }
        },
        OrderScenario("A call of available() before reading") {
            let server = try GatedServer(answering: EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                _ = try await request.receiveResponse(server.gate)
                while try await request.body.available() > 0 { _ = try await request.body.read(upTo: 3) }
                try await request.closeAndWait()
            }
        },
        OrderScenario("A response without a body") {
            let server = try EventOrderTests.answering("HTTP/1.1 204 No Content\r\n\r\n")
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.complete()
                try await request.closeAndWait()
            }
        },
    ]

    /// Two pieces, each written after the previous one was sent.
    private static func writing(_ body: RequestBody) async throws -> EventTrace {
        let server = try EventOrderTests.answering(EventOrderTests.hello)
        return try await .recording(server.port) { session in
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.put, "/")
            let written = EventRecorder(of: request, .writeComplete)
            try await request.send(body)
            try await request.write(Array("01234".utf8))
            try await written.first(.writeComplete(bytes: 5))
            try await request.write(Array("56789".utf8))
            try await request.finishWriting()
            _ = try await request.receiveResponse()
            try await request.readAll()
            try await request.closeAndWait()
        }
    }

    /// Scenarios of the order of calls.
    static let calls = [
        OrderScenario("Each call made while handling the previous event") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.put, "/")
                var pieces = request.body.makeAsyncIterator()
                let events = request.statusEvents()
                var sending = Task.immediate { try await request.send(.writes(length: 10)) }
                for await event in events {
                    switch event.kind {
                    case .sendRequestComplete:
                        try await sending.value
                        try await request.write(Array("0123456789".utf8))
                    case .writeComplete:
                        try await request.finishWriting()
                        try await request.setOption(.receiveTimeout, to: .seconds(9))
                        sending = Task.immediate { _ = try await request.receiveResponse() }
                    case .headersAvailable:
                        try await sending.value
                        _ = try await pieces.next()
                    case .readComplete(bytes: 5): _ = try await pieces.next()
                    case .readComplete: try request.close()
                    // The loop ends after handleClosing.
                    default: _ = try? await request.option(.requestTimes)
                    }
                }
                await request.closed()
            }
        },
        OrderScenario("receiveResponse while the request is being sent") {
            let server = try GatedServer(answering: EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                let events = request.statusEvents()
                let sending = Task.immediate { try await request.send() }
                for await event in events where event.kind == .sendingRequest {
                    _ = try await request.receiveResponse(server.gate)
                    break
                }
                try await sending.value
                try await request.readAll()
                try await request.closeAndWait()
            }
        },
        OrderScenario("receiveResponse before send") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                _ = try? await request.receiveResponse()
                try await request.complete()
                try await request.closeAndWait()
            }
        },
        OrderScenario("Sent a second time on the same handle") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.complete()
                try await request.complete()
                try await request.closeAndWait()
            }
        },
    ]
}
