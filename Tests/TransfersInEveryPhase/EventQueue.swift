#if os(Linux)
package import HTTPHandlesSystem

/// Makes drivers fail, on both event back ends.
package enum EventQueue {
    /// All epoll descriptors of the process: of drivers, and of libdispatch.
    package static var all: Set<Int32> {
        Set((3..<1024).filter { SystemFile.link("/proc/self/fd/\($0)") == "anon_inode:[eventpoll]" })
    }

    /// The epoll descriptors of drivers that have transfers.
    package static var busy: Set<Int32> { all.filter(watchesSockets) }

    /// Makes the next wait of each queue's driver fail.
    package static func replace(_ queues: Set<Int32>) {
        let nothing = unsafe open("/dev/null", O_RDONLY)
        for queue in queues { dup2(nothing, queue) }
        close(nothing)
    }

    /// Makes `poll` fail, by a limit of open descriptors, and thereby every driver that uses it.
    package static func limitDescriptors(to count: rlim_t) {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = count
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The queue of libdispatch has none.
    private static func watchesSockets(_ queue: Int32) -> Bool {
        SystemFile.contents("/proc/self/fdinfo/\(queue)").split(separator: "\n").contains { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count > 1, words[0] == "tfd:", let descriptor = Int32(words[1]) else { return false }
            return SystemFile.link("/proc/self/fd/\(descriptor)").hasPrefix("socket:")
        }
    }
}
#endif
