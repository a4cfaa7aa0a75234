/// The options of `http-handles get`.
///
/// A table, because asking the parser takes a debug build longer than a transfer. `ToolCallTests` compares it with the parser.
package enum ToolOptions {
    package static let all: [KnownOption] =
        withValue.map { KnownOption(names(of: $0), takesValue: true) }
        + flags.map { KnownOption(names(of: $0), takesValue: false) }

    private static func names(of entry: String) -> [String] {
        entry.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
    }

    /// Each with its names.
    private static var withValue: [String] {
        [
            "--url", "--parallel-max", "-K --config", "-X --request", "-H --header", "-A --user-agent",
            "-e --referer", "-r --range", "-z --time-cond", "--etag-compare", "--etag-save", "-b --cookie",
            "-c --cookie-jar", "-d --data --data-ascii", "--data-raw", "--data-binary", "--data-urlencode", "--json",
            "-F --form", "--form-string", "-T --upload-file", "-o --output", "--output-dir", "-D --dump-header",
            "-w --write-out", "-C --continue-at", "--max-redirs", "-m --max-time --timeout", "--connect-timeout",
            "--cancel-after", "--limit-rate", "--max-filesize", "--retry", "--retry-delay", "--retry-max-time",
            "-u --user", "--auth",
            "--oauth2-bearer", "--netrc-file", "--unix-socket", "--abstract-unix-socket", "--resolve", "--connect-to",
            "--doh-url", "--interface", "-x --proxy", "--socks4", "--socks4a", "--socks5", "--socks5-hostname",
            "-U --proxy-user", "--proxy-header", "--noproxy", "--proxy-cacert", "--cacert", "--capath", "-E --cert",
            "--cert-type", "--key", "--pass", "--pinnedpubkey", "--crlfile", "--tls-max", "--ciphers",
            "--tls13-ciphers", "--curves", "--http", "--hsts", "--alt-svc", "--events", "--har", "--report",
        ]
    }

    private static var flags: [String] {
        [
            "-g --globoff", "--path-as-is", "-Z --parallel", "-q --disable", "-I --head", "--compressed", "--raw",
            "-G --get", "-O --remote-name", "--remote-name-all", "-J --remote-header-name", "--create-dirs",
            "-i --include", "-f --fail", "--fail-with-body", "--fail-early", "-s --silent", "-S --show-error",
            "--no-progress-meter", "-# --progress-bar", "-N --no-buffer", "-v --verbose", "-L --location",
            "--no-redirects --no-location", "--post301", "--post302", "--post303", "--retry-connrefused",
            "--retry-all-errors", "--basic", "--digest", "--ntlm", "--negotiate", "--anyauth", "-n --netrc",
            "--netrc-optional", "-4 --ipv4", "-6 --ipv6", "--proxy-basic", "--proxy-digest", "--proxy-ntlm",
            "--proxy-negotiate", "--proxy-anyauth", "-p --proxytunnel", "--proxy-insecure", "-k --insecure",
            "--cert-status", "--tlsv1", "--tlsv1.0", "--tlsv1.1", "--tlsv1.2", "--tlsv1.3", "--http1.1", "--http2",
            "--http2-prior-knowledge", "--http3", "--http3-only", "--timing", "--har-with-secrets",
        ]
    }
}
