public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension ResponseBody {
    /// Reads the rest of the body and decodes it as JSON: `collect(_:upTo:decoder:)` with a `JSONDecoder`.
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
        try await collect(type, upTo: limit, decoder: decoder)
    }
}
