/// Deflates messages, piece by piece.
struct MessageDeflater {
    private let engine: any WebSocketDeflater
    private let forgetsWindow: Bool

    /// `nil` if the agreement does not allow to compress with this engine.
    init?(_ compression: WebSocketCompression) {
        guard compression.agreement.canDeflate else { return nil }
        engine = compression.deflater
        forgetsWindow = compression.agreement.clientNoContextTakeover
    }

    /// The coded bytes of the next piece of a message.
    ///
    /// - Parameters:
    ///   - flush: Whether the peer is to be able to decode all of the piece.
    ///   - endsMessage: Whether this is the last piece of its message. Then the tail of the flush is left out.
    func deflate(_ piece: ArraySlice<UInt8>, flush: Bool, endsMessage: Bool) throws(WebSocketFailure) -> [UInt8] {
        var coded: [UInt8] = []
        try engine.deflate(piece, into: &coded, flush: flush || endsMessage)
        guard endsMessage else { return coded }
        if coded.suffix(deflateTail.count).elementsEqual(deflateTail) { coded.removeLast(deflateTail.count) }
        // Nothing came since the last flush: the beginning of an empty block, which the tail completes.
        if coded.isEmpty { coded = [0x00] }
        if forgetsWindow { engine.reset() }
        return coded
    }
}
