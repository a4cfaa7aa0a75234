#if os(Linux)
import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting

/// A session with one active transfer, and others whose client certificate has an encrypted key, without a password. Prints
/// the results in order, and the rest of the standard input.
struct ClientKeys {
    /// A server that requests a client certificate.
    let url: String
    let authorityFile: String

    func run(_ certificates: [ClientIdentity], readsInput: Bool) async throws {
        let server = try ScriptedServer { connection in
            while true {
                _ = try connection.readHead()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: authorityFile))])
        for certificate in certificates {
            try await session.setOption(.clientIdentity, to: certificate)
            do throws(HandleError) {
                print(try await session.get(url).status.code)
            } catch {
                print(error.code)
            }
            try await session.setOption(.clientIdentity, to: nil)
            print("neighbour:", try await session.get(server.url()).status.code)
        }
        try session.closeAll()
        await session.closed()
        print("session closed")
        if readsInput { print("left:", readLine() ?? "nothing") }
    }
}
#endif
