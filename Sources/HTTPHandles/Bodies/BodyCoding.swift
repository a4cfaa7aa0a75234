public import HTTPHandlesCore

/// Encodes values as request bodies: an encoder with the media type of what it makes.
///
/// `HTTPHandlesFoundation` has the conformances of Foundation's encoders. The conformance of another encoder is its media type, if
/// its `encode` returns bytes:
///
///     extension CBOREncoder: RequestBodyEncoder {
///         var contentType: String { "application/cbor" }
///     }
public protocol RequestBodyEncoder {
    /// The bytes of an encoded value: `Data`, for example, or an array.
    associatedtype Output: Collection<UInt8> & Sendable

    /// The media type of what `encode` makes.
    var contentType: String { get }

    /// Encodes a value.
    func encode<Value: Encodable>(_ value: Value) throws -> Output
}

/// Decodes values from response bodies.
///
/// `HTTPHandlesFoundation` has the conformances of Foundation's decoders. A decoder whose `decode` takes bytes needs nothing more:
///
///     extension CBORDecoder: ResponseBodyDecoder {}
public protocol ResponseBodyDecoder {
    /// What a body is collected in: `Data`, for example, or an array.
    associatedtype Input: RangeReplaceableCollection<UInt8>

    /// Decodes a value.
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: Input) throws -> Value
}

extension RequestBody {
    /// A value, encoded at once.
    ///
    ///     let body = try RequestBody.encoded(settings, encoder: PropertyListEncoder())
    ///
    /// Sets `Content-Type` to that of the encoder, unless the header fields contain one. The body can be sent again.
    ///
    /// Throws `.invalidParameter` for a value that cannot be encoded; `underlying` is the encoder's own error.
    ///
    /// - Parameters:
    ///   - value: The value to encode.
    ///   - encoder: The encoder.
    public static func encoded(
        _ value: some Encodable,
        encoder: some RequestBodyEncoder
    ) throws(HandleError) -> RequestBody {
        do {
            return bytes(try encoder.encode(value), contentType: encoder.contentType)
        } catch {
            let reason = "a \(Swift.type(of: value)) cannot be encoded as \(encoder.contentType)"
            throw HandleError(.invalidParameter, .sendRequest, reason: reason, underlying: error)
        }
    }
}

extension ResponseBody {
    /// Reads the rest of the body and decodes it.
    ///
    ///     let settings = try await body.collect(Settings.self, upTo: 1 << 20, decoder: PropertyListDecoder())
    ///
    /// Status and `Content-Type` are not checked: the body of an error response may have the same format. The bytes are decoded
    /// in the calling task, after all of them were read.
    ///
    /// Throws `.invalidServerResponse` for a body that the decoder cannot read, or that is not of that type. `underlying` is the
    /// decoder's error, which may contain parts of the body; `reason` contains none. Throws what `collect(upTo:)` throws.
    ///
    /// - Parameters:
    ///   - type: The type to decode.
    ///   - limit: The maximum size of the body in bytes.
    ///   - decoder: The decoder.
    public nonisolated(nonsending) func collect<Value: Decodable, Decoder: ResponseBodyDecoder>(
        _ type: Value.Type = Value.self,
        upTo limit: Int,
        decoder: Decoder
    ) async throws(HandleError) -> Value {
        let bytes = try await collect(as: Decoder.Input.self, upTo: limit)
        do {
            return try decoder.decode(type, from: bytes)
        } catch {
            let reason = "the body, \(bytes.count) bytes, \(problem(error)) \(type), says \(Swift.type(of: decoder))"
            throw HandleError(.invalidServerResponse, .readData, reason: reason, underlying: error)
        }
    }

    /// Not more: the rest of the decoder's error comes from the body, for example dictionary keys.
    private nonisolated func problem(_ error: any Error) -> String {
        switch error {
        case DecodingError.dataCorrupted: "is malformed, or has a malformed value, for"
        case DecodingError.keyNotFound: "lacks a key of"
        case DecodingError.typeMismatch: "has a value of the wrong type for"
        case DecodingError.valueNotFound: "has null in place of a value of"
        default: "was refused as"
        }
    }
}
