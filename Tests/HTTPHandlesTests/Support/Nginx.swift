import Foundation
import HTTPHandlesTesting

/// A real nginx on loopback, started once for all tests and ended with the test process: http, https with a test authority,
/// HTTP/2 with and without TLS.
final class Nginx: Sendable {
    /// The instance that all tests share.
    static let shared = Result { try Nginx() }

    let httpPort: Int
    let httpsPort: Int
    let http1TLSPort: Int
    let clearHTTP2Port: Int
    /// HTTP/2 over TLS with at most five requests on a connection.
    let fewRequestsPort: Int
    /// The certificate of the authority that signed the server's.
    let authorityFile: String
    /// The body of `/big`.
    let bigSize = 8 * 1024 * 1024

    private let process: NginxProcess

    private init() throws {
        process = try NginxProcess("nginx")
        let folder = process.folder
        try FileManager.default.createDirectory(atPath: folder + "/html", withIntermediateDirectories: true)
        authorityFile = folder + "/authority.pem"
        let ports = try freePorts(5)
        (httpPort, httpsPort, http1TLSPort, clearHTTP2Port) = (ports[0], ports[1], ports[2], ports[3])
        fewRequestsPort = ports[4]
        try Self.makeCertificates(in: folder)
        try Data((0..<bigSize).map { UInt8(truncatingIfNeeded: $0) }).write(
            to: URL(fileURLWithPath: folder + "/html/big")
        )
        try Data("treasure".utf8).write(to: URL(fileURLWithPath: folder + "/html/locked"))
        try Data("Aladdin:{PLAIN}open sesame\n".utf8).write(to: URL(fileURLWithPath: folder + "/passwords"))
        try process.start(Self.configuration(folder, ports))
    }

    func http(_ path: String) -> String { "http://127.0.0.1:\(httpPort)\(path)" }
    func https(_ path: String) -> String { "https://localhost:\(httpsPort)\(path)" }
    func https1(_ path: String) -> String { "https://localhost:\(http1TLSPort)\(path)" }
    func fewRequests(_ path: String) -> String { "https://localhost:\(fewRequestsPort)\(path)" }
    func clearHTTP2(_ path: String) -> String { "http://127.0.0.1:\(clearHTTP2Port)\(path)" }

    /// An HTTP/2 URL that is proxied, unbuffered, to an HTTP/1.1 server. (Over TLS nginx delays a response's head until some
    /// of its body has arrived.)
    func clearHTTP2(to server: ScriptedServer) -> String { clearHTTP2("/to/\(server.port)/") }

    private static func configuration(_ folder: String, _ ports: [Int]) -> String {
        """
        http {
            access_log off; root \(folder)/html; keepalive_requests 1000000; \(NginxProcess.places(in: folder))
            client_max_body_size 64m; http2_max_requests 1000000;
            ssl_certificate \(folder)/server.pem; ssl_certificate_key \(folder)/server.key;
            server {
                listen 127.0.0.1:\(ports[0]);
                listen 127.0.0.1:\(ports[1]) ssl http2;
                listen 127.0.0.1:\(ports[2]) ssl;
                listen 127.0.0.1:\(ports[3]) http2;
                location /hello { default_type text/plain; return 200 "hello"; }
                location /method { default_type text/plain; return 200 "$request_method"; }
                location /agent { default_type text/plain; return 200 "$http_user_agent"; }
                location /length { default_type text/plain; return 200 "$http_content_length $http_transfer_encoding"; }
                location /protocol { default_type text/plain; return 200 "$server_protocol $ssl_session_reused"; }
                location /address { default_type text/plain; return 200 "$remote_addr $remote_port"; }
                location /connection { default_type text/plain; return 200 "$http_connection"; }
                location /missing { return 404; }
                location ~ ^/alternative/(?<alternative>[0-9]+)$ {
                    add_header Alt-Svc 'h2=":$alternative"; ma=3600; persist=1, h9=":1"';
                    default_type text/plain; return 200 "$server_port $http_host $server_protocol $http_alt_used";
                }
                location /downgrade { return 302 http://127.0.0.1:\(ports[0])/hello; }
                location /locked { auth_basic "cave"; auth_basic_user_file \(folder)/passwords; }
                # An https face for a server of a test.
                location ~ ^/face/(?<port>\\d+)/(?<rest>.*)$ {
                    proxy_pass http://127.0.0.1:$port/$rest; proxy_http_version 1.1; proxy_set_header Connection "";
                }
                location ~ ^/to/(?<upstream>[0-9]+)/ {
                    proxy_pass http://127.0.0.1:$upstream; proxy_http_version 1.1;
                    proxy_request_buffering off; proxy_buffering off;
                }
                location /upload { dav_methods PUT; create_full_put_path on; }
            }
            server {
                listen 127.0.0.1:\(ports[4]) ssl http2; keepalive_requests 5;
                # Has each request whole before it answers.
                location / { proxy_pass http://127.0.0.1:\(ports[0])/hello; }
            }
        }
        """
    }

    private static func makeCertificates(in folder: String) throws {
        try runShell(
            """
            cd "$1" && exec >/dev/null 2>&1
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout authority.key \
                -out authority.pem -subj "/CN=http-handles test authority" &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
                -subj "/CN=localhost" &&
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >names &&
            openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 \
                -extfile names -out server.pem
            """,
            folder
        )
    }
}
