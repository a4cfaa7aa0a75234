#if NIO
import HTTPHandlesCore
import Testing

@testable import HTTPHandlesDriver

/// Reads into memory of another type than an array, alone and between reads of other kinds.
@Suite("Download buffer, into memory of another type")
struct BodySinkTests {
    /// Notes how its bytes came.
    private struct Sink: BodySink {
        private(set) var array: [UInt8] = []
        private(set) var reserved: [Int] = []

        var count: Int { array.count }

        mutating func reserve(_ count: Int) { reserved.append(count) }
        mutating func append(_ bytes: some Collection<UInt8>) { array += bytes }
    }

    private let buffer = DownloadBuffer()
    private let tests = DownloadBufferTests()

    private func take() -> String { tests.describe(buffer.take(.sink(Sink()), reporting: false)) }

    @Test func `bytes of before the first read and of later`() {
        buffer.open(nil)
        #expect(buffer.append([1, 2]))
        #expect(take() == "sink [1, 2]")
        #expect(take() == "wait")
        #expect(buffer.append([3]) && buffer.append([4]))
        #expect(take() == "sink [3, 4]")
        #expect(buffer.append([5]))
        buffer.end(nil)
        #expect(take() == "sink [5]")
        #expect(take() == "end")
    }

    @Test func `a read that waits gets what comes, and reports it`() throws {
        buffer.open(nil)
        #expect(tests.describe(buffer.take(.sink(Sink()), reporting: true) { _ in }) == "wait")
        #expect(buffer.takeWaiter()?.mustResume == nil)
        #expect(buffer.append([1, 2, 3]))
        let delivery = try #require(buffer.takeWaiter())
        #expect(tests.describe(.now(delivery.outcome, mustResume: delivery.mustResume)) == "sink [1, 2, 3]")
        #expect(buffer.takeReports().count == 1)
    }

    @Test func `reads of other kinds get what has arrived for this one`() {
        buffer.open(nil)
        #expect(take() == "wait")
        #expect(buffer.append([1, 2, 3, 4, 5, 6]))
        #expect(tests.describe(buffer.take(.count, reporting: false)) == "available 6")
        #expect(tests.describe(buffer.take(.bytes(upTo: 2), reporting: false)) == "2")
        #expect(take() == "sink [3, 4, 5, 6]")
        #expect(buffer.append([7, 8, 9]))
        var bytes: [UInt8] = []
        #expect(buffer.append(to: &bytes, upTo: 1, reporting: false)?.count == 1)
        #expect(take() == "sink [8, 9]")
        #expect(buffer.append([10]))
        var memory: [UInt8] = [0, 0]
        var span = memory.mutableSpan
        #expect(buffer.copy(to: &span, reporting: false)?.count == 1)
        #expect(bytes == [7])
        #expect(memory == [10, 0])
        #expect(take() == "wait")
    }

    @Test func `a full one pauses, and its read resumes`() {
        buffer.open(nil)
        #expect(take() == "wait")
        let marks = BufferMarks()
        #expect(buffer.append([UInt8](repeating: 1, count: marks.high)))
        #expect(!buffer.append([2]))
        #expect(take().hasSuffix("resume"))
        #expect(buffer.append([2]))
        #expect(take() == "sink [2]")
    }

    @Test func `memory is reserved for what was announced, within limits`() {
        buffer.expect(10)
        buffer.open(nil)
        #expect(take() == "wait")
        #expect(buffer.append([1, 2, 3]))
        guard case .now(.sink(let first), _) = buffer.take(.sink(Sink()), reporting: false) else { return }
        #expect((first as? Sink)?.reserved == [10])
        #expect(buffer.append([4]))
        guard case .now(.sink(let second), _) = buffer.take(.sink(Sink()), reporting: false) else { return }
        #expect((second as? Sink)?.reserved == [7])
    }

    @Test func `closing drops what is there`() {
        buffer.open(nil)
        #expect(take() == "wait")
        #expect(buffer.append([1]))
        #expect(buffer.close()?.mustResume == nil)
        #expect(take() == "invalidHandle")
    }
}
#endif
