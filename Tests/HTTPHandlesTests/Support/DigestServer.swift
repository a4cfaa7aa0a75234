import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting

/// A server with Digest authentication (RFC 7616), implemented independently. It echoes bodies.
final class DigestServer: Sendable {
    static let (user, password, realm) = ("Mufasa", "Circle of Life", "http-auth@example.org")
    static let credentials = Credentials.digest(user: user, password: password)
    static let refusal = "wrong"

    private let received = Record<ReceivedRequest>()
    /// The number of nonces so far; the last one is valid.
    private final class Nonces: Sendable {
        let count = Lock(0)
    }

    let server: ScriptedServer

    /// - Parameters:
    ///   - qop: The value of `qop`; `nil` for a server without it (RFC 2069).
    ///   - staleNonces: The number of nonces that are stale at their first use. The others are valid for one request.
    ///   - nextNonce: Whether responses have `nextnonce`.
    init(
        _ digest: MessageDigest = .md5,
        algorithm: String? = nil,
        qop: String? = "auth",
        staleNonces: Int = 0,
        nextNonce: Bool = false
    ) throws {
        let (received, nonces) = (received, Nonces())
        let algorithm = algorithm ?? digest.rawValue
        server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let proof = request.head["Authorization"].map { Self.parameters($0) } ?? [:]
                let isRight = Self.isRight(proof, request, digest, algorithm, qop)
                received.note(request)
                let (nonce, isStale): (String?, Bool) = nonces.count.withLock { count in
                    let isCurrent = proof["nonce"] == "nonce\(count)" && count > staleNonces
                    count += 1
                    return isRight && isCurrent ? (nil, false) : ("nonce\(count)", isRight)
                }
                guard let nonce else {
                    let next = nextNonce ? "Authentication-Info: nextnonce=\"unknown\"\r\n" : ""
                    try connection.send("HTTP/1.1 200 OK\r\n\(next)Content-Length: \(request.body.count)\r\n\r\n")
                    try connection.send(request.body)
                    continue
                }
                let challenge =
                    "Digest realm=\"\(Self.realm)\", nonce=\"\(nonce)\", algorithm=\(algorithm)"
                    + (qop.map { ", qop=\"\($0)\"" } ?? "") + (isStale ? ", stale=true" : "")
                try connection.send(
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: \(challenge)\r\n"
                        + "Content-Length: \(Self.refusal.utf8.count)\r\n\r\n\(Self.refusal)"
                )
            }
        }
    }

    func url(_ path: String = "/") -> String { server.url(path) }

    /// The received requests.
    var requests: [ReceivedRequest] { received.all }

    private static func parameters(_ field: String) -> [String: String] {
        var parameters: [String: String] = [:]
        for match in field.matches(of: /([a-zA-Z]+)=(?:"([^"]*)"|([^", ]+))/) {
            parameters[String(match.1)] = String(match.2 ?? match.3 ?? "")
        }
        return parameters
    }

    private static func isRight(
        _ proof: [String: String],
        _ request: ReceivedRequest,
        _ digest: MessageDigest,
        _ algorithm: String,
        _ qop: String?
    ) -> Bool {
        guard let response = proof["response"], let nonce = proof["nonce"], let target = proof["uri"],
            proof["username"] == user, target == request.head.target
        else { return false }
        var secret = digest("\(user):\(realm):\(password)")
        if algorithm.hasSuffix("-sess") { secret = digest("\(secret):\(nonce):\(proof["cnonce"] ?? "")") }
        var message = "\(request.head.method):\(target)"
        if proof["qop"] == "auth-int" { message += ":\(digest(request.body))" }
        guard qop != nil else { return response == digest("\(secret):\(nonce):\(digest(message))") }
        guard let used = proof["qop"], let count = proof["nc"], let own = proof["cnonce"] else { return false }
        return response == digest("\(secret):\(nonce):\(count):\(own):\(used):\(digest(message))")
    }
}
