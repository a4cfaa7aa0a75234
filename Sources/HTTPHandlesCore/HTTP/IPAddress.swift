/// Recognizes IP addresses in text form, without brackets and zone.
package enum IPAddress {
    package static func isAddress(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return isVersion4(bytes[...]) || isVersion6(bytes)
    }

    /// The version of what is an address.
    static func version(of address: String) -> IPVersion {
        address.utf8.contains(UInt8(ascii: ":")) ? .v6 : .v4
    }

    /// Four decimal numbers from 0 to 255, without leading zeros (RFC 3986, section 3.2.2).
    static func isVersion4(_ bytes: ArraySlice<UInt8>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(\.isASCIIDigit) else { return false }
                guard part.count == 1 || part.first != UInt8(ascii: "0") else { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
            }
    }

    /// Eight groups of up to four hexadecimal digits. "::" stands for one or more groups of zeros, an IPv4 address for the
    /// last two groups (RFC 4291, section 2.2).
    private static func isVersion6(_ bytes: [UInt8]) -> Bool {
        let colon = UInt8(ascii: ":")
        let gap = bytes.indices.dropLast().first { bytes[$0] == colon && bytes[$0 + 1] == colon }
        guard let gap else { return groups(bytes[...], mayEndInVersion4: true) == 8 }
        guard let before = groups(bytes[..<gap], mayEndInVersion4: false),
            let after = groups(bytes[(gap + 2)...], mayEndInVersion4: true)
        else { return false }
        return before + after <= 7
    }

    /// The number of groups between single colons; `nil` if one of them is invalid.
    private static func groups(_ bytes: ArraySlice<UInt8>, mayEndInVersion4: Bool) -> Int? {
        guard !bytes.isEmpty else { return 0 }
        var parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var count = 0
        if mayEndInVersion4, let last = parts.last, isVersion4(last) {
            parts.removeLast()
            count = 2
        }
        guard parts.allSatisfy({ (1...4).contains($0.count) && $0.allSatisfy(\.isHexDigit) }) else { return nil }
        return count + parts.count
    }
}
