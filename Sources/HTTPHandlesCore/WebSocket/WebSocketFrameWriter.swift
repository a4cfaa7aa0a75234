/// Writes the frames of a client (RFC 6455, section 5): header and masked payload, as far as there is room.
///
/// The payload of a frame may be long, so it is masked and handed out in pieces. Short headers and control frames are
/// written whole; what does not fit is kept for the next piece.
package struct WebSocketFrameWriter: Sendable {
    private var payload: ArraySlice<UInt8> = []
    private var key = WebSocketMaskingKey(0)
    /// How much of the payload was written.
    private var offset = 0
    /// What was composed and did not fit.
    private var excess: ArraySlice<UInt8> = []

    package init() {}

    /// A frame was begun and is not written whole.
    package var isInsideFrame: Bool { !payload.isEmpty || !excess.isEmpty }

    /// Begins a frame. The one before is whole.
    ///
    /// - Parameter output: Gets the header, which is written at once.
    mutating func begin(
        _ opcode: WebSocketOpcode,
        _ payload: ArraySlice<UInt8>,
        isFinal: Bool = true,
        isCompressed: Bool = false,
        _ key: WebSocketMaskingKey,
        into output: inout [UInt8]
    ) {
        self.payload = payload
        self.key = key
        offset = 0
        var first = opcode.rawValue
        if isFinal { first |= WebSocketFrameBits.fin }
        if isCompressed { first |= WebSocketFrameBits.rsv1 }
        output.append(first)
        switch payload.count {
        case ...125: output.append(WebSocketFrameBits.mask | UInt8(payload.count))
        case ...0xFFFF:
            output.append(WebSocketFrameBits.mask | 126)
            output.append(UInt8(payload.count >> 8))
            output.append(UInt8(payload.count & 0xFF))
        default:
            output.append(WebSocketFrameBits.mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: UInt64(payload.count) >> UInt64(shift)))
            }
        }
        for place in 0..<4 { output.append(key[place]) }
    }

    /// Writes more of the frame, until `output` has `limit` bytes. More are taken back and kept.
    mutating func write(into output: inout [UInt8], upTo limit: Int) {
        if !excess.isEmpty {
            output += excess
            excess = []
        }
        if !payload.isEmpty, output.count < limit {
            let piece = payload.prefix(limit - output.count)
            payload = payload[piece.endIndex...]
            let start = output.count
            output += piece
            key.apply(to: &output, from: start, at: offset)
            offset += piece.count
            // The caller's bytes are not needed longer.
            if payload.isEmpty { payload = [] }
        }
        guard output.count > limit else { return }
        excess = output[limit...]
        output.removeSubrange(limit...)
    }
}
