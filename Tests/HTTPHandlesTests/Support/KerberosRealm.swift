import Foundation

/// A Kerberos realm on loopback, with the user "ann", and an Apache and a squid at `localhost` that accept its tickets. All
/// end with the test process.
///
/// libcurl takes ticket and realm from the environment, so clients run as processes of their own.
final class KerberosRealm: Sendable {
    private let scratch: Scratch
    private let guardian: Guardian
    let port: Int
    /// Of squid.
    let proxyPort: Int

    /// - Parameter webSocketPort: What Apache forwards `/socket` to.
    init(webSocketPort: Int? = nil) throws {
        scratch = try Scratch()
        let folder = scratch.folder
        let ports = try freePorts(3)
        (port, proxyPort) = (ports[0], ports[2])
        for (name, text) in Self.configuration(folder, kdcPort: ports[1], port: port, proxyPort: proxyPort) {
            let more = name == "apache.conf" ? webSocketPort.map(Self.forwarding) ?? "" : ""
            _ = try scratch.file(name, (text + more).utf8)
        }
        // The servers drop their privileges, and read these all the same.
        try runShell(
            """
            set -e; chmod 755 "$1"; mkdir "$1/www"; printf hello >"$1/www/x"; \(Self.environment(folder))
            PATH=$PATH:/usr/sbin
            kdb5_util create -s -P master -r TEST.EXAMPLE
            kadmin.local -q "addprinc -pw secret ann"
            kadmin.local -q "addprinc -randkey HTTP/localhost"
            kadmin.local -q "ktadd -k $1/keytab HTTP/localhost"
            chmod 644 "$1/keytab"; mkdir -m 777 "$1/squid"
            """,
            folder
        )
        guardian = try Guardian(
            """
            PATH=$PATH:/usr/sbin; \(Self.environment(folder))
            krb5kdc -n >"$1/kdc.out" 2>&1 & kdc=$!
            apache2 -X -f "$1/apache.conf" >"$1/apache.out" 2>&1 & server=$!
            as=
            if [ "$(id -u)" = 0 ]; then as="setpriv --reuid=proxy --regid=proxy --clear-groups"; fi
            $as squid -N -n "hk$$" -f "$1/squid.conf" >"$1/squid.out" 2>&1 & proxy=$!
            cat >/dev/null; kill $kdc $server $proxy; wait; rm -rf "$1" /dev/shm/hk$$-*
            """,
            [folder]
        )
        try waitUntilReady()
    }

    private static func forwarding(to port: Int) -> String {
        let modules = ["proxy", "proxy_http", "proxy_wstunnel"]
        return modules.map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so\n" }.joined()
            + "ProxyPass /socket ws://127.0.0.1:\(port)/socket\n"
    }

    /// Without a replay cache, which would be a file beside the folder.
    private static func environment(_ folder: String) -> String {
        """
        export KRB5_CONFIG='\(folder)/krb5.conf' KRB5_KDC_PROFILE='\(folder)/kdc.conf' KRB5CCNAME='FILE:\(folder)/cache';
        export KRB5RCACHENAME=none:;
        """
    }

    /// A ticket is there as soon as the KDC answers.
    private func waitUntilReady() throws {
        let script = """
            \(Self.environment(scratch.folder))
            for i in $(seq 1000); do
                if echo secret | kinit ann >"$1/kinit.out" 2>&1 && [ -e "$1/apache.pid" ] &&
                    curl -q -s -o "$1/curl.out" --noproxy '*' http://127.0.0.1:\(proxyPort)/; then exit 0; fi
                sleep 0.01
            done
            cat "$1"/*.out "$1/error.log"; exit 1
            """
        try runShell(script, scratch.folder)
    }

    private static func configuration(_ folder: String, kdcPort: Int, port: Int, proxyPort: Int) -> [String: String] {
        let modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_gssapi"]
        let loading = modules.map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so" }
        return [
            "krb5.conf": """
            [libdefaults]
                default_realm = TEST.EXAMPLE
                dns_lookup_kdc = false
                dns_lookup_realm = false
                dns_canonicalize_hostname = false
                rdns = false
                udp_preference_limit = 1
            [realms]
                TEST.EXAMPLE = {
                    kdc = 127.0.0.1:\(kdcPort)
                }

            """,
            "kdc.conf": """
            [kdcdefaults]
                kdc_listen = 127.0.0.1:\(kdcPort)
                kdc_tcp_listen = 127.0.0.1:\(kdcPort)
            [realms]
                TEST.EXAMPLE = {
                    database_name = \(folder)/principal
                    key_stash_file = \(folder)/stash
                    acl_file = \(folder)/acl
                }
            [logging]
                kdc = FILE:\(folder)/kdc.log

            """,
            "squid.conf": """
            http_port 127.0.0.1:\(proxyPort)
            auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k \(folder)/keytab -s HTTP/localhost
            auth_param negotiate children 1 startup=1
            acl known proxy_auth REQUIRED
            http_access deny !known
            http_access allow all
            cache deny all
            pinger_enable off
            shutdown_lifetime 0 seconds
            pid_filename \(folder)/squid/squid.pid
            cache_log \(folder)/squid/squid.log
            logformat short %un %rm %>Hs
            access_log stdio:\(folder)/squid/access.log short
            coredump_dir \(folder)/squid

            """,
            "apache.conf": """
            \(loading.joined(separator: "\n"))
            ServerName localhost
            Listen 127.0.0.1:\(port)
            PidFile \(folder)/apache.pid
            ErrorLog \(folder)/error.log
            LogFormat "%{usec}t %u %m %>s %{Content-Length}i" short
            CustomLog \(folder)/access.log short
            DocumentRoot \(folder)/www
            \(getuid() == 0 ? "User www-data\nGroup www-data" : "")
            <Location />
                AuthType GSSAPI
                AuthName test
                GssapiCredStore keytab:\(folder)/keytab
                Require valid-user
            </Location>

            """,
        ]
    }

    /// Runs a program with the ticket of "ann", or with none.
    func run(_ command: [String], hasTicket: Bool = true) async throws -> TestProgram {
        let script = """
            \(Self.environment(scratch.folder)) \(hasTicket ? "" : "export KRB5CCNAME=FILE:/nonexistent;") exec "$@"
            """
        return try await TestProgram.run("/bin/sh", ["-c", script, "script"] + command)
    }

    /// User, method, status and `Content-Length` of each request that Apache got, in the order in which they began. It logs them
    /// after its response, so those of two processes may be in another order in the file.
    func requests(_ count: Int) async -> [String] {
        await lines(count, of: "access.log").sorted().map { line in String(line.drop { $0 != " " }.dropFirst()) }
    }

    /// User, method and status of each request that squid got.
    func proxyRequests(_ count: Int) async -> [String] { await lines(count, of: "squid/access.log") }

    private func lines(_ count: Int, of log: String) async -> [String] {
        var lines: [String] = []
        _ = await eventually {
            lines = String(decoding: scratch.contents(log) ?? [], as: UTF8.self).split(separator: "\n")
                .map(String.init)
            return lines.count >= count
        }
        return lines
    }

    func url(_ path: String = "/x") -> String { "http://localhost:\(port)\(path)" }
}
