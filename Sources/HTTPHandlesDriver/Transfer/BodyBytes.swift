/// The bytes of a request body in memory: those of an array, or of another collection, which is kept and not copied.
package struct BodyBytes: Sendable {
    private enum Storage: Sendable {
        case array([UInt8])
        /// Has contiguous storage.
        case collection(any Collection<UInt8> & Sendable)
    }

    private let storage: Storage
    package let count: Int

    package init(_ bytes: some Collection<UInt8> & Sendable) {
        if let array = bytes as? [UInt8] {
            (storage, count) = (.array(array), array.count)
        } else if let count = bytes.withContiguousStorageIfAvailable({ $0.count }) {
            (storage, self.count) = (.collection(bytes), count)
        } else {
            let array = Array(bytes)
            (storage, count) = (.array(array), array.count)
        }
    }

    package var isEmpty: Bool { count == 0 }

    package var array: [UInt8] {
        switch storage {
        case .array(let bytes): bytes
        case .collection(let bytes): Array(bytes)
        }
    }

    /// Copies as many bytes as fit, from an offset on. Returns how many.
    func copy(from offset: Int, to target: UnsafeMutableRawBufferPointer) -> Int {
        switch storage {
        case .array(let bytes): unsafe Self.copy(bytes, from: offset, to: target)
        case .collection(let bytes): unsafe Self.copy(bytes, from: offset, to: target)
        }
    }

    private static func copy(
        _ bytes: some Collection<UInt8>,
        from offset: Int,
        to target: UnsafeMutableRawBufferPointer
    ) -> Int {
        let copied = bytes.withContiguousStorageIfAvailable { source in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(source).dropFirst(offset))
            let count = min(rest.count, target.count)
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
            return count
        }
        return copied ?? 0
    }
}
