@testable import HTTPHandlesCore

/// How the length of a frame is written.
enum LengthForm: CaseIterable {
    case one, two, eight

    static func shortest(_ count: Int) -> LengthForm { count <= 125 ? .one : count <= 0xFFFF ? .two : .eight }
}

/// The bytes of a frame, as a server sends it if nothing else is said.
func frame(
    _ opcode: UInt8,
    _ payload: [UInt8] = [],
    fin: Bool = true,
    rsv: UInt8 = 0,
    isMasked: Bool = false,
    form: LengthForm? = nil
) -> [UInt8] {
    var bytes = [(fin ? 0x80 : 0) | rsv << 4 | opcode]
    let mask: UInt8 = isMasked ? 0x80 : 0
    switch form ?? .shortest(payload.count) {
    case .one: bytes.append(mask | UInt8(payload.count))
    case .two: bytes += [mask | 126] + UInt16(payload.count).bigEndianBytes
    case .eight: bytes += [mask | 127] + UInt64(payload.count).bigEndianBytes
    }
    return bytes + (isMasked ? [0, 0, 0, 0] : []) + payload
}

func text(_ text: String, fin: Bool = true) -> [UInt8] { frame(1, Array(text.utf8), fin: fin) }

func closeFrame(_ code: UInt16, _ reason: String = "") -> [UInt8] { frame(8, code.bigEndianBytes + reason.utf8) }

/// A frame of the client, unmasked.
struct SentFrame: Hashable, CustomStringConvertible {
    var opcode: UInt8
    var payload: [UInt8]
    var fin = true
    var rsv: UInt8 = 0

    var description: String {
        "\(fin ? "" : "…")\(opcode)\(rsv == 0 ? "" : "/\(rsv)") \(payload.count < 200 ? "\(payload)" : "\(payload.count) bytes")"
    }

    static func text(_ text: String) -> SentFrame { SentFrame(opcode: 1, payload: Array(text.utf8)) }
    static func pong(_ payload: [UInt8]) -> SentFrame { SentFrame(opcode: 10, payload: payload) }
    static func ping(_ payload: [UInt8]) -> SentFrame { SentFrame(opcode: 9, payload: payload) }
    static func close(_ code: UInt16, _ reason: String = "") -> SentFrame {
        SentFrame(opcode: 8, payload: code.bigEndianBytes + reason.utf8)
    }

    /// The frames in a client's bytes, with their masking keys, and how many bytes are left.
    static func all(in bytes: [UInt8]) -> (frames: [SentFrame], keys: [[UInt8]], left: Int) {
        var frames: [SentFrame] = []
        var keys: [[UInt8]] = []
        var place = 0
        while place + 2 <= bytes.count {
            let short = Int(bytes[place + 1] & 0x7F)
            let form = short == 126 ? 2 : short == 127 ? 8 : 0
            let header = 2 + form + 4
            guard bytes[place + 1] & 0x80 != 0, place + header <= bytes.count else { break }
            let length = form == 0 ? short : bytes[place + 2..<place + 2 + form].reduce(0) { $0 << 8 | Int($1) }
            guard place + header + length <= bytes.count else { break }
            let key = Array(bytes[place + 2 + form..<place + header])
            let payload = bytes[place + header..<place + header + length].enumerated().map {
                $0.element ^ key[$0.offset % 4]
            }
            let first = bytes[place]
            frames.append(
                SentFrame(opcode: first & 0xF, payload: payload, fin: first & 0x80 != 0, rsv: first >> 4 & 7)
            )
            keys.append(key)
            place += header + length
        }
        return (frames, keys, bytes.count - place)
    }
}
