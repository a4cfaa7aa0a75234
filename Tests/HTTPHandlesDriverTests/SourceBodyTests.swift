import HTTPHandlesCore
import HTTPHandlesLock
import Testing

@testable import HTTPHandlesDriver

/// Bodies of the caller's code, as libcurl has them sent again.
@Suite("Bodies that are made")
struct SourceBodyTests {
    private final class Offsets: Sendable {
        let list = Lock<[Int64]>([])
    }

    /// The body "0123456789", and the offsets from which it was made.
    private func body(isSeekable: Bool, length: Int64?) -> (SourceBody, Offsets) {
        let offsets = Offsets()
        let body = SourceBody(length: length, isSeekable: isSeekable) { _, buffer, offset, _ in
            offsets.list.withLock { $0.append(offset) }
            _ = buffer.write(BodyBytes(Array("0123456789".utf8.dropFirst(Int(offset)))))
            _ = buffer.finish()
            return {}
        }
        body.start(BufferMarks()) {}
        return (body, offsets)
    }

    private func text(_ body: SourceBody) -> String {
        String(decoding: body.buffer?.takeAll().bytes ?? [], as: UTF8.self)
    }

    @Test(arguments: [10, nil] as [Int64?])
    func `a seekable one begins anywhere`(length: Int64?) {
        let (body, offsets) = body(isSeekable: true, length: length)
        #expect(text(body) == "0123456789")
        for offset in [3, 0, 9, 10] as [Int64] {
            #expect(body.restart(at: offset))
            #expect(text(body) == "0123456789".dropFirst(Int(offset)))
        }
        #expect(body.restart(at: 11) == (length == nil))
        #expect(offsets.list.withLock { $0.prefix(5) } == [0, 3, 0, 9, 10])
        body.stop()
        #expect(body.buffer == nil)
    }

    @Test func `others begin at their beginning only`() {
        let (body, offsets) = body(isSeekable: false, length: nil)
        #expect(!body.restart(at: 3))
        #expect(body.restart(at: 0))
        #expect(text(body) == "0123456789")
        #expect(offsets.list.withLock { $0 } == [0, 0])
    }
}
