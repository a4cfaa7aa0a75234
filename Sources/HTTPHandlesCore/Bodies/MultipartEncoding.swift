import HTTPTypes

/// A form as `multipart/form-data` (RFC 7578): the pieces that make the body, in their order.
package struct MultipartEncoding {
    package private(set) var pieces: [MultipartPart.Content] = []
    package let boundary: String

    package var contentType: String { "multipart/form-data; boundary=\(boundary)" }

    /// Chooses a boundary that none of the parts in memory contains. Files are not searched: the boundary has 24 random
    /// characters, so a collision is not to be expected.
    package init(_ parts: [MultipartPart], using generator: inout some RandomNumberGenerator) throws(HandleError) {
        for part in parts { try part.check() }
        var boundary: String
        repeat {
            boundary = Self.makeBoundary(&generator)
        } while parts.contains { $0.contains(boundary) }
        self.boundary = boundary
        var pending: [UInt8] = []
        for part in parts {
            pending += part.head(boundary)
            switch part.content {
            case .bytes(let bytes): pending += bytes
            case .file, .source:
                pieces += [.bytes(pending), part.content]
                pending = []
            }
            pending += "\r\n".utf8
        }
        pending += "--\(boundary)--\r\n".utf8
        pieces.append(.bytes(pending))
    }

    /// Letters and digits only, so that the parameter needs no quotes.
    private static func makeBoundary(_ generator: inout some RandomNumberGenerator) -> String {
        let characters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return "----" + String((0..<24).map { _ in characters.randomElement(using: &generator) ?? "0" })
    }
}

extension MultipartPart {
    fileprivate func check() throws(HandleError) {
        for (what, text) in [("name", name), ("filename", filename), ("content type", contentType)] {
            guard let text, text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { continue }
            throw .invalidParameter(.sendRequest, "the \(what) of a multipart part contains a control character")
        }
        for field in headerFields {
            try RequestRules.checkValue(of: field, for: .sendRequest)
            let isOwn = field.name.canonicalName == "content-disposition"
            guard !isOwn, field.name != .contentType || contentType == nil else {
                throw .invalidParameter(.sendRequest, "the field \(field.name) of a multipart part is the library's")
            }
        }
        if let contentType, !contentType.utf8.allSatisfy({ $0 < 0x80 }) || contentType.isEmpty {
            throw .invalidParameter(.sendRequest, "the content type of a multipart part must be ASCII and not empty")
        }
    }

    fileprivate func contains(_ boundary: String) -> Bool {
        if case .bytes(let bytes) = content, bytes.firstRange(of: boundary.utf8) != nil { return true }
        let texts = [name, filename ?? ""] + headerFields.map(\.value)
        return texts.contains { $0.utf8.firstRange(of: boundary.utf8) != nil }
    }

    fileprivate func head(_ boundary: String) -> [UInt8] {
        var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(escaped(name))\""
        if let filename { head += "; filename=\"\(escaped(filename))\"" }
        if let contentType { head += "\r\nContent-Type: \(contentType)" }
        for field in headerFields { head += "\r\n\(field.name.rawName): \(field.value)" }
        return Array((head + "\r\n\r\n").utf8)
    }

    /// Escapes quotation marks as browsers do (WHATWG HTML, "multipart/form-data encoding algorithm"). Browsers also
    /// escape CR and LF; `check` has refused those.
    private func escaped(_ text: String) -> String {
        // By bytes: a quotation mark followed by a combining mark is a different `Character`.
        let parts = text.utf8.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
        return String(decoding: Array(parts.joined(separator: "%22".utf8)), as: UTF8.self)
    }
}
