/// The key that a frame of a client is masked with (RFC 6455, section 5.3): a fresh one for each frame, of a generator
/// that cannot be predicted.
package struct WebSocketMaskingKey: Sendable, Hashable {
    /// The four bytes, the first of them highest.
    package let value: UInt32

    package init(_ value: UInt32) {
        self.value = value
    }

    package init(using generator: inout some RandomNumberGenerator) {
        value = generator.next()
    }

    /// The byte for the payload's byte at `offset`.
    subscript(offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * (offset & 3))) }

    /// Masks the bytes from `start` on, the first of which is at `offset` in its payload; or unmasks them.
    package func apply(to bytes: inout [UInt8], from start: Int, at offset: Int = 0) {
        // Eight bytes at a time, by the key twice in the order of memory.
        let word = (0..<8).reduce(UInt64(0)) { $0 << 8 | UInt64(self[offset + $1]) }.bigEndian
        var span = bytes.mutableSpan
        // The bytes of an array have no invalid values.
        var raw = unsafe span.mutableBytes
        var place = start
        while raw.byteCount - place >= 8 {
            // Within bounds, which it checks; unsafe only for types with invalid values.
            let masked = unsafe raw.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self) ^ word
            raw.storeBytes(of: masked, toByteOffset: place, as: UInt64.self)
            place += 8
        }
        while place < span.count {
            span[place] ^= self[offset + place - start]
            place += 1
        }
    }
}
