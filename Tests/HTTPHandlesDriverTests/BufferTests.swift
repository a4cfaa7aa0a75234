import HTTPHandlesCore
import HTTPHandlesLock
import Testing

@testable import HTTPHandlesDriver

extension DownloadBuffer {
    /// Passes a piece to the buffer, like libcurl.
    func append(_ piece: [UInt8]) -> Bool {
        unsafe piece.withUnsafeBytes { unsafe append($0) }
    }
}

extension UploadBuffer {
    /// Takes up to `count` bytes, like libcurl. Returns them, and the lengths of the pieces that are completed.
    func supply(_ count: Int) -> (supply: String, bytes: [UInt8], pieces: [Int]) {
        var target = [UInt8](repeating: 0, count: count)
        var pieces: [Int] = []
        let supply = unsafe target.withUnsafeMutableBytes { unsafe self.supply($0) { pieces.append($0) } }
        if case .bytes(let taken) = supply { return ("bytes", Array(target[..<taken]), pieces) }
        return ("\(supply)", [], pieces)
    }
}

@Suite("Download buffer")
struct DownloadBufferTests {
    static let full = [UInt8](repeating: 1, count: BufferMarks().high)

    func describe(_ attempt: DownloadBuffer.Attempt) -> String {
        switch attempt {
        case .mustWait: "wait"
        case .now(.bytes(let bytes), let resume): "\(bytes.count)\(resume ? " resume" : "")"
        #if NIO
        case .now(.sink(let sink), let resume): "sink \(sink.array)\(resume ? " resume" : "")"
        #endif
        case .now(.available(let count), _): "available \(count)"
        case .now(.decode, _): "decode"
        case .now(.end, _): "end"
        case .now(.failed(let error), _): "\(error.code)"
        }
    }

    func take(_ buffer: DownloadBuffer, upTo limit: Int = .max) -> String {
        describe(buffer.take(.bytes(upTo: limit), reporting: false))
    }

    @Test func `a close while a piece is being decoded comes before the read`() throws {
        let buffer = DownloadBuffer()
        let decoder = try #require(BodyDecoder([.gzip], maximumRatio: nil))
        buffer.open(decoder)
        #expect(buffer.append(CodedText.gzip))
        #expect(take(buffer) == "decode")
        #expect(buffer.decoded(.read(bytes: 3), of: .bytes(upTo: 3), by: decoder, reporting: true) == nil)
        #expect(buffer.takeReports().count == 1)
        _ = buffer.close()
        // There is no listener any more.
        let error = buffer.decoded(.read(bytes: 4), of: .bytes(upTo: 4), by: decoder, reporting: true)
        #expect(error?.code == .invalidHandle)
        #expect(buffer.takeReports().isEmpty)
    }

    /// Otherwise the events of the next exchange would show a read before its response.
    @Test(arguments: [false, true])
    func `a request that is sent again while a piece is being decoded comes before the read`(isCoded: Bool) throws {
        let buffer = DownloadBuffer()
        let decoder = try #require(BodyDecoder([.gzip], maximumRatio: nil))
        buffer.open(decoder)
        #expect(buffer.append(CodedText.gzip))
        #expect(take(buffer) == "decode")
        _ = buffer.reset()
        if isCoded { buffer.open(BodyDecoder([.gzip], maximumRatio: nil)) }
        let error = buffer.decoded(.available(bytes: 4), of: .count, by: decoder, reporting: true)
        #expect(error == .wrongState(.queryDataAvailable, "the request was sent again"))
        #expect(buffer.takeReports().isEmpty)
    }

    @Test func `nothing can be read before the response`() {
        let buffer = DownloadBuffer()
        #expect(buffer.append([1]))
        #expect(take(buffer) == "incorrectHandleState")
        buffer.open(nil)
        #expect(take(buffer) == "1")
    }

