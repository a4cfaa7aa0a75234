import HTTPTypes

extension HTTP2ErrorCode {
    /// The code of the stream error that libcurl's text tells of; libcurl gives it nowhere else. The text is
    /// "HTTP/2 stream 1 was not closed cleanly: CANCEL (err 8)" before 8.21,
    /// "HTTP/2 stream 1 reset by server (error 0x8 CANCEL)" since then; of a stream that ends without a response,
    /// "HTTP/2 stream 1 was closed cleanly, but before getting all response header fields, treated as error".
    package init?(curlText text: String) {
        guard text.hasPrefix("HTTP/2 stream ") else { return nil }
        if text.contains(" was closed cleanly") {
            self = .noError
            return
        }
        guard text.hasSuffix(")"), let start = text.lastIndex(of: "(") else { return nil }
        let words = text[start...].dropFirst().dropLast().split(separator: " ")
        guard words.count >= 2 else { return nil }
        let number =
            switch words[0] {
            case "err": UInt32(words[1])
            case "error": words[1].hasPrefix("0x") ? UInt32(words[1].dropFirst(2), radix: 16) : nil
            default: UInt32?.none
            }
        guard let number else { return nil }
        self.init(rawValue: number)
    }
}
