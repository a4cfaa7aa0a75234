public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension ResponseBody {
    /// Reads the rest of the body into `Data`, each byte with one copy.
    ///
    /// The counterpart for a request is `RequestBody.bytes(data)`, which copies nothing until it is sent.
    ///
    /// Throws what `collect(upTo:)` throws.
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func collectData(upTo limit: Int) async throws(HandleError) -> Data {
        try await collect(as: Data.self, upTo: limit)
    }
}