    @Test func `a read takes all available bytes, up to its limit`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        _ = buffer.append([1, 2, 3])
        _ = buffer.append([4, 5])
        #expect(take(buffer, upTo: 2) == "2")
        #expect(take(buffer) == "3")
        #expect(take(buffer) == "wait")
        buffer.end(nil)
        #expect(take(buffer) == "end")
        #expect(take(buffer) == "end")
    }

    @Test func `libcurl is paused when the buffer is full, and resumed once when it is empty`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        #expect(buffer.append(Self.full))
        #expect(!buffer.append([1]))
        #expect(take(buffer, upTo: BufferMarks().high / 2) == "\(BufferMarks().high / 2)")
        #expect(take(buffer) == "\(BufferMarks().high / 2) resume")
        #expect(buffer.append([1]))
        #expect(take(buffer) == "1")
    }

    @Test func `bytes before a failure can be read`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        _ = buffer.append([1])
        buffer.end(HandleError(.connectionError, .readData, reason: "r"))
        #expect(take(buffer) == "1")
        #expect(take(buffer) == "connectionError")
    }

    @Test func `a new exchange keeps reports and waiting readers`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        _ = buffer.append([1, 2])
        _ = buffer.take(.bytes(upTo: .max), reporting: true)
        let result = Result()
        _ = buffer.take(.count, reporting: true) { result.set($0) }
        let left = buffer.reset()
        #expect(left.reports.count == 1)
        left.waiter?.resume(left.waiter?.outcome ?? .end)
        #expect(result.text == "incorrectHandleState")
        #expect(take(buffer) == "incorrectHandleState")
        #expect(buffer.reset().waiter.map(\.mustResume) == nil)
    }

    @Test func `closing discards everything and fails waiting readers`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        let result = Result()
        _ = buffer.take(.bytes(upTo: .max), reporting: true) { result.set($0) }
        let delivery = buffer.close()
        delivery?.resume(delivery?.outcome ?? .end)
        #expect(result.text == "operationCancelled")
        #expect(take(buffer) == "invalidHandle")
        #expect(buffer.takeReports().count == 1)
    }

    final class Result: Sendable {
        private let value = Lock("")
        var text: String { value.withLock { $0 } }
        func set(_ outcome: DownloadBuffer.Outcome) {
            value.withLock {
                switch outcome {
                case .bytes(let bytes): $0 = "\(bytes.count)"
                #if NIO
                case .sink(let sink): $0 = "sink \(sink.count)"
                #endif
                case .available(let count): $0 = "available \(count)"
                case .decode: $0 = "decode"
                case .end: $0 = "end"
                case .failed(let error): $0 = "\(error.code)"
                }
            }
        }
    }

    @Test func `one reader at a time`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        _ = buffer.take(.bytes(upTo: .max), reporting: false) { _ in }
        #expect(buffer.hasReader)
        #expect(describe(buffer.take(.bytes(upTo: .max), reporting: false) { _ in }) == "incorrectHandleState")
    }

    @Test func `reports come in the order of the reads`() {
        let buffer = DownloadBuffer()
        buffer.open(nil)
        _ = buffer.append([1, 2])
        _ = buffer.take(.bytes(upTo: 1), reporting: true)
        _ = buffer.take(.bytes(upTo: 1), reporting: false)
        buffer.end(nil)
        _ = buffer.take(.bytes(upTo: 1), reporting: true)
        let bytes = buffer.takeReports().map { report in
            if case .read(let bytes) = report { bytes } else { -1 }
        }
        #expect(bytes == [1, 0])
        #expect(buffer.takeReports().isEmpty)
    }
}

@Suite("Upload buffer")
struct UploadBufferTests {
    func describe(_ attempt: UploadBuffer.Attempt) -> String {
        switch attempt {
        case .mustWait: "wait"
        case .now(.accepted, let resume): resume ? "accepted resume" : "accepted"
        case .now(.unwanted, _): "unwanted"
        case .now(.failed(let error), _): "\(error.code): \(error.reason)"
        }
    }

