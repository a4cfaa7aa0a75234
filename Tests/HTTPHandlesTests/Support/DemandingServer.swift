import Foundation
import HTTPHandlesTesting

/// OpenSSL's server, which closes the connection of every client without a certificate.
final class DemandingServer: Sendable {
    let url: String
    let port: Int
    private let guardian: Guardian

    init() throws {
        port = try freePorts(1)[0]
        url = "https://localhost:\(port)/"
        let output = Pipe()
        guardian = try Guardian(
            """
            cd "$1"
            openssl s_server -accept 127.0.0.1:$2 -cert good.pem -key good.key -CAfile authority.pem -Verify 1 \
                -verify_return_error -www 2>&1 & server=$!
            cat >/dev/null; kill $server
            """,
            [
                URL(fileURLWithPath: try TLSServers.shared.get().authorityFile).deletingLastPathComponent().path,
                "\(port)",
            ],
            output: output.fileHandleForWriting
        )
        try output.fileHandleForWriting.close()
        // It prints "ACCEPT" when it listens.
        var said = Data()
        while !said.contains("ACCEPT".utf8) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw SupportFailure("openssl s_server does not start") }
            said += more
        }
    }
}

extension Data {
    fileprivate func contains(_ text: String.UTF8View) -> Bool { range(of: Data(text)) != nil }
}
