#if StructuredFields
public import HTTPHandlesCore
public import HTTPTypes
public import RawStructuredFieldValues

// Structured fields (RFC 9651), parsed and written by swift-http-structured-headers; the package trait `StructuredFields`.

extension HTTPFields {
    /// The value of a field that is defined as an item; `nil` if the field is not there.
    ///
    ///     let priority = try head.headerFields.structuredDictionary(.priority)?["u"]
    ///
    /// Throws `.invalidHeader` for a value that is none, and for several fields of the name.
    public func structuredItem(_ name: HTTPField.Name) throws(HandleError) -> Item? {
        try parsed(name) { parser in try parser.parseItemFieldValue() }
    }

    /// The value of a field that is defined as a list, of all fields of the name; `nil` if there is none.
    ///
    /// Throws `.invalidHeader` for a value that is no list.
    public func structuredList(_ name: HTTPField.Name) throws(HandleError) -> [ItemOrInnerList]? {
        try parsed(name) { parser in try parser.parseListFieldValue() }
    }

    /// The value of a field that is defined as a dictionary, of all fields of the name; `nil` if there is none.
    ///
    /// Throws `.invalidHeader` for a value that is no dictionary.
    public func structuredDictionary(
        _ name: HTTPField.Name
    ) throws(HandleError) -> OrderedMap<String, ItemOrInnerList>? {
        try parsed(name) { parser in try parser.parseDictionaryFieldValue() }
    }

    /// Sets a field that is defined as an item.
    ///
    /// Throws `.invalidParameter` for a value that cannot be written.
    public mutating func setStructuredItem(_ name: HTTPField.Name, to item: Item) throws(HandleError) {
        try set(name) { serializer in try serializer.writeItemFieldValue(item) }
    }

    /// Sets a field that is defined as a list; an empty one removes the field, as RFC 9651 says.
    ///
    /// Throws `.invalidParameter` for a value that cannot be written.
    public mutating func setStructuredList(_ name: HTTPField.Name, to list: [ItemOrInnerList]) throws(HandleError) {
        try set(name) { serializer in try serializer.writeListFieldValue(list) }
    }

    /// Sets a field that is defined as a dictionary; an empty one removes the field, as RFC 9651 says.
    ///
    /// Throws `.invalidParameter` for a value that cannot be written.
    public mutating func setStructuredDictionary(
        _ name: HTTPField.Name,
        to dictionary: OrderedMap<String, ItemOrInnerList>
    ) throws(HandleError) {
        try set(name) { serializer in try serializer.writeDictionaryFieldValue(dictionary) }
    }

    private func parsed<Value>(
        _ name: HTTPField.Name,
        _ parse: (inout StructuredFieldValueParser<[UInt8]>) throws -> Value
    ) throws(HandleError) -> Value? {
        let values = self[values: name]
        guard !values.isEmpty else { return nil }
        // Several fields of a name are one value; where that may be no list, the comma is an error.
        var parser = StructuredFieldValueParser(Array(values.joined(separator: ", ").utf8))
        do {
            return try parse(&parser)
        } catch {
            let reason = "the field \(name.rawName) is malformed: \(error)"
            throw HandleError(.invalidHeader, .receiveResponse, reason: reason, underlying: error)
        }
    }

    private mutating func set(
        _ name: HTTPField.Name,
        _ write: (inout StructuredFieldValueSerializer) throws -> [UInt8]
    ) throws(HandleError) {
        var serializer = StructuredFieldValueSerializer()
        let bytes: [UInt8]
        do {
            bytes = try write(&serializer)
        } catch {
            let reason = "the field \(name.rawName) cannot be written: \(error)"
            throw HandleError(.invalidParameter, .accessHeaderFields, reason: reason, underlying: error)
        }
        let value = String(decoding: bytes, as: UTF8.self)
        // The package writes undecoded bytes as they are.
        guard HTTPField.isValidValue(value) else {
            let reason = "the field \(name.rawName) cannot be written: it has a line end"
            throw HandleError(.invalidParameter, .accessHeaderFields, reason: reason)
        }
        self[name] = bytes.isEmpty ? nil : value
    }
}
#endif
