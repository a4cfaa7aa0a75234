// Compression of messages (RFC 7692, section 7.2), around engines that belong to another module.

/// Inflates a raw deflate stream (RFC 1951).
package protocol WebSocketInflater: AnyObject {
    /// Inflates `input`, appends at most `limit` bytes to `output`, and removes from `input` what was used. Stops at the end
    /// of the input or at the limit. A final block is not the end: another one may begin at the next byte, with the same window.
    ///
    /// - Throws: If the data are malformed.
    func inflate(_ input: inout ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) throws(WebSocketFailure)
    /// Whether there may be output without further input, because the limit was reached.
    var holdsOutput: Bool { get }
    /// Begins again with an empty window.
    func reset()
}

/// Makes a raw deflate stream.
package protocol WebSocketDeflater: AnyObject {
    /// Deflates `input` and appends to `output`.
    ///
    /// - Parameter flush: Whether to append everything, and an empty block as a mark: at its end 00 00 FF FF
    ///   (`Z_SYNC_FLUSH`). If nothing came since the last flush, nothing is appended.
    func deflate(_ input: ArraySlice<UInt8>, into output: inout [UInt8], flush: Bool) throws(WebSocketFailure)
    /// Begins again with an empty window.
    func reset()
}

/// The engines of a connection where `permessage-deflate` was agreed.
package struct WebSocketCompression {
    package let agreement: PermessageDeflate.Agreement
    package let inflater: any WebSocketInflater
    /// Not used where the agreement does not allow it.
    package let deflater: any WebSocketDeflater

    package init(
        _ agreement: PermessageDeflate.Agreement,
        inflater: any WebSocketInflater,
        deflater: any WebSocketDeflater
    ) {
        self.agreement = agreement
        self.inflater = inflater
        self.deflater = deflater
    }
}

/// The tail of a flush, which senders leave out at the end of a message and receivers append.
let deflateTail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
