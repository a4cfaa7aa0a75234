import HTTPHandlesCore
import HTTPHandlesDriver

extension ResponseBody {
    /// Writes the rest of the body to a file, and returns how many bytes there were.
    ///
    /// The file appears under its name when it is complete and on the disk, in the place of a regular file that was there,
    /// whose mode it gets. Until then, and if anything goes wrong, it is not there. Nothing else is ever replaced, and no
    /// link is followed: a link, a pipe, a device or a folder of that name is refused. The writing is done in the caller's
    /// task, which it blocks for as long as the disk takes; the connection waits meanwhile.
    ///
    /// Throws `.fileNotWritable`: before anything is read if the file cannot be made, and the body can still be read then.
    /// Events, other errors, closing and cancellation: as when reading the pieces.
    ///
    /// - Parameter path: The file. Its folder must exist.
    @discardableResult
    public nonisolated(nonsending) func write(to path: String) async throws(HandleError) -> UInt64 {
        try requireUsable()
        let file = try WritableFile(replacing: path)
        try await append(to: file)
        try file.complete()
        return file.length
    }

    /// - Parameter wrote: Called with the length of the file, before the first piece and after each.
    nonisolated(nonsending) func append(
        to file: WritableFile,
        _ wrote: (UInt64) -> Void = { _ in }
    ) async throws(HandleError) {
        var pieces = makeAsyncIterator()
        wrote(file.length)
        while let piece = try await pieces.next() {
            try closingOnFailure { () throws(HandleError) in try file.write(piece) }
            wrote(file.length)
        }
    }

    /// A body that closes its request does so if the file cannot be written.
    func closingOnFailure<Value>(_ body: () throws(HandleError) -> Value) throws(HandleError) -> Value {
        do {
            return try body()
        } catch {
            closeRequest()
            throw error
        }
    }
}
