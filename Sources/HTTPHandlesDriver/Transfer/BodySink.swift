#if NIO
/// Memory of another type than an array, into which libcurl's bytes are copied for a reader of that type.
package protocol BodySink: Sendable {
    var count: Int { get }
    mutating func reserve(_ count: Int)
    mutating func append(_ bytes: some Collection<UInt8>)
    /// A copy.
    var array: [UInt8] { get }
}
#endif
