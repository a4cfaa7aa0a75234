import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

// libcurl's callbacks for one easy handle. They only record and return results; the loop acts later. Each finds its
// transfer through the pointer that was passed to libcurl. A transfer owns its easy handle, so no callback can be called
// after its deinitialization. A callback must not throw.

extension CurlEasy {
    func setCallbacks(_ transfer: UnsafeMutableRawPointer, sockets: UnsafeMutableRawPointer) throws(HandleError) {
        for option in [
            CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA,
            CURLOPT_TRAILERDATA, CURLOPT_PREREQDATA, CURLOPT_RESOLVER_START_DATA, CURLOPT_OPENSOCKETDATA,
            CURLOPT_DEBUGDATA,
        ] {
            try unsafe set(option, pointer: transfer)
        }
        // A connection can outlive the transfer that opened it, and libcurl stores this pointer in the connection.
        try unsafe set(CURLOPT_CLOSESOCKETDATA, pointer: sockets)
        let easy = unsafe pointer
        try change(CURLOPT_WRITEFUNCTION) { unsafe chttphandles_easy_set_data_callback(easy, $0, writeCallback) }
        try change(CURLOPT_HEADERFUNCTION) { unsafe chttphandles_easy_set_data_callback(easy, $0, headerCallback) }
        try change(CURLOPT_READFUNCTION) { unsafe chttphandles_easy_set_data_callback(easy, $0, readCallback) }
        try change(CURLOPT_SEEKFUNCTION) { unsafe chttphandles_easy_set_seek_callback(easy, $0, seekCallback) }
        try change(CURLOPT_PREREQFUNCTION) { unsafe chttphandles_easy_set_prereq_callback(easy, $0, prereqCallback) }
        try change(CURLOPT_RESOLVER_START_FUNCTION) {
            unsafe chttphandles_easy_set_resolver_start_callback(easy, $0, resolverStartCallback)
        }
        try change(CURLOPT_DEBUGFUNCTION) { unsafe chttphandles_easy_set_debug_callback(easy, $0, debugCallback) }
        try change(CURLOPT_OPENSOCKETFUNCTION) {
            unsafe chttphandles_easy_set_opensocket_callback(easy, $0, openSocketCallback)
        }
        try change(CURLOPT_CLOSESOCKETFUNCTION) {
            unsafe chttphandles_easy_set_closesocket_callback(easy, $0, closeSocketCallback)
        }
    }

    /// Only for requests that may have trailer fields: with this callback libcurl sends the end of a chunked body in two
    /// pieces.
    func setTrailerCallback(_ isOn: Bool) throws(HandleError) {
        let easy = unsafe pointer
        try change(CURLOPT_TRAILERFUNCTION) {
            unsafe chttphandles_easy_set_trailer_callback(easy, $0, isOn ? trailerCallback : nil)
        }
    }

    /// Has the transfer set up the TLS context of each new connection, or not.
    func setContextCallback(_ isOn: Bool, _ transfer: UnsafeMutableRawPointer) throws(HandleError) {
        let easy = unsafe pointer
        try unsafe set(CURLOPT_SSL_CTX_DATA, pointer: transfer)
        try change(CURLOPT_SSL_CTX_FUNCTION) {
            unsafe chttphandles_easy_set_ssl_context_callback(easy, $0, isOn ? contextCallback : nil)
        }
    }

    /// Makes every new connection fail and prevents sending on an existing one.
    func refuseConnections() throws(HandleError) {
        let easy = unsafe pointer
        try change(CURLOPT_PREREQFUNCTION) {
            unsafe chttphandles_easy_set_prereq_callback(easy, $0, { _, _, _, _, _ in Int32(CURL_PREREQFUNC_ABORT) })
        }
        try change(CURLOPT_OPENSOCKETFUNCTION) {
            unsafe chttphandles_easy_set_opensocket_callback(easy, $0, { _, _, _ in CURL_SOCKET_BAD })
        }
    }
}

/// Calls `body` with the transfer of a callback; returns `otherwise` if the transfer is not running.
@inline(__always)
private func withTransfer<Answer>(
    _ data: UnsafeMutableRawPointer?,
    otherwise: Answer,
    _ body: (Transfer) -> Answer
) -> Answer {
    guard let data = unsafe data else { return otherwise }
    return CurlCallback.run {
        unsafe Unmanaged<Transfer>.fromOpaque(data)._withUnsafeGuaranteedRef { transfer in
            transfer.isRunning ? body(transfer) : otherwise
        }
    }
}

private func writeCallback(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    unsafe withTransfer(data, otherwise: size * count) { transfer in
        switch unsafe transfer.receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) {
        case .taken: size * count
        case .pause: Int(CURL_WRITEFUNC_PAUSE)
        case .abort: Int(CURL_WRITEFUNC_ERROR)
        }
    }
}

private func headerCallback(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    unsafe withTransfer(data, otherwise: size * count) { transfer in
        let isTaken = unsafe transfer.receiveHeaderLine(UnsafeRawBufferPointer(start: bytes, count: size * count))
        return isTaken ? size * count : Int(CURL_WRITEFUNC_ERROR)
    }
}

private func readCallback(
    _ target: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    unsafe withTransfer(data, otherwise: Int(CURL_READFUNC_ABORT)) { transfer in
        switch unsafe transfer.supplyBody(UnsafeMutableRawBufferPointer(start: target, count: size * count)) {
        case .bytes(let count): count
        case .nothingYet: Int(CURL_READFUNC_PAUSE)
        case .end: 0
        case .abort: Int(CURL_READFUNC_ABORT)
        }
    }
}

