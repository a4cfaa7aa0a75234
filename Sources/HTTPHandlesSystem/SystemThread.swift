/// Threads of the system.
package enum SystemThread {
    /// Runs `body` on a new detached thread. Returns the system's error number if it gives no thread; 0 otherwise.
    ///
    /// - Parameter stackSize: In bytes; `nil` for `usualStackSize`.
    package static func start(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) -> Int32 {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let size = stackSize ?? usualStackSize
        if size > 0 { unsafe pthread_attr_setstacksize(&attributes, size) }
        #if canImport(Darwin) || canImport(Musl)
        var identity: pthread_t?
        #else
        var identity = pthread_t()
        #endif
        let retained = unsafe Unmanaged.passRetained(Body(body))
        // A closure: whether its parameter is optional differs between the systems.
        let result = unsafe pthread_create(&identity, &attributes, { unsafe runBody($0) }, retained.toOpaque())
        if result != 0 { unsafe retained.release() }
        return result
    }

    /// The calling thread's identity, for comparisons while the thread exists.
    package static var current: UInt {
        #if canImport(Darwin) || canImport(Musl)
        unsafe UInt(bitPattern: pthread_self())
        #else
        UInt(pthread_self())
        #endif
    }

    /// 0 for the system's: 8 MiB with glibc. The others have 128 and 512 KiB, which is little for code of the caller that
    /// runs on the driver's thread.
    #if canImport(Darwin) || canImport(Musl)
    private static let usualStackSize = 8 << 20
    #else
    private static let usualStackSize = 0
    #endif
}

private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument { unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