    @Test func `pieces are sent in order, and each is reported when libcurl has consumed it`() {
        let buffer = UploadBuffer()
        buffer.open(length: nil)
        #expect(buffer.supply(10) == ("nothingYet", [], []))
        #expect(describe(buffer.write(BodyBytes([1, 2, 3]))) == "accepted resume")
        #expect(describe(buffer.write(BodyBytes([4]))) == "accepted")
        #expect(buffer.supply(2) == ("bytes", [1, 2], []))
        #expect(buffer.supply(10) == ("bytes", [3, 4], [3, 1]))
        #expect(describe(buffer.finish()) == "accepted")
        #expect(buffer.supply(10) == ("end", [], []))
    }

    @Test func `the producer waits for space`() {
        let buffer = UploadBuffer()
        buffer.open(length: nil)
        _ = buffer.write(BodyBytes([UInt8](repeating: 0, count: BufferMarks().high)))
        #expect(describe(buffer.write(BodyBytes([1]))) == "wait")
        #expect(describe(buffer.write(BodyBytes([1])) { _ in }) == "wait")
        #expect(buffer.takeWaiter().map(\.mustResume) == nil)
        _ = buffer.supply(BufferMarks().high)
        guard case .accepted? = buffer.takeWaiter()?.outcome else {
            Issue.record("the waiting piece was not accepted")
            return
        }
        #expect(buffer.supply(10) == ("bytes", [1], [1]))
    }

    @Test func `the announced length is enforced`() {
        let buffer = UploadBuffer()
        buffer.open(length: 3)
        #expect(describe(buffer.write(BodyBytes([1, 2]))) == "accepted")
        #expect(
            describe(buffer.write(BodyBytes([1, 2]))) == "invalidParameter: 1 bytes more than the length announced"
        )
        #expect(describe(buffer.finish()) == "invalidParameter: 1 bytes fewer than the length announced")
        #expect(describe(buffer.write(BodyBytes([3]))) == "accepted")
        #expect(describe(buffer.finish()) == "accepted")
        #expect(describe(buffer.write(BodyBytes([4]))) == "incorrectHandleState: the request body is complete")
    }

    @Test func `bytes that the server does not need are dropped`() {
        let buffer = UploadBuffer()
        buffer.open(length: nil)
        _ = buffer.write(BodyBytes([1]))
        buffer.end(nil)
        #expect(describe(buffer.write(BodyBytes([2]))) == "unwanted")
        #expect(buffer.supply(10) == ("end", [], []))
    }

    private func reported(_ delivery: UploadBuffer.Delivery?) -> HandleError? {
        guard case .failed(let error)? = delivery?.outcome else { return nil }
        return error
    }

    @Test func `a producer that does not wait at the moment is told of too, once`() {
        let closed = UploadBuffer()
        closed.open(length: nil)
        closed.beginProducing()
        #expect(reported(closed.close()) == .cancelled(.writeData))
        #expect(reported(closed.close()) == nil)
        let complete = UploadBuffer()
        complete.open(length: nil)
        complete.beginProducing()
        _ = complete.finish()
        #expect(reported(complete.close()) == nil)
    }

    @Test func `the failure of the producer is the reason of the close that it causes`() {
        let buffer = UploadBuffer()
        let failure = HandleError(.requestBodyFailed, .writeData, reason: "a")
        buffer.open(length: nil)
        buffer.beginProducing()
        #expect(buffer.fail(failure))
        // An early response is too late.
        buffer.end(nil)
        #expect(reported(buffer.takeWaiter()) == nil)
        #expect(reported(buffer.close()) == failure)
        #expect(!buffer.fail(failure))
    }

    @Test func `before, after a failure, and after closing`() {
        let buffer = UploadBuffer()
        #expect(
            describe(buffer.write(BodyBytes([1]))) == "incorrectHandleState: no request with a streamed body was sent"
        )
        buffer.open(length: nil)
        buffer.end(HandleError(.connectionError, .writeData, reason: "lost"))
        #expect(describe(buffer.write(BodyBytes([1]))) == "connectionError: lost")
        #expect(buffer.supply(10) == ("abort", [], []))
        #expect(buffer.close().map(\.mustResume) == nil)
        #expect(describe(buffer.write(BodyBytes([1]))) == "invalidHandle: the handle is closed")
    }
}
