import Testing

/// A network namespace for a test program: the name server is the program itself, the resolver has long timeouts, and
/// 10.255.0.0/24 is a black hole. The machine's own network is not affected.
enum SilentNetwork {
    /// Whether the machine permits making one.
    static let isPossible = ((try? TestProgram.runBlocking("/bin/sh", arguments(["true"])))?.status ?? -1) == 0
    static let whyNot: Comment = "this machine does not permit network namespaces with unshare, mount and ip"

    /// Runs a test program in the namespace.
    ///
    /// - Parameter environment: What is different in it, like "NAME=value".
    static func run(_ arguments: [String], environment: [String] = []) async throws -> TestProgram {
        let command = ["/usr/bin/env"] + environment + [TestProgram.path()] + arguments
        return try await TestProgram.run("/bin/sh", Self.arguments(command))
    }

    private static func arguments(_ command: [String]) -> [String] {
        let resolver = "nameserver 127.0.0.1\\noptions timeout:30 attempts:5\\n"
        let inside = """
            set -e; PATH=$PATH:/usr/sbin:/sbin
            mount -t tmpfs none /mnt; printf '\(resolver)' >/mnt/resolv.conf; echo 'hosts: files dns' >/mnt/nsswitch.conf
            mount --bind /mnt/resolv.conf /etc/resolv.conf
            if [ -e /etc/nsswitch.conf ]; then mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf; fi
            ip link set lo up
            ip route add 10.255.0.0/24 dev lo
            exec "$@"
            """
        return ["-c", "exec unshare --map-root-user --net --mount sh -c \"$0\" inside \"$@\"", inside] + command
    }
}
