/// A form as `application/x-www-form-urlencoded` (WHATWG URL, section 5.2).
package enum FormEncoding {
    package static let contentType = "application/x-www-form-urlencoded"

    package static func encode(_ fields: [(name: String, value: String)]) -> [UInt8] {
        var encoded: [UInt8] = []
        for field in fields {
            if !encoded.isEmpty { encoded.append(UInt8(ascii: "&")) }
            append(field.name, to: &encoded)
            encoded.append(UInt8(ascii: "="))
            append(field.value, to: &encoded)
        }
        return encoded
    }

    private static func append(_ text: String, to encoded: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: " "): encoded.append(UInt8(ascii: "+"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}
