#if os(Linux)
import Foundation
import HTTPHandlesLock

/// Counts the libcurl objects of the process, with any version: the functions below replace those of libcurl and call them.
/// (The linker prefers functions of the program to those of a library.)
enum CurlCensus {
    fileprivate static let easyHandles = Atomic(0)
    private static let multiHandles = Lock<Set<UInt>>([])
    private static let brokenMultiHandles = Lock<Set<UInt>>([])
    fileprivate static let shareHandles = Atomic(0)
    fileprivate static let transfers = Atomic(0)

    /// Easy, multi and share handles.
    static var handles: Int {
        easyHandles.load(ordering: .sequentiallyConsistent) + multis.count
            + shareHandles.load(ordering: .sequentiallyConsistent)
    }

    /// The multi handles, one for each driver that has had a transfer.
    static var multis: Set<UInt> { multiHandles.withLock { $0 } }

    /// Makes `curl_multi_poll` fail for these multi handles.
    static func breakPolling(of multis: Set<UInt>) {
        brokenMultiHandles.withLock { $0.formUnion(multis) }
    }

    fileprivate static func isBroken(_ multi: UnsafeMutableRawPointer?) -> Bool {
        let address = UInt(bitPattern: multi)
        return brokenMultiHandles.withLock { $0.contains(address) }
    }

    fileprivate static func made(_ multi: UnsafeMutableRawPointer?) {
        let address = UInt(bitPattern: multi)
        _ = multiHandles.withLock { $0.insert(address) }
    }

    /// Before libcurl frees it, because the address may be reused afterwards.
    fileprivate static func ends(_ multi: UnsafeMutableRawPointer?) {
        let address = UInt(bitPattern: multi)
        _ = multiHandles.withLock { $0.remove(address) }
        _ = brokenMultiHandles.withLock { $0.remove(address) }
    }

    /// Easy handles that are in a multi handle.
    static var attachedTransfers: Int { transfers.load(ordering: .sequentiallyConsistent) }

    fileprivate typealias Make = @convention(c) () -> UnsafeMutableRawPointer?
    fileprivate typealias Clean = @convention(c) (UnsafeMutableRawPointer?) -> Int32
    fileprivate typealias Poll =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UInt32, Int32, UnsafeMutablePointer<Int32>?
        ) -> Int32
    fileprivate typealias Change = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32

    fileprivate static let easyInit = unsafe next("curl_easy_init", as: Make.self)
    fileprivate static let easyCleanup = unsafe next("curl_easy_cleanup", as: Clean.self)
    fileprivate static let multiInit = unsafe next("curl_multi_init", as: Make.self)
    fileprivate static let multiCleanup = unsafe next("curl_multi_cleanup", as: Clean.self)
    fileprivate static let multiPoll = unsafe next("curl_multi_poll", as: Poll.self)
    fileprivate static let shareInit = unsafe next("curl_share_init", as: Make.self)
    fileprivate static let shareCleanup = unsafe next("curl_share_cleanup", as: Clean.self)
    fileprivate static let addHandle = unsafe next("curl_multi_add_handle", as: Change.self)
    fileprivate static let removeHandle = unsafe next("curl_multi_remove_handle", as: Change.self)

    /// The function of that name in the libraries after the program itself.
    static func next<Function>(_ name: String, as type: Function.Type) -> Function {
        // RTLD_NEXT, which is a macro.
        let symbol = unsafe dlsym(UnsafeMutableRawPointer(bitPattern: -1), name)
        precondition(unsafe symbol != nil, "There is no \(name).")
        return unsafe unsafeBitCast(symbol, to: type)
    }

    fileprivate static func count(_ change: Int, _ counter: borrowing Atomic<Int>, if isDone: Bool = true) {
        if isDone { counter.wrappingAdd(change, ordering: .sequentiallyConsistent) }
    }
}

@_cdecl("curl_easy_init")
func countedEasyInit() -> UnsafeMutableRawPointer? {
    CurlCensus.count(1, CurlCensus.easyHandles)
    return unsafe CurlCensus.easyInit()
}

@_cdecl("curl_easy_cleanup")
func countedEasyCleanup(_ handle: UnsafeMutableRawPointer?) {
    _ = unsafe CurlCensus.easyCleanup(handle)
    CurlCensus.count(-1, CurlCensus.easyHandles)
}

@_cdecl("curl_multi_init")
func countedMultiInit() -> UnsafeMutableRawPointer? {
    let multi = unsafe CurlCensus.multiInit()
    unsafe CurlCensus.made(multi)
    return unsafe multi
}

@_cdecl("curl_multi_poll")
func breakableMultiPoll(
    _ handle: UnsafeMutableRawPointer?,
    _ others: UnsafeMutableRawPointer?,
    _ count: UInt32,
    _ milliseconds: Int32,
    _ ready: UnsafeMutablePointer<Int32>?
) -> Int32 {
    // CURLM_UNRECOVERABLE_POLL
    if unsafe CurlCensus.isBroken(handle) { return 12 }
    return unsafe CurlCensus.multiPoll(handle, others, count, milliseconds, ready)
}

@_cdecl("curl_multi_cleanup")
func countedMultiCleanup(_ handle: UnsafeMutableRawPointer?) -> Int32 {
    unsafe CurlCensus.ends(handle)
    return unsafe CurlCensus.multiCleanup(handle)
}

@_cdecl("curl_share_init")
func countedShareInit() -> UnsafeMutableRawPointer? {
    CurlCensus.count(1, CurlCensus.shareHandles)
    return unsafe CurlCensus.shareInit()
}

@_cdecl("curl_share_cleanup")
func countedShareCleanup(_ handle: UnsafeMutableRawPointer?) -> Int32 {
    let result = unsafe CurlCensus.shareCleanup(handle)
    CurlCensus.count(-1, CurlCensus.shareHandles, if: result == 0)
    return result
}

@_cdecl("curl_multi_add_handle")
func countedAddHandle(_ multi: UnsafeMutableRawPointer?, _ easy: UnsafeMutableRawPointer?) -> Int32 {
    let result = unsafe CurlCensus.addHandle(multi, easy)
    CurlCensus.count(1, CurlCensus.transfers, if: result == 0)
    return result
}

@_cdecl("curl_multi_remove_handle")
func countedRemoveHandle(_ multi: UnsafeMutableRawPointer?, _ easy: UnsafeMutableRawPointer?) -> Int32 {
    let result = unsafe CurlCensus.removeHandle(multi, easy)
    CurlCensus.count(-1, CurlCensus.transfers, if: result == 0)
    return result
}
#endif
