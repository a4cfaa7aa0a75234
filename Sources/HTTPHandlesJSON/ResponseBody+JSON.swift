public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension ResponseBody {
    /// Reads the rest of the body and decodes it.
    ///
    /// Neither status nor `Content-Type` are looked at: what a server says of an error may be JSON too. The bytes are
    /// decoded by the caller's task, after the last of them was read.
    ///
    /// Throws `.invalidServerResponse` for a body that is not JSON, or not of that type. `underlying` is the decoder's own
    /// error, which says where, and may contain what the body contains; `reason` does not. Throws what `collect(upTo:)`
    /// throws.
    ///
    /// - Parameters:
    ///   - type: What the body is to be.
    ///   - limit: The most bytes to accept.
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

    /// No more than this: what else the error tells comes from the body, keys of dictionaries included.
    private nonisolated func problem(_ error: any Error) -> String {
        switch error {
        case DecodingError.dataCorrupted: "is not JSON, or has a malformed value, and was to be"
        case DecodingError.keyNotFound: "lacks a value of"
        case DecodingError.typeMismatch: "has a value of another type than"
        case DecodingError.valueNotFound: "has null instead of a value of"
        default: "was refused by"
        }
    }
}
