package import HTTPTypes

extension HTTPFields {
    /// The value of the first field of that name, as it came: it need not be UTF-8, which its text always is.
    package func bytes(of name: HTTPField.Name) -> [UInt8]? {
        first { $0.name == name }?.bytes
    }

    /// The values of all fields of that name; `nil` if there is none.
    func bytes(of name: HTTPField.Name, joinedBy separator: String) -> [UInt8]? {
        let values = lazy.filter { $0.name == name }.map(\.bytes)
        return values.isEmpty ? nil : Array(values.joined(separator: separator.utf8))
    }
}

extension HTTPField {
    /// The field as a line for one of libcurl's lists, with a NUL at its end.
    ///
    /// - Parameter emptyValue: What stands for the colon and an empty value.
    func line(emptyValue: String) -> [UInt8] {
        var line = Array(name.rawName.utf8)
        unsafe withUnsafeBytesOfValue { value in
            line.append(contentsOf: (value.isEmpty ? emptyValue : ": ").utf8)
            unsafe line.append(contentsOf: value)
        }
        line.append(0)
        return line
    }

    fileprivate var bytes: [UInt8] { unsafe withUnsafeBytesOfValue { bytes in unsafe Array(bytes) } }
}
