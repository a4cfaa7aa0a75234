import Foundation
import HTTPHandlesCore
import Testing

@testable import HTTPHandlesDriver

@Suite("Writable files")
final class WritableFileTests {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "http-handles-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String) -> String { folder + "/" + name }

    func make(_ name: String, _ text: String = "old", mode: Int = 0o644) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
        return path(name)
    }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: path(name)).map { String(decoding: $0, as: UTF8.self) }
    }

    func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int
    }

    /// The mode of a new file, according to the umask of the process.
    func usual(_ mode: Int) throws -> Int {
        let descriptor = unsafe open(path("usual"), O_WRONLY | O_CREAT | O_EXCL, mode_t(mode))
        defer {
            close(descriptor)
            unsafe unlink(path("usual"))
        }
        return try #require(try self.mode("usual"))
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

    func replace(_ name: String, isPrivate: Bool = false) throws {
        let file = try WritableFile(replacing: path(name), isPrivate: isPrivate)
        try file.write(Array("new".utf8))
        try file.complete()
    }

    func resume(_ name: String) throws {
        let file = try WritableFile(resuming: path(name) + ".partial", for: path(name))
        try file.write(Array("new".utf8))
        try file.complete()
    }

    static func failure(_ path: String, _ reason: String) -> HandleError {
        HandleError(.fileNotWritable, .readData, reason: "the file \(path) cannot be written: \(reason)")
    }

    // MARK: Locks

    /// As between fork and exec, when a child process has all descriptors.
    @Test func `an abandoned file is unlocked although another process has its descriptor`() throws {
        var file: WritableFile? = try WritableFile(resuming: path("partial"), for: path("whole"))
        try file?.write([1])
        let copy = dup(try #require(file?.number))
        defer { close(copy) }
        file = nil
        file = try WritableFile(resuming: path("partial"), for: path("whole"))
        #expect(file?.length == 1)
    }

    // MARK: Modes

    @Test(arguments: [0o600, 0o644, 0o640, 0o444, 0o777, 0o666])
    func `the mode of the file that is replaced is kept`(_ mode: Int) throws {
        for write in [{ try self.replace("file") }, { try self.resume("file") }] {
            _ = try make("file", mode: mode)
            try write()
            #expect(text("file") == "new")
            #expect(try self.mode("file") == mode)
            #expect(names == ["file"])
            unsafe unlink(path("file"))
        }
    }

    @Test func `a new file has the default mode, a private one is for its owner`() throws {
        try replace("file")
        #expect(try mode("file") == usual(0o666))
        try replace("file", isPrivate: true)
        #expect(try mode("file") == 0o600)
        try resume("other")
        #expect(try mode("other") == usual(0o644))
        let file = try WritableFile(resuming: path("another.partial"), for: make("another", mode: 0o600))
        try file.write([1])
        #expect(try mode("another.partial") == 0o600)
    }

    // MARK: Replacing

    @Test func `only regular files are replaced, and links are not followed`() throws {
        _ = try make("target")
        let links = [("link", path("target")), ("dangling", path("nothing")), ("piped", path("pipe"))]
        for (name, target) in links { unsafe symlink(target, path(name)) }
        unsafe mkfifo(path("pipe"), 0o600)
        let before = names
        let cases =
            links.map { ($0.0, "it is a symbolic link") } + [
                ("pipe", "it is not a regular file"), ("", "it is not a regular file"),
            ]
        for (name, reason) in cases {
            #expect(throws: Self.failure(path(name), reason)) { try self.replace(name) }
            #expect(throws: Self.failure(path(name), reason)) { try self.resume(name) }
        }
        #expect(names == before)
        #expect(text("target") == "old")
    }

    @Test func `a file that was created meanwhile is checked`() throws {
        let file = try WritableFile(replacing: path("file"))
        _ = unsafe mkfifo(path("file"), 0o600)
        #expect(throws: Self.failure(path("file"), "it is not a regular file")) { try file.complete() }
    }

    @Test func `a temporary file that was moved is not renamed`() throws {
        var file: WritableFile? = try WritableFile(resuming: path("file.partial"), for: path("file"))
        try file?.write([1])
        _ = unsafe rename(path("file.partial"), path("moved"))
        _ = try make("file.partial", "planted")
        #expect(throws: Self.failure(path("file.partial"), "another process has moved it")) { try file?.complete() }
        file = nil
        #expect(names == ["file.partial", "moved"])
    }

    // MARK: Resuming

    @Test func `a partial file that another user can have written is not used`() throws {
        _ = try make("target", mode: 0o600)
        let plants: [(String, () throws -> Void)] = [
            (
                "Too many levels of symbolic links",
                {
                    try FileManager.default.createSymbolicLink(
                        atPath: self.path("f.partial"),
                        withDestinationPath: self.path("target")
                    )
                }
            ),
            ("it has more than one hard link", { unsafe link(self.path("target"), self.path("f.partial")) }),
            ("other users may write to it", { _ = try self.make("f.partial", mode: 0o620) }),
            ("other users may write to it", { _ = try self.make("f.partial", mode: 0o602) }),
            ("No such device or address", { unsafe mkfifo(self.path("f.partial"), 0o600) }),
            ("Is a directory", { unsafe mkdir(self.path("f.partial"), 0o700) }),
        ]
        for (reason, plant) in plants {
            try plant()
            #expect(throws: Self.failure(path("f.partial"), reason)) { try self.resume("f") }
            #expect(names == ["f.partial", "target"])
            #expect(text("target") == "old")
            try FileManager.default.removeItem(atPath: path("f.partial"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can make a file of another user"))
    func `a partial file of another user is not used`() throws {
        try unsafe chown(make("f.partial", mode: 0o600), 12345, 12345)
        #expect(throws: Self.failure(path("f.partial"), "it belongs to another user")) { try self.resume("f") }
        // The final file of another user is replaced, with no wider mode.
        try unsafe chown(make("file", mode: 0o640), 12345, 12345)
        try replace("file")
        #expect(try mode("file") == 0o640)
        try unsafe chown(make("ours", mode: 0o664), geteuid(), 12345)
        try replace("ours")
        #expect(try mode("ours") == 0o664)
        #expect(try FileManager.default.attributesOfItem(atPath: path("ours"))[.groupOwnerAccountID] as? Int == 12345)
    }

    @Test func `a file that must be ours is not another user's`() throws {
        _ = try make("target", mode: 0o600)
        #expect(try ReadableFile(path("target"), isOwn: true, for: .readData).readAll() == Array("old".utf8))
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("target"))
        _ = try make("wide", mode: 0o666)
        try unsafe link(make("one", mode: 0o600), path("two"))
        for (name, reason) in [
            ("link", "Too many levels of symbolic links"), ("wide", "other users may write to it"),
            ("two", "it has more than one hard link"),
        ] {
            let error = HandleError(
                .fileNotReadable,
                .readData,
                reason: "the file \(path(name)) cannot be read: \(reason)"
            )
            #expect(throws: error) { try ReadableFile(self.path(name), isOwn: true, for: .readData) }
            #expect(try ReadableFile(path(name), for: .readData).length == 3)
        }
    }

    // MARK: Failures

    @Test func `a failed synchronization is an error, and the file does not exist`() throws {
        _ = try make("file")
        let pipe = Pipe()
        var file: WritableFile? = try WritableFile(replacing: path("file"))
        try file?.write([1])
        // A descriptor that cannot be synchronized, in place of the file's.
        dup2(pipe.fileHandleForWriting.fileDescriptor, try #require(file?.number))
        #expect(throws: Self.failure(path("file"), "Invalid argument")) { try file?.complete() }
        file = nil
        #expect(text("file") == "old")
        #expect(names == ["file"])
    }

    @Test func `writing to a non-blocking pipe waits`() async throws {
        let pipe = Pipe()
        let number = pipe.fileHandleForWriting.fileDescriptor
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
        let writer = try FileDescriptor(duplicating: number)
        try pipe.fileHandleForWriting.close()
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        async let written: Void = writer.write(bytes)
        #expect(try pipe.fileHandleForReading.read(upToCount: bytes.count)?.count == bytes.count)
        try await written
    }
}
