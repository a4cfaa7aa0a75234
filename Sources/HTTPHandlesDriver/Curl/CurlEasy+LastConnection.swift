import CHTTPHandlesCurl

extension CurlEasy {
    /// Has libcurl forget which connection the handle had in its last transfer, which has succeeded and was not removed yet.
    ///
    /// When a transfer is removed, libcurl searches that connection among all connections (multi.c, `lastconnect_id`), to
    /// close one of `CURLOPT_CONNECT_ONLY`, an option that is not used here. With thousands of connections, whichever
    /// servers they lead to, the search costs more than the rest of a small request. libcurl omits it once it has not
    /// found the connection, and among the connections of `none` it finds nothing.
    ///
    /// - Parameters:
    ///   - share: The share of the handle. Its cookies are in use afterwards.
    ///   - none: A share of connections, without any.
    func forgetLastConnection(_ share: CurlShare, _ none: CurlShare) {
        // An error is of no consequence but the search. libcurl has none for this option.
        try? unsafe set(CURLOPT_SHARE, pointer: none.pointer)
        _ = socket(CURLINFO_ACTIVESOCKET)
        try? unsafe set(CURLOPT_SHARE, pointer: share.pointer)
    }
}
