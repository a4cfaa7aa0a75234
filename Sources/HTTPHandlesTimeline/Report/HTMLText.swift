/// Text in an HTML page.
enum HTMLText {
    /// Text from outside: for elements, and for values of attributes in quotation marks. What is invisible or changes the
    /// direction of text is written as `\u{…}`.
    static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in TerminalText.escaped(text).utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += Array("&amp;".utf8)
            case UInt8(ascii: "<"): bytes += Array("&lt;".utf8)
            case UInt8(ascii: ">"): bytes += Array("&gt;".utf8)
            case UInt8(ascii: "\""): bytes += Array("&quot;".utf8)
            case UInt8(ascii: "'"): bytes += Array("&#39;".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func element(_ name: String, class kind: String = "", _ text: String) -> String {
        "<\(name)\(kind.isEmpty ? "" : " class=\"\(kind)\"")>\(escaped(text))</\(name)>"
    }

    /// A table; the cells are HTML.
    static func table(class kind: String, _ titles: [String], _ rows: [[String]]) -> String {
        let head = titles.map { element("th", $0) }.joined()
        let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>\n" }.joined()
        return "<table class=\"\(kind)\"><thead><tr>\(head)</tr></thead>\n<tbody>\n\(body)</tbody></table>\n"
    }
}
