/// The opcodes of RFC 6455, section 5.2.
enum WebSocketOpcode: UInt8, Sendable, CaseIterable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue >= 0x8 }
}

/// The bits of the first two bytes of a frame.
enum WebSocketFrameBits {
    static let fin: UInt8 = 0x80
    /// Set in the first frame of a message that is compressed (RFC 7692).
    static let rsv1: UInt8 = 0x40
    static let reserved: UInt8 = 0x70
    static let opcode: UInt8 = 0x0F
    static let mask: UInt8 = 0x80
    static let length: UInt8 = 0x7F
    static let maximumControlLength = 125
}