private func trailerCallback(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<curl_slist>?>?,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    guard let list = unsafe list else { return CURL_TRAILERFUNC_ABORT }
    return unsafe withTransfer(data, otherwise: CURL_TRAILERFUNC_ABORT) { transfer in
        guard let lines = transfer.supplyTrailers() else { return CURL_TRAILERFUNC_ABORT }
        unsafe list.pointee = lines.take()
        return CURL_TRAILERFUNC_OK
    }
}

private func seekCallback(_ data: UnsafeMutableRawPointer?, _ offset: curl_off_t, _ origin: Int32) -> Int32 {
    unsafe withTransfer(data, otherwise: CURL_SEEKFUNC_FAIL) { transfer in
        origin == SEEK_SET && transfer.rewind(to: Int64(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
    }
}

private func prereqCallback(
    _ data: UnsafeMutableRawPointer?,
    _ remote: UnsafeMutablePointer<CChar>?,
    _ local: UnsafeMutablePointer<CChar>?,
    _ remotePort: Int32,
    _ localPort: Int32
) -> Int32 {
    unsafe withTransfer(data, otherwise: Int32(CURL_PREREQFUNC_OK)) { transfer in
        func address(_ host: UnsafeMutablePointer<CChar>?, _ port: Int32) -> SocketAddress {
            SocketAddress(host: unsafe host.map { unsafe String(cString: $0) } ?? "", port: Int(port))
        }
        let ends = unsafe ConnectionEnds(local: address(local, localPort), remote: address(remote, remotePort))
        return Int32(transfer.connectionReady(ends) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT)
    }
}

private func contextCallback(
    _ easy: UnsafeMutableRawPointer?,
    _ context: UnsafeMutableRawPointer?,
    _ data: UnsafeMutableRawPointer?
) -> CURLcode {
    guard let context = unsafe context else { return CURLE_SSL_CONNECT_ERROR }
    return unsafe withTransfer(data, otherwise: CURLE_SSL_CONNECT_ERROR) { transfer in
        // libcurl's own transfers, for DNS over HTTPS, have the callback too.
        let isOwn = unsafe easy == transfer.curl.pointer
        return unsafe transfer.handshakeBegins(context, isOwn: isOwn) ? CURLE_OK : CURLE_OUT_OF_MEMORY
    }
}

private func resolverStartCallback(
    _ state: UnsafeMutableRawPointer?,
    _ reserved: UnsafeMutableRawPointer?,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    unsafe withTransfer(data, otherwise: true) { $0.resolverStarts() } ? 0 : 1
}

/// Called only for verbose transfers.
private func debugCallback(
    _ easy: UnsafeMutableRawPointer?,
    _ type: curl_infotype,
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    unsafe withTransfer(data, otherwise: ()) { transfer in
        // libcurl's own transfers, for DNS over HTTPS, have the callback too.
        guard unsafe easy == transfer.curl.pointer else { return }
        let bytes = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
        switch type {
        case CURLINFO_TEXT: unsafe transfer.receiveDebugText(bytes)
        case CURLINFO_HEADER_OUT: unsafe transfer.headWasSent(bytes)
        case CURLINFO_DATA_IN: unsafe transfer.rawBodyArrived(bytes)
        default: break
        }
    }
    return 0
}

private func openSocketCallback(
    _ data: UnsafeMutableRawPointer?,
    _ purpose: curlsocktype,
    _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let address = unsafe address else { return CURL_SOCKET_BAD }
    let descriptor = socket(
        unsafe address.pointee.family,
        unsafe address.pointee.socktype | SocketType.closesOnExec,
        unsafe address.pointee.protocol
    )
    guard descriptor >= 0 else {
        let problem = errno
        unsafe withTransfer(data, otherwise: ()) { $0.attempt.socketError = problem }
        return CURL_SOCKET_BAD
    }
    #if canImport(Darwin)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    #endif
    let family = unsafe address.pointee.family
    guard unsafe withTransfer(data, otherwise: true, { $0.setTrafficClass(of: descriptor, family) }) else {
        close(descriptor)
        return CURL_SOCKET_BAD
    }
    var storage = sockaddr_storage()
    if let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) {
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            let length = min(bytes.count, Int(unsafe address.pointee.addrlen))
            // The length of the address depends on its family; it may exceed a `sockaddr`.
            let source = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(address) + offset, count: length)
            unsafe bytes.copyMemory(from: source)
        }
    }
    unsafe withTransfer(data, otherwise: ()) { $0.socketOpened(descriptor, SocketAddress(storage)) }
    return descriptor
}

private func closeSocketCallback(_ data: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t) -> Int32 {
    if let data = unsafe data {
        CurlCallback.run {
            unsafe Unmanaged<SocketTable>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.close(descriptor) }
        }
    }
    return 0
}

extension SocketAddress {
    /// The address in a `sockaddr`; empty for families other than IPv4 and IPv6.
    init(_ storage: sockaddr_storage) {
        var storage = storage
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = Int32(storage.ss_family)
        var port: UInt16 = 0
        unsafe withUnsafePointer(to: &storage) { pointer in
            switch family {
            case AF_INET:
                unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                    var bytes = unsafe address.pointee.sin_addr
                    unsafe port = UInt16(bigEndian: address.pointee.sin_port)
                    unsafe inet_ntop(family, &bytes, &text, socklen_t(text.count))
                }
            case AF_INET6:
                unsafe pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
                    var bytes = unsafe address.pointee.sin6_addr
                    unsafe port = UInt16(bigEndian: address.pointee.sin6_port)
                    unsafe inet_ntop(family, &bytes, &text, socklen_t(text.count))
                }
            default: break
            }
        }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        self.init(host: String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self), port: Int(port))
    }
}
