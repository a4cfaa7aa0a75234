import HTTPHandlesCore
import HTTPHandlesLock

/// A cache of origins that libcurl has parsed.
///
/// Each session has its own: the lock is taken for each request, and sessions share nothing that each request writes.
package final class KnownOrigins: Sendable {
    private struct Known {
        let text: String
        let origin: Origin
    }

    private struct State {
        var all: [Substring: Known] = [:]
        /// The origin of the last request. Checked first, which avoids hashing and most checks.
        var last: Known?
    }

    /// For URLs that do not begin a request, such as those of redirects.
    package static let ofProcess = KnownOrigins()

    private let state = Lock(State())

    package init() {}

    func split(_ text: String) -> (origin: Origin, target: Int)? {
        state.withLock { state in
            if let last = state.last, let target = RequestURL.target(of: text, after: last.text) {
                return (last.origin, target)
            }
            guard let split = RequestURL.split(text), let known = state.all[split.origin] else { return nil }
            state.last = known
            return (known.origin, split.target)
        }
    }

    func origin(isSecure: Bool, _ authority: ArraySlice<UInt8>) -> Origin? {
        // Strings with different bytes can be equal in Swift, but not in ASCII.
        guard authority.allSatisfy({ $0 < 0x80 }) else { return nil }
        let text = "\(isSecure ? "https" : "http")://\(String(decoding: authority, as: UTF8.self))"
        return state.withLock { $0.all[text[...]]?.origin }
    }

    /// Adds an origin in its normalized form.
    func learn(_ origin: Origin) {
        let text = origin.urlPrefix
        state.withLock { state in
            if state.all.count >= 1024 { state.all.removeAll() }
            state.all[Substring(text)] = Known(text: text, origin: origin)
        }
    }
}
