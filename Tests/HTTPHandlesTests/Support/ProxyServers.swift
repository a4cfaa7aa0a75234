import Foundation
import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting

/// Real proxies on loopback, started once for all tests and ended with the test process: squid for HTTP with and without TLS
/// and with passwords, tinyproxy, and microsocks for SOCKS 5.
final class ProxyServers: Sendable {
    static let shared = Result { try ProxyServers() }

    /// squid.
    let http: Proxy
    /// squid, with Basic and Digest.
    let asking: Proxy
    /// squid over TLS; its certificate is that of `Nginx`.
    let https: Proxy
    let tinyproxy: Proxy
    let socks5: Proxy
    /// SOCKS 5 with a password.
    let askingSOCKS: Proxy

    static let (user, password) = ("me", "op3n s3same")
    static let basic = Credentials.basic(user: user, password: password)

    private let guardian: Guardian

    private init() throws {
        let nginx = try Nginx.shared.get()
        let folder = try Scratch.makeFolder("proxies")
        let ports = try freePorts(6)
        func proxy(_ kind: ProxyAddress.Kind, _ index: Int) -> Proxy {
            Proxy(kind, host: kind == .https ? "localhost" : "127.0.0.1", port: ports[index])
        }
        (http, asking, tinyproxy) = (proxy(.http, 0), proxy(.http, 1), proxy(.http, 3))
        var https = proxy(.https, 2)
        https.tls.trust = .authorities(inFile: nginx.authorityFile)
        self.https = https
        (socks5, askingSOCKS) = (proxy(.socks5h, 4), proxy(.socks5h, 5))
        let certificates = URL(fileURLWithPath: nginx.authorityFile).deletingLastPathComponent().path
        try """
        http_port 127.0.0.1:\(ports[0])
        http_port 127.0.0.1:\(ports[1]) name=asking
        https_port 127.0.0.1:\(ports[2]) tls-cert=\(folder)/tls.pem
        auth_param digest program /usr/lib/squid/digest_file_auth -c \(folder)/digest
        auth_param digest realm cave
        auth_param digest children 1 startup=1
        auth_param basic program /usr/lib/squid/basic_ncsa_auth \(folder)/basic
        auth_param basic realm cave
        auth_param basic children 1 startup=1
        acl asks myportname asking
        acl known proxy_auth REQUIRED
        acl forbidden url_regex -i forbidden
        http_access deny forbidden
        http_access deny asks !known
        http_access allow all
        cache deny all
        pinger_enable off
        shutdown_lifetime 0 seconds
        pid_filename \(folder)/squid.pid
        cache_log \(folder)/squid.log
        access_log none
        coredump_dir \(folder)
        """.write(toFile: folder + "/squid.conf", atomically: true, encoding: .utf8)
        try "Port \(ports[3])\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nPidFile \"\(folder)/tinyproxy.pid\"\n"
            .write(toFile: folder + "/tinyproxy.conf", atomically: true, encoding: .utf8)
        // squid does not run as root; it keeps the right to read this folder.
        guardian = try Guardian(
            """
            PATH=$PATH:/usr/sbin; cd "$1"; exec 2>errors >&2
            cat "$2/server.pem" "$2/server.key" >tls.pem
            # squid keeps the state of a login for a user, so requests at the same time have users of their own.
            for user in "$5" basic digest strongest wrong refused provided $(seq -f tool-%g 6) $(seq -f socket-%g 16); do
                printf '%s:%s\\n' "$user" "$(printf %s "$6" | openssl passwd -apr1 -stdin)" >>basic
                printf '%s:cave:%s\\n' "$user" "$(printf '%s:cave:%s' "$user" "$6" | md5sum | cut -d' ' -f1)" >>digest
            done
            as=
            if [ "$(id -u)" = 0 ]; then
                as="setpriv --reuid=proxy --regid=proxy --clear-groups --inh-caps +dac_override --ambient-caps +dac_override"
            fi
            $as squid -N -n "hh$$" -f squid.conf & pids=$!
            tinyproxy -d -c tinyproxy.conf & pids="$pids $!"
            microsocks -i 127.0.0.1 -p "$3" & pids="$pids $!"
            microsocks -i 127.0.0.1 -p "$4" -u "$5" -P "$6" & pids="$pids $!"
            cat >/dev/null; kill $pids; wait; rm -rf "$1" /dev/shm/hh$$-*
            """,
            [folder, certificates, "\(ports[4])", "\(ports[5])", Self.user, Self.password]
        )
        for port in ports {
            let problem = "the proxies do not start (Scripts/setup test installs them)"
            try guardian.wait(until: isListening(port), else: problem, folder + "/errors")
        }
    }
}

/// Whether a port takes connections.
func isListening(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, SocketType.stream | SocketType.closesOnExec, 0)
    defer { _ = close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    unsafe address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
