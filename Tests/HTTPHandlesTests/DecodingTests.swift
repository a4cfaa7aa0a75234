import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Content decoding", .timeLimit(.minutes(5)))
struct DecodingTests {
    /// "hello hello hello hello", by gzip.
    static let coded: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0xC8, 0x40,
        0x27, 0x01, 0xE3, 0x51, 0x3D, 0x8D, 0x17, 0x00, 0x00, 0x00,
    ]
    static let plain = Array("hello hello hello hello".utf8)

    /// Sends `coded` as `coding`, and `Accept-Encoding` of the request in `Accepted`.
    static func server(coding: String, _ coded: [UInt8] = coded) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\nContent-Length: \(coded.count)\r\n"
                        + "Accepted: \(request.head["Accept-Encoding"] ?? "nothing")\r\n\r\n"
                )
                if request.head.method != "HEAD" { try connection.send(coded) }
            }
        }
    }

    func accepted(_ response: Response) throws -> String? {
        response.head.headerFields[try #require(HTTPField.Name("Accepted"))]
    }

    @Test(arguments: ["gzip", "x-gzip", "GZIP", "identity, gzip"])
    func `a coded body is decoded`(_ coding: String) async throws {
        let server = try Self.server(coding: coding)
        let session = try SessionHandle()
        let response = try await session.get(server.url())
        #expect(try accepted(response)?.hasSuffix("gzip, deflate") == true)
        #expect(try await response.body.collect(upTo: 100) == Self.plain)
    }

    @Test func `no decoding if it is off, or if the caller sets Accept-Encoding`() async throws {
        let server = try Self.server(coding: "gzip")
        let plainSession = try SessionHandle(options: [.set(.decodesContent, to: false)])
        let raw = try await plainSession.get(server.url())
        #expect(try accepted(raw) == "nothing")
        #expect(try await raw.body.collect(upTo: 100) == Self.coded)
        let own = try await SessionHandle().get(server.url(), headerFields: [.acceptEncoding: "gzip"])
        #expect(try accepted(own) == "gzip")
        #expect(try await own.body.collect(upTo: 100) == Self.coded)
        let part = try await SessionHandle().get(server.url(), headerFields: [.range: "bytes=0-"])
        #expect(try accepted(part) == "nothing")
    }

    @Test func `a body with an unknown coding is not decoded`() async throws {
        let server = try Self.server(coding: "rot13")
        #expect(try await SessionHandle().get(server.url()).body.collect(upTo: 100) == Self.coded)
    }

    @Test func `a response without a body needs no decoding`() async throws {
        let server = try Self.server(coding: "gzip")
        let response = try await SessionHandle().fetch(.head, server.url())
        #expect(try await response.body.collect(upTo: 100) == [])
    }

    @Test func `events count decoded bytes`() async throws {
        let server = try Self.server(coding: "gzip")
        let connection = try await SessionHandle().connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request, [.dataAvailable, .readComplete])
        try await request.send()
        _ = try await request.receiveResponse()
        #expect(try await request.body.available() == 23)
        #expect(try await request.body.read(upTo: 20).count == 20)
        #expect(try await request.body.read(upTo: 20).count == 3)
        #expect(try await request.body.read(upTo: 20).isEmpty)
        try request.close()
        #expect(
            try await recorder.finish().map(\.kind) == [
                .dataAvailable(bytes: 23), .readComplete(bytes: 20), .readComplete(bytes: 3), .readComplete(bytes: 0),
                .handleClosing,
            ]
        )
    }

    @Test func `malformed data are an error of the read, and an event`() async throws {
        let server = try Self.server(coding: "gzip", Array(Self.coded.dropLast()))
        let connection = try await SessionHandle().connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request, [.readComplete, .requestError])
        try await request.send()
        _ = try await request.receiveResponse()
        let reason = "the gzip data are malformed: they are truncated"
        let error = HandleError(.invalidServerResponse, .readData, reason: reason)
        await #expect(throws: error) { try await request.body.collect(upTo: 100) }
        try request.close()
        #expect(
            try await recorder.finish().map(\.kind) == [.readComplete(bytes: 23), .requestError(error), .handleClosing]
        )
    }

    // MARK: Data that decode to nothing

    /// An empty gzip member inside a gzip member: 209,700 stored blocks without a byte.
    static let emptyMebibyte: [UInt8] =
        [
            0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3, 0xED, 0xC6, 0xC1, 9, 0, 0x20, 0x0C, 4, 0x41, 0xC5, 0x4F, 0xBA, 0xB0,
            0x60,
            0x8B, 0x8E, 0x12, 0xD2, 0x85, 0xB3, 0x70, 0xC3, 0xED, 0x13, 0xA3, 0x5A, 0x6F, 0x99,
        ]
        + [UInt8](repeating: 0, count: 1523)
        + [0xE0, 0x3B, 0x66, 0xBF, 0xEA, 0x02, 0xD0, 0x31, 0xB1, 0xB5, 0xCB, 0xFF, 0x0F, 0]

    /// An endless body that decodes to nothing.
    static func endless(codings: String = "gzip, gzip") throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: \(codings)\r\n\r\n")
            while true { try connection.send(emptyMebibyte) }
        }
    }

    @Test func `the ratio limits decoding without output, in all layers`() async throws {
        let server = try Self.endless()
        let reason = "the body decodes to more than 250 times its size, which is the maximumDecodingRatio"
        let error = HandleError(.insufficientBuffer, .readData, reason: reason)
        await #expect(throws: error) { try await SessionHandle().get(server.url()).body.collect(upTo: 100) }
    }

    @Test func `a time limit ends decoding without output`() async throws {
        let server = try Self.endless()
        let session = try SessionHandle(options: [.set(.maximumDecodingRatio, to: nil)])
        let request = try await session.openRequest(.get, server.url())
        try await request.setOption(.totalTimeout, to: .seconds(2))
        // On a busy machine it may expire before there is anything to decode.
        let error = await #expect(throws: HandleError.self) {
            try await request.send()
            _ = try await request.receiveResponse()
            return try await request.body.collect(upTo: 100)
        }
        #expect(error?.code == .timeout && error?.phase == .total)
    }

    @Test func `closing and cancelling end decoding without output`() async throws {
        for isCancelled in [false, true] {
            let server = try Self.endless()
            let session = try SessionHandle(options: [.set(.maximumDecodingRatio, to: nil)])
            let request = try await session.openRequest(.get, server.url())
            try await request.send()
            _ = try await request.receiveResponse()
            // Nothing else ends it.
            let reading = Task.immediate { try await request.body.collect(upTo: 100) }
            if isCancelled { reading.cancel() } else { try request.close() }
            let error = await #expect(throws: HandleError.self) { try await reading.value }
            #expect([.operationCancelled, .invalidHandle].contains(error?.code))
            await request.closed()
        }
    }

    @Test func `more than two codings are an error`() async throws {
        let server = try Self.server(coding: "gzip, gzip, gzip")
        let reason = "the body must have at most 2 content codings, but has 3"
        let error = HandleError(.invalidServerResponse, .readData, reason: reason)
        await #expect(throws: error) { try await SessionHandle().get(server.url()).body.collect(upTo: 100) }
        let plainSession = try SessionHandle(options: [.set(.decodesContent, to: false)])
        #expect(try await plainSession.get(server.url()).body.collect(upTo: 100) == Self.coded)
    }

    @Test(arguments: [[0, 0, 0], Array("more".utf8), [0x1F]] as [[UInt8]])
    func `bytes after the end of a coded body are ignored`(_ ending: [UInt8]) async throws {
        let server = try Self.server(coding: "gzip", Self.coded + ending)
        #expect(try await SessionHandle().get(server.url()).body.collect(upTo: 100) == Self.plain)
    }
}
