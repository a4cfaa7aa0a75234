public import HTTPHandlesCore
import HTTPHandlesDriver

extension ResponseBody {
    /// Reads exactly `count` bytes; fewer only at the end of the body.
    ///
    /// Events, errors, closing and cancellation: as when reading the pieces. After an error, what was read before it is lost.
    ///
    /// `WinHttpReadDataEx` with `WINHTTP_READ_DATA_EX_FLAG_FILL_BUFFER`.
    public nonisolated(nonsending) func read(exactly count: Int) async throws(HandleError) -> [UInt8] {
        guard count >= 0 else { throw .invalidParameter(.readData, "the count must be at least 0, but is \(count)") }
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = try await read(upTo: count - bytes.count)
            guard !piece.isEmpty else { break }
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
        }
        return bytes
    }

    /// Appends at most `limit` bytes to an array of the caller's, and waits until there is at least one. Returns how many there
    /// were; 0 at the end of the body.
    ///
    /// Bytes that are there already are copied once, from the buffer into the array. An array that is used again
    /// (`removeAll(keepingCapacity: true)`) needs no memory for each read.
    ///
    /// `WinHttpReadData` with a buffer.
    public nonisolated(nonsending) func read(
        appendingTo bytes: inout [UInt8],
        upTo limit: Int
    ) async throws(HandleError) -> Int {
        guard limit > 0 else { throw .invalidParameter(.readData, "the limit must be at least 1, but is \(limit)") }
        if case .exchange(let request, _) = source,
            let count = try request.readNow(appendingTo: &bytes, upTo: limit)
        {
            return count
        }
        let piece = try await read(upTo: limit)
        bytes += piece
        return piece.count
    }

    /// Reads into memory of the caller's, from its beginning: as many bytes as are there, at most as many as fit. Waits until
    /// there is at least one. Returns how many there were; 0 at the end of the body.
    ///
    ///     var buffer = [UInt8](repeating: 0, count: 1 << 16)
    ///     var span = buffer.mutableSpan
    ///     let count = try await body.read(into: &span)
    ///
    /// Bytes that are there already are copied once, as in `read(appendingTo:upTo:)`.
    ///
    /// `WinHttpReadData` with a buffer.
    public nonisolated(nonsending) func read(into target: inout MutableSpan<UInt8>) async throws(HandleError) -> Int {
        let limit = target.count
        guard limit > 0 else { throw .invalidParameter(.readData, "the memory must have at least 1 byte") }
        if case .exchange(let request, _) = source, let count = try request.readNow(into: &target) { return count }
        let piece = try await read(upTo: limit)
        for index in piece.indices { target[index] = piece[index] }
        return piece.count
    }

    /// Reads and drops bytes of the body, and returns how many there were; fewer than `count` only at its end.
    ///
    /// - Parameter count: How many; `.max` for the rest of the body, without which an HTTP/1 connection is not used again.
    @discardableResult
    public nonisolated(nonsending) func skip(_ count: Int64) async throws(HandleError) -> Int64 {
        guard count >= 0 else { throw .invalidParameter(.readData, "the count must be at least 0, but is \(count)") }
        var skipped: Int64 = 0
        while skipped < count {
            let piece = try await read(upTo: Int(Swift.min(count - skipped, 1 << 20)))
            guard !piece.isEmpty else { break }
            skipped += Int64(piece.count)
        }
        return skipped
    }
}

extension RequestHandle {
    /// Appends what is there and needs no decoding; `nil` if there is nothing of that kind.
    fileprivate nonisolated func readNow(appendingTo bytes: inout [UInt8], upTo limit: Int) throws(HandleError) -> Int?
    {
        try requireUsable(.readData)
        let reporting = object.bound.base.tree.hasListeners
        return took(object.bound.download.append(to: &bytes, upTo: limit, reporting: reporting), reporting)
    }

    /// Copies what is there and needs no decoding; `nil` if there is nothing of that kind.
    fileprivate nonisolated func readNow(into target: inout MutableSpan<UInt8>) throws(HandleError) -> Int? {
        try requireUsable(.readData)
        let reporting = object.bound.base.tree.hasListeners
        return took(object.bound.download.copy(to: &target, reporting: reporting), reporting)
    }

    private nonisolated func took(_ taken: (count: Int, mustResume: Bool)?, _ reporting: Bool) -> Int? {
        guard let taken else { return nil }
        if taken.mustResume || reporting {
            object.bound.driver.submit { [object] in object.value.bodyWasRead($0, mustResume: taken.mustResume) }
        }
        return taken.count
    }
}
