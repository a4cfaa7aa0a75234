import HTTPTypes

extension HTTP2ErrorCode {
    /// The code of the stream error in libcurl's error text, the only place where libcurl reports it. The text is
    /// "HTTP/2 stream 1 was not closed cleanly: CANCEL (err 8)" before 8.21,
    /// "HTTP/2 stream 1 reset by server (error 0x8 CANCEL)" since then; of a stream that ends without a response,
    /// "HTTP/2 stream 1 was closed cleanly, but before getting all response header fields, treated as error".
    package init?(curlText text: String) {
        let bytes = text.utf8
        guard bytes.starts(with: "HTTP/2 stream ".utf8) else { return nil }
        if bytes.firstRange(of: " was closed cleanly".utf8) != nil {
            self = .noError
            return
        }
        guard bytes.last == UInt8(ascii: ")"), let start = bytes.lastIndex(of: UInt8(ascii: "(")) else { return nil }
        let words = bytes[start...].dropFirst().dropLast().split(separator: UInt8(ascii: " ")).map { Substring($0) }
        guard words.count >= 2 else { return nil }
        let number =
            switch words[0] {
            case "err": UInt32(words[1])
            case "error": words[1].utf8.starts(with: "0x".utf8) ? UInt32(words[1].dropFirst(2), radix: 16) : nil
            default: UInt32?.none
            }
        guard let number else { return nil }
        self.init(rawValue: number)
    }
}
