public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension ResponseBody {
    /// Reads the rest of the body and decodes it.
    ///
    /// Status and `Content-Type` are not checked: the body of an error response may be JSON too. The bytes are decoded in
    /// the calling task, after all of them were read.
    ///
    /// Throws `.invalidServerResponse` for a body that is not JSON, or not of that type. `underlying` is the decoder's error,
    /// which has the position and may contain parts of the body; `reason` contains none. Throws what `collect(upTo:)` throws.
    ///
    /// - Parameters:
    ///   - type: The type to decode.
    ///   - limit: The maximum size of the body in bytes.
    ///   - decoder: The decoder, with its strategies for dates, keys and so on.
    public nonisolated(nonsending) func collectJSON<Value: Decodable>(
        _ type: Value.Type = Value.self,
        upTo limit: Int,
        decoder: JSONDecoder = JSONDecoder()
    ) async throws(HandleError) -> Value {
        let bytes = try await collect(upTo: limit)
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            let reason = "the body, \(bytes.count) bytes, \(problem(error)) \(type)"
            throw HandleError(.invalidServerResponse, .readData, reason: reason, underlying: error)
        }
    }

    /// Not more: the rest of the decoder's error comes from the body, for example dictionary keys.
    private nonisolated func problem(_ error: any Error) -> String {
        switch error {
        case DecodingError.dataCorrupted: "is not valid JSON, or has a malformed value, for"
        case DecodingError.keyNotFound: "lacks a key of"
        case DecodingError.typeMismatch: "has a value of the wrong type for"
        case DecodingError.valueNotFound: "has null in place of a value of"
        default: "was refused by"
        }
    }
}
