/// A text, coded with gzip and zlib (by Python).
enum CodedText {
    static let plain = Array(String(repeating: "To be, or not to be: that is the question. ", count: 20).utf8)

    static let gzip = bytes(
        "1f8b08000000000002030bc957484ad551c82f52c8cb2f512801f1ac144a32124b14328b8174aa4261696a7149667e9e9e42c8a8d251a5a34a89570a0027f8c1ca5c030000"
    )
    static let zlib = bytes(
        "78da0bc957484ad551c82f52c8cb2f512801f1ac144a32124b14328b8174aa4261696a7149667e9e9e42c8a8d251a5a34a89570a0030cd2210"
    )
    static let bareDeflate = bytes(
        "0bc957484ad551c82f52c8cb2f512801f1ac144a32124b14328b8174aa4261696a7149667e9e9e42c8a8d251a5a34a89570a00"
    )
    /// Two gzip members, cut in the middle of the text.
    static let gzipMembers = bytes(
        "1f8b08000000000002030bc957484ad551c82f52c8cb2f512801f1ac144a32124b14328b8174aa4261696a7149667e9e9e42c8a852da2b05007f010e8b900100001f8b08000000000002035328c957484ab55228c9482c51c82c06d2a90a85a5a9c52599f9797a0a2120491d85fc2285bcfc128551a5835b2900cbcc0138cc010000"
    )
    /// First deflate, then gzip.
    static let deflateGzip = bytes(
        "1f8b0800000000000203013900c6ff78da0bc957484ad551c82f52c8cb2f512801f1ac144a32124b14328b8174aa4261696a7149667e9e9e42c8a8d251a5a34a89570a0030cd221073d34bbd39000000"
    )

    static let brotli = bytes(
        "1b5b03f81d07eebe1dbb0f9e1046fd56462537c5dce81a8445876e06535161a9032d31b5a1b8dc680ac3e87500"
    )
    static let zstd = bytes(
        "28b52ffd605c02750100b202090fb0a903c2460c385a818b164420938b874353750b7da52b7349e9e26cf6f29c38389b23010073e92a5506"
    )

    /// The maximum compression of gzip: a thousandth.
    static let mebibyteOfZeros =
        bytes("1f8b0800000000000203edc13101000000c2a0f54f6d085fa0") + [UInt8](repeating: 0, count: 1015)
        + bytes("003e031cea38a700001000")

    /// A gzip member of a gzip member of nothing: 209,700 stored blocks without a byte, 1,048,523 bytes of work.
    static let emptyMebibyte =
        bytes("1f8b0800000000000203edc6c10900200c0441c54fbab0608b8e12d285b370c3ed13a35a6f99")
        + [UInt8](repeating: 0, count: 1523) + bytes("e03b66bfea02d031b1b5cbff0f00")

    private static func bytes(_ digits: String) -> [UInt8] {
        let values = digits.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
