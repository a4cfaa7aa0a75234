public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension JSONEncoder: RequestBodyEncoder {
    /// `application/json`.
    public var contentType: String { "application/json" }
}

extension JSONDecoder: ResponseBodyDecoder {}

extension PropertyListEncoder: RequestBodyEncoder {
    /// `application/x-plist`: there is no registered media type.
    public var contentType: String { "application/x-plist" }
}

extension PropertyListDecoder: ResponseBodyDecoder {}
