import Foundation

/// A real nginx with a server for each certificate problem, one that requests a client certificate, and one that supports
/// only TLS 1.2. All certificates are made on first use and removed with the process.
final class TLSServers: Sendable {
    static let shared = Result { try TLSServers() }

    enum Kind: String, CaseIterable {
        case good, expired, notYetValid, wrongName, selfSigned, unknownAuthority, wrongUsage
        /// Refuses clients without a certificate of the authority.
        case asksForCertificate
        case tls1_2
    }

    let authorityFile: String
    let clientFile: String
    let clientKeyFile: String
    /// The client's key, encrypted with "secret".
    let encryptedClientKeyFile: String
    /// Client certificates that need a password: with the key in PKCS #8 format, in the traditional format, in the
    /// certificate's file, and with an encrypted certificate.
    let encryptedClientFiles: [(file: String, keyFile: String?)]

    private let ports: [Kind: Int]
    private let process: NginxProcess

    private init() throws {
        process = try NginxProcess("tls")
        let folder = process.folder
        authorityFile = folder + "/authority.pem"
        clientFile = folder + "/client.pem"
        clientKeyFile = folder + "/client.key"
        encryptedClientKeyFile = folder + "/client-encrypted.key"
        encryptedClientFiles = [
            (clientFile, encryptedClientKeyFile), (clientFile, folder + "/client-traditional.key"),
            (folder + "/client-both.pem", nil), (folder + "/client-encrypted.pem", clientKeyFile),
        ]
        ports = Dictionary(uniqueKeysWithValues: zip(Kind.allCases, try freePorts(Kind.allCases.count)))
        try runShell(Self.certificates, folder)
        let servers = ports.map { Self.server($0, port: $1, folder) }.joined(separator: "\n")
        try process.start(
            """
            http {
                access_log off; \(NginxProcess.places(in: folder))
                \(servers)
            }
            """
        )
    }

    func url(_ kind: Kind) -> String { "https://localhost:\(ports[kind] ?? 0)/" }

    func port(_ kind: Kind) -> Int { ports[kind] ?? 0 }

    private static func server(_ kind: Kind, port: Int, _ folder: String) -> String {
        let certificate: Kind = [.asksForCertificate, .tls1_2].contains(kind) ? .good : kind
        let more =
            switch kind {
            case .asksForCertificate: "ssl_verify_client on; ssl_client_certificate \(folder)/authority.pem;"
            case .tls1_2: "ssl_protocols TLSv1.2;"
            default: "ssl_protocols TLSv1.2 TLSv1.3;"
            }
        return """
            server {
                listen 127.0.0.1:\(port) ssl http2; \(more)
                ssl_certificate \(folder)/\(certificate).pem; ssl_certificate_key \(folder)/\(certificate).key;
                location / { default_type text/plain; return 200 "$ssl_protocol $ssl_client_s_dn $ssl_session_reused"; }
            }
            """
    }

    /// `openssl ca` is the only command of OpenSSL 3.0 that accepts both dates.
    private static let certificates = """
        cd "$1" && exec >log 2>&1
        new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        for name in authority other; do
            openssl req -x509 $new -days 30 -keyout $name.key -out $name.pem -subj "/CN=http-handles test $name" || exit 1
        done
        touch index; echo 01 >serial
        cat >ca.conf <<END
        [ca]
        default_ca=it
        [it]
        dir=.
        new_certs_dir=.
        database=index
        serial=serial
        default_md=sha256
        policy=any
        unique_subject=no
        [any]
        commonName=supplied
        END
        # make NAME AUTHORITY FROM UNTIL EXTENSIONS
        make() {
            openssl req $new -keyout $1.key -out $1.csr -subj "/CN=http-handles test $1" &&
            printf "$5" >$1.extensions &&
            openssl ca -batch -config ca.conf -keyfile $2.key -cert $2.pem -startdate $3 -enddate $4 \
                -extfile $1.extensions -in $1.csr -out $1.pem -notext || exit 1
        }
        now=$(date -u -d yesterday +%Y%m%d%H%M%SZ); soon=$(date -u -d '30 days' +%Y%m%d%H%M%SZ)
        later=$(date -u -d '60 days' +%Y%m%d%H%M%SZ)
        make good authority $now $soon 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make expired authority 20200101000000Z 20200201000000Z 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make notYetValid authority $soon $later 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make wrongName authority $now $soon 'subjectAltName=DNS:other.example'
        make wrongUsage authority $now $soon 'subjectAltName=DNS:localhost\\nextendedKeyUsage=clientAuth'
        make unknownAuthority other $now $soon 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make client authority $now $soon 'extendedKeyUsage=clientAuth'
        openssl pkey -in client.key -aes256 -passout pass:secret -out client-encrypted.key &&
        openssl ec -in client.key -aes256 -passout pass:secret -out client-traditional.key &&
        cat client.pem client-encrypted.key >client-both.pem &&
        sed 's/BEGIN CERTIFICATE.*/&\\nProc-Type: 4,ENCRYPTED\\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\\n/' \
            client.pem >client-encrypted.pem &&
        openssl req -x509 $new -days 30 -keyout selfSigned.key -out selfSigned.pem -subj "/CN=localhost" \
            -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        """
}
