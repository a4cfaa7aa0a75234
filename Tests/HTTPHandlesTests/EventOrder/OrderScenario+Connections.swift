import HTTPHandles
import HTTPHandlesTesting
import Testing

extension OrderScenario {
    /// Scenarios of connections.
    static let connections = [
        OrderScenario("First use, then a pooled connection") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                for path in ["/1", "/2"] {
                    let request = try await connection.openRequest(.get, path)
                    try await request.complete()
                    try await request.closeAndWait()
                    // The second close has no effect.
                    try? request.close()
                }
                try connection.close()
                try session.close()
            }
        },
        OrderScenario("A name with two addresses, the first of which refuses") {
            if !SilentNetwork.isPossible { try Test.cancel(SilentNetwork.whyNot) }
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            // A process with its own list of hosts; there is no listener on ::1.
            let scratch = try Scratch()
            let hosts = try scratch.file("hosts", "::1 two.test\n127.0.0.1 two.test\n".utf8)
            let script = """
                mount --bind "$1" /etc/hosts && shift && exec "$0" "$@"
                """
            let run = try await TestProgram.run(
                "/usr/bin/unshare",
                ["--map-root-user", "--mount", "/bin/sh", "-c", script, TestProgram.path(of: "http-handles")]
                    + [
                        hosts, "get", "http://two.test:\(server.port)/", "--output", scratch.path("body"), "--events",
                        "text",
                    ]
            )
            try #require(run.status == 0, "\(run.output)")
            return EventTrace(toolOutput: run.output).showing(server.port, as: 8080).withoutSizes
        },
        OrderScenario("A resolver of the caller, and an address that refuses") {
            let server = try EventOrderTests.answering(EventOrderTests.hello)
            let resolver = NameResolver { _ in ["127.0.0.2", "127.0.0.1"] }
            return try await .recording(server.port, options: [.set(.nameResolver, to: resolver)]) { session in
                let connection = try await session.connect(to: "name.test", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.complete()
                try await request.closeAndWait()
            }.withoutSizes
        },
        OrderScenario("The request asks to close the connection") {
            let server = try GatedServer { connection, gate in
                _ = try connection.readRequest()
                gate.wait()
                try connection.send(EventOrderTests.hello)
                connection.waitForClose()
            }
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/", headerFields: [.connection: "close"])
                try await request.send()
                _ = try await request.receiveResponse(server.gate)
                _ = try? await request.receiveResponse()
                try await request.readAll()
                try await request.closeAndWait()
            }
        },
        OrderScenario("The server closes the connection") {
            let server = try GatedServer { connection, gate in
                _ = try connection.readRequest()
                gate.wait()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            }
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.send()
                _ = try await request.receiveResponse(server.gate)
                try await request.readAll()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A pooled connection that turns out to be dead") {
            let server = try BadInputTests.closingOnReuse()
            return try await .recording(server.port) { session in
                for _ in 0..<2 {
                    let request = try await session.openRequest(.put, server.url())
                    try await request.complete(.string("0123456789"))
                    try await request.closeAndWait()
                }
            }
        },
        OrderScenario("TLS") {
            let nginx = try Nginx.shared.get()
            let options: [OptionSetting] = [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))]
            return try await .recording(nginx.http1TLSPort, options: options) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: nginx.http1TLSPort)
                let request = try await connection.openRequest(.get, "/hello", secure: true)
                try await request.complete()
                try await request.closeAndWait()
            }.withoutSizes
        },
        OrderScenario("A certificate that the verdict accepts") {
            let nginx = try Nginx.shared.get()
            let trust = ServerTrust(verdict: CertificateVerdict { _ in .accept })
            return try await .recording(nginx.http1TLSPort, options: [.set(.serverTrust, to: trust)]) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: nginx.http1TLSPort)
                let request = try await connection.openRequest(.get, "/hello", secure: true)
                try await request.complete()
                try await request.closeAndWait()
            }.withoutSizes
        },
        OrderScenario("HTTP/2 over TLS, two requests on one connection") {
            let nginx = try Nginx.shared.get()
            let options: [OptionSetting] = [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))]
            return try await .recording(nginx.httpsPort, options: options) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: nginx.httpsPort)
                for _ in 0..<2 {
                    let request = try await connection.openRequest(.get, "/hello", secure: true)
                    try await request.complete()
                    try await request.closeAndWait()
                }
            }.withoutSizes
        },
        OrderScenario("Queued for a connection slot") {
            let server = try GatedServer(answering: EventOrderTests.hello)
            return try await .recording(server.port, options: [.set(.maximumConnections, to: 1)]) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let first = try await connection.openRequest(.get, "/1")
                let second = try await connection.openRequest(.get, "/2")
                try await first.send()
                let waiting = Task.immediate { try await second.send() }
                await second.passDriver()
                _ = try await first.receiveResponse(server.gate)
                try await waiting.value
                _ = try await second.receiveResponse()
                try await second.readAll()
                try await second.closeAndWait()
                try await first.readAll()
                try await first.closeAndWait()
            }
        },
        OrderScenario("A redirect to the same server") {
            let server = try redirecting(to: "/end")
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.complete()
                try await request.closeAndWait()
            }
        },
        OrderScenario("A redirect to another server") {
            let target = try EventOrderTests.answering(EventOrderTests.hello)
            let server = try redirecting(to: "http://127.0.0.1:\(target.port)/end")
            return try await .recording(server.port, target.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                try await request.complete()
                try await request.closeAndWait()
            }
        },
    ]

    /// Answers "/" with a redirect, everything else with hello.
    private static func redirecting(to location: String) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let redirect = "HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n"
                try connection.send(request.head.target == "/" ? redirect : EventOrderTests.hello)
            }
        }
    }
}
