import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// NTLM, if libcurl supports it. The server checks the sequence of messages and the user, not the hash.
@Suite("NTLM authentication", .timeLimit(.minutes(5)))
struct NTLMTests {
    /// A server that authenticates connections, like IIS.
    final class Server: Sendable {
        /// The messages of each connection: "none", "1", or "3" with the user; and the length of the body.
        let course = Record<String>()
        let server: ScriptedServer

        init() throws {
            let course = course
            server = try ScriptedServer { connection in
                var user: String?
                while let request = try connection.readRequest() {
                    let message = request.head["Authorization"].flatMap { Message($0) }
                    let step = message.map { "\($0.type)\($0.user.map { " \($0)" } ?? "")" } ?? "none"
                    course.note("\(connection.number): \(step), \(request.body.count) bytes")
                    if let name = message?.user { user = name }
                    if user == "wrong" { user = nil }
                    if let user {
                        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(user.utf8.count)\r\n\r\n\(user)")
                        continue
                    }
                    let answer = message?.type == 1 ? "NTLM \(Message.challenge)" : "NTLM"
                    try connection.send(
                        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: \(answer)\r\nContent-Length: 2\r\n\r\nno"
                    )
                }
            }
        }
    }

    /// A message of [MS-NLMP].
    struct Message {
        let type: Int
        /// Of the third message.
        let user: String?

        init?(_ field: String) {
            guard field.hasPrefix("NTLM "), let data = Data(base64Encoded: String(field.dropFirst(5))), data.count > 12
            else { return nil }
            func number(_ offset: Int) -> Int { Int(data[offset]) | Int(data[offset + 1]) << 8 }
            type = number(8)
            guard type == 3 else {
                user = nil
                return
            }
            let place = number(40)
            user = String(bytes: data[place..<(place + number(36))], encoding: .utf16LittleEndian)
        }

        /// The second message: Unicode, NTLM and an eight-byte challenge.
        static let challenge: String = {
            let start = Array("NTLMSSP\0".utf8) + [2, 0, 0, 0] + [0, 0, 0, 0, 48, 0, 0, 0] + [1, 2, 0x80, 0]
            let rest = Array("12345678".utf8) + [UInt8](repeating: 0, count: 8) + [4, 0, 4, 0, 48, 0, 0, 0]
            return Data(start + rest + [0, 0, 0, 0]).base64EncodedString()
        }()
    }

    static func hasNTLM() async throws -> Bool {
        try await SessionHandle().option(.linkedLibrary).has(.ntlm)
    }

    @Test func `three messages are sent on one connection, the body with the last`() async throws {
        guard try await Self.hasNTLM() else { return }
        let server = try Server()
        let session = try SessionHandle(options: [.set(.credentials, to: .ntlm(user: "ann", password: "p"))])
        let request = try await session.openRequest(.post, server.server.url())
        let recorder = EventRecorder(of: request)
        try await request.send(.string("body"))
        #expect(try await request.receiveResponse().status == 200)
        #expect(try await request.body.collectString(upTo: 10) == "ann")
        try request.close()
        #expect(
            server.course.all == ["0: none, 4 bytes", "0: 1, 0 bytes", "0: 3 ann, 4 bytes"]
        )
        let names = try await recorder.finish().map(\.kind.name)
        #expect(
            names == [
                "connectingToServer", "connectedToServer", "sendingRequest", "requestSent", "sendRequestComplete",
                "receivingResponse", "responseReceived", "sendingRequest", "receivingResponse", "responseReceived",
                "sendingRequest", "requestSent", "receivingResponse", "responseReceived", "headersAvailable",
                "readComplete", "readComplete", "handleClosing",
            ]
        )
    }

    @Test func `a wrong password leaves the 401`() async throws {
        guard try await Self.hasNTLM() else { return }
        let server = try Server()
        let session = try SessionHandle(options: [.set(.credentials, to: .ntlm(user: "wrong", password: "p"))])
        let response = try await session.get(server.server.url())
        #expect(response.head.status == 401)
        #expect(try await response.body.collectString(upTo: 10) == "no")
        #expect(server.course.all.count == 3)
    }

    @Test func `an authenticated connection is reused only for the same user`() async throws {
        guard try await Self.hasNTLM() else { return }
        let server = try Server()
        let session = try SessionHandle()
        func get(_ credentials: Credentials?) async throws -> String {
            try await session.setOption(.credentials, to: credentials)
            return try await session.get(server.server.url()).body.collectString(upTo: 10)
        }
        #expect(try await get(.ntlm(user: "ann", password: "p")) == "ann")
        #expect(try await get(.ntlm(user: "ann", password: "p")) == "ann")
        #expect(try await get(nil) == "no")
        #expect(try await get(.ntlm(user: "bob", password: "p")) == "bob")
        #expect(try await get(.ntlm(user: "ann", password: "q")) == "ann")
        #expect(try await get(.digest(user: "ann", password: "p")) == "no")
        let connections = Set(server.course.all.filter { $0.contains(": 3") }.map { $0.prefix(1) })
        #expect(connections.count == 3)
    }
}
