extension Duration {
    /// Milliseconds; 0 if negative.
    package var milliseconds: Double { max(0, self / .milliseconds(1)) }

    /// With three decimals, for example "12.345 ms".
    package var millisecondText: String {
        // Longer than any process runs; the number is then within Int64.
        let microseconds = Int64(min(milliseconds, 1e12) * 1000 + 0.5)
        let rest = String(microseconds % 1000)
        return "\(microseconds / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest) ms"
    }
}

extension String {
    /// Own ASCII text, filled with blanks on the right, or on the left.
    func padded(to width: Int, left: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - utf8.count))
        return left ? blanks + self : self + blanks
    }
}
