import Foundation
import Testing

@testable import HTTPHandlesDriver

@Suite("Files that are written")
struct WritableFileTests {
    /// As between fork and exec, when a child has all descriptors.
    @Test func `a file that is given up is free, whoever else has its descriptor`() throws {
        let path = NSTemporaryDirectory() + "http-handles-\(UUID().uuidString)"
        defer { unsafe unlink(path) }
        var file: WritableFile? = try WritableFile(resuming: path, for: path + ".whole")
        try file?.write([1])
        let copy = try #require(file?.copyOfDescriptor())
        defer { close(copy) }
        file = nil
        file = try WritableFile(resuming: path, for: path + ".whole")
        #expect(file?.length == 1)
    }
}

extension WritableFile {
    fileprivate func copyOfDescriptor() -> Int32 { dup(descriptor) }
}
