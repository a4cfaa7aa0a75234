import HTTPHandlesDriver

/// A version of libcurl.
struct CurlVersion: Comparable {
    private let parts: [Int]

    init(_ major: Int, _ minor: Int) {
        parts = [major, minor]
    }

    static let linked: CurlVersion = {
        let parts = CurlLibrary.versionText.split(separator: ".").compactMap { Int($0) }
        return CurlVersion(parts.first ?? 0, parts.count > 1 ? parts[1] : 0)
    }()

    static func < (left: CurlVersion, right: CurlVersion) -> Bool { left.parts.lexicographicallyPrecedes(right.parts) }
}
