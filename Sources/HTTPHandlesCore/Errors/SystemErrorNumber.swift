/// The number of an error that the operating system has reported: a value of `errno`, for example `EMFILE`.
///
///     if error.systemError?.rawValue == EMFILE { … }  // too many open files
///
/// Counterpart of the system codes that `GetLastError` returns after a WinHTTP function; `CURLINFO_OS_ERRNO`.
public struct SystemErrorNumber: RawRepresentable, Sendable, Hashable {
    /// The system's own number, which differs between systems.
    public let rawValue: Int32

    /// The error of that number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }
}
