import Foundation
import HTTPHandles

/// A real nginx with a server for each certificate problem, one that requests a client certificate, and one that supports
/// only TLS 1.2. All certificates are made on first use and removed with the process.
final class TLSServers: Sendable {
    static let shared = Result { try TLSServers() }

    enum Kind: String, CaseIterable {
        case good, expired, notYetValid, wrongName, selfSigned, unknownAuthority, wrongUsage
        case revoked, weakKey, longChain
        /// Does not send the intermediate certificates.
        case shortChain
        /// Two problems at once.
        case expiredAndUnknown
        /// With a stapled status: good, revoked.
        case stapled, stapledRevoked
        /// Requests a certificate, without requiring it.
        case wantsCertificate
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
    let folder: String

    private let ports: [Kind: Int]
    private let process: NginxProcess

    private init() throws {
        process = try NginxProcess("tls")
        folder = process.folder
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
                # TLS 1.2 is resumed with it only: libcurl wants no tickets there.
                access_log off; ssl_session_cache shared:sessions:1m; \(NginxProcess.places(in: folder))
                \(servers)
            }
            """
        )
    }

    func url(_ kind: Kind) -> String { "https://localhost:\(ports[kind] ?? 0)/" }

    func path(_ name: String) -> String { folder + "/" + name }

    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name)))) }

    func pin(_ name: String) throws -> PublicKeyPin {
        guard let pin = PublicKeyPin(sha256: String(decoding: try bytes(name + ".pin"), as: UTF8.self)) else {
            throw SupportFailure("the hash of a key has a wrong format")
        }
        return pin
    }

    func port(_ kind: Kind) -> Int { ports[kind] ?? 0 }

    private static func server(_ kind: Kind, port: Int, _ folder: String) -> String {
        let certificate: Kind =
            switch kind {
            case .asksForCertificate, .wantsCertificate, .tls1_2, .stapled: .good
            case .stapledRevoked: .revoked
            default: kind
            }
        // libcurl checks a stapled status with the issuer that the server sends.
        let chain = kind == .stapled || kind == .stapledRevoked ? "\(certificate)-chain" : "\(certificate)"
        let more =
            switch kind {
            case .asksForCertificate: "ssl_verify_client on; ssl_client_certificate \(folder)/authority.pem;"
            case .wantsCertificate: "ssl_verify_client optional; ssl_client_certificate \(folder)/authorities.pem;"
            case .stapled, .stapledRevoked: "ssl_stapling on; ssl_stapling_file \(folder)/\(certificate).ocsp;"
            case .tls1_2: "ssl_protocols TLSv1.2;"
            default: "ssl_protocols TLSv1.2 TLSv1.3;"
            }
        return """
            server {
                listen 127.0.0.1:\(port) ssl http2; \(more)
                ssl_certificate \(folder)/\(chain).pem; ssl_certificate_key \(folder)/\(certificate).key;
                location ~ ^/to/(?<upstream>[0-9]+)/ {
                    proxy_pass http://127.0.0.1:$upstream; proxy_set_header Client-Name $ssl_client_s_dn;
                }
                location ~ ^/socket/(?<upstream>[0-9]+)/ {
                    proxy_pass http://127.0.0.1:$upstream; proxy_http_version 1.1; proxy_read_timeout 600s;
                    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                    proxy_set_header Client-Name $ssl_client_s_dn;
                }
                location / { default_type text/plain; return 200 "$ssl_protocol|$ssl_client_s_dn|$ssl_session_reused|$connection|$ssl_cipher|$ssl_curve"; }
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
        make revoked authority $now $soon 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make expiredAndUnknown other 20200101000000Z 20200201000000Z 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make client2 authority $now $soon 'extendedKeyUsage=clientAuth'
        cat authority.pem other.pem >authorities.pem
        # A chain of four certificates below the authority.
        authority='basicConstraints=critical,CA:TRUE\\nkeyUsage=keyCertSign'
        make middle1 authority $now $soon "$authority" && make middle2 middle1 $now $soon "$authority" &&
        make middle3 middle2 $now $soon "$authority" &&
        make longChain middle3 $now $soon 'subjectAltName=DNS:localhost,IP:127.0.0.1' || exit 1
        cp longChain.pem shortChain.pem; cp longChain.key shortChain.key
        cat middle3.pem middle2.pem middle1.pem >>longChain.pem
        ec=$new; new="-newkey rsa:1024 -nodes"
        make weakKey authority $now $soon 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        make weakClient authority $now $soon 'extendedKeyUsage=clientAuth'
        new=$ec
        openssl ca -config ca.conf -keyfile authority.key -cert authority.pem -revoke revoked.pem &&
        openssl ca -config ca.conf -keyfile authority.key -cert authority.pem -gencrl -crldays 30 -out revoked.crl &&
        openssl crl -in revoked.crl -outform DER -out revoked.crl.der || exit 1
        for name in good revoked; do
            cat $name.pem authority.pem >$name-chain.pem
            openssl ocsp -issuer authority.pem -cert $name.pem -no_nonce -reqout $name.request &&
            openssl ocsp -index index -CA authority.pem -rsigner authority.pem -rkey authority.key \\
                -reqin $name.request -respout $name.ocsp -ndays 20 || exit 1
        done
        openssl x509 -in authority.pem -outform DER -out authority.der &&
        openssl x509 -in client.pem -outform DER -out client.der &&
        openssl pkcs8 -topk8 -nocrypt -in client.key -outform DER -out client.key.der &&
        openssl pkcs8 -topk8 -in client.key -passout pass:secret -outform DER -out client-encrypted.key.der &&
        openssl pkcs12 -export -in client.pem -inkey client.key -certfile authority.pem -passout pass:secret \\
            -out client.p12 &&
        openssl pkcs12 -export -in client.pem -inkey client.key -passout pass: -out client-open.p12 &&
        openssl pkcs12 -export -nokeys -in client.pem -passout pass:secret -out client-keyless.p12 || exit 1
        mkdir hashed && cp authority.pem "hashed/$(openssl x509 -in authority.pem -noout -hash).0" &&
        echo garbage >hashed/README || exit 1
        for name in good other; do
            openssl x509 -in $name.pem -noout -pubkey | openssl pkey -pubin -outform DER |
                openssl dgst -sha256 -binary | openssl base64 -A >$name.pin || exit 1
        done
        # nginx refuses weak keys otherwise.
        printf 'openssl_conf=a\\n[a]\\nssl_conf=b\\n[b]\\nsystem_default=c\\n[c]\\nCipherString=DEFAULT:@SECLEVEL=0\\n' \\
            >openssl.cnf
        openssl pkey -in client.key -aes256 -passout pass:secret -out client-encrypted.key &&
        openssl ec -in client.key -aes256 -passout pass:secret -out client-traditional.key &&
        cat client.pem client-encrypted.key >client-both.pem &&
        sed 's/BEGIN CERTIFICATE.*/&\\nProc-Type: 4,ENCRYPTED\\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\\n/' \
            client.pem >client-encrypted.pem &&
        openssl req -x509 $new -days 30 -keyout selfSigned.key -out selfSigned.pem -subj "/CN=localhost" \
            -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        """
}
