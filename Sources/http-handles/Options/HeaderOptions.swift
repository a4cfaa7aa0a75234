import ArgumentParser
import HTTPHandles
import HTTPTypes

/// `-H` of commands that are not curl's.
struct HeaderOptions: ParsableArguments {
    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: ArgumentHelp("A header field; repeatable.", valueName: "name: value")
    )
    var headers: [String] = []

    func fields() throws(HandleError) -> HTTPFields {
        var fields = HTTPFields()
        for header in headers {
            let colon = header.utf8.firstIndex(of: UInt8(ascii: ":")) ?? header.endIndex
            let value = header.utf8[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            try fields.append(name: String(header[..<colon]), value: String(Substring(value)))
        }
        return fields
    }
}
