import HTTPHandlesCore
import HTTPHandlesLock
import Testing

@testable import HTTPHandlesDriver

@Suite("Body decoder")
struct BodyDecoderTests {
    struct Sample: CustomTestStringConvertible {
        let testDescription: String
        let codings: [ContentCoding]
        let coded: [UInt8]
    }

    static let samples = [
        Sample(testDescription: "gzip", codings: [.gzip], coded: CodedText.gzip),
        Sample(testDescription: "gzip in two members", codings: [.gzip], coded: CodedText.gzipMembers),
        Sample(testDescription: "deflate as zlib", codings: [.deflate], coded: CodedText.zlib),
        Sample(testDescription: "bare deflate", codings: [.deflate], coded: CodedText.bareDeflate),
        Sample(testDescription: "brotli", codings: [.brotli], coded: CodedText.brotli),
        Sample(testDescription: "zstd", codings: [.zstd], coded: CodedText.zstd),
        Sample(testDescription: "deflate, then gzip", codings: [.deflate, .gzip], coded: CodedText.deflateGzip),
    ].filter { Set($0.codings).isSubset(of: ContentCoding.decodable) }

    /// The whole output and the error.
    func decode(_ pieces: [[UInt8]], _ codings: [ContentCoding], upTo limit: Int = .max) throws -> (
        [UInt8], HandleError?
    ) {
        let decoder = try #require(BodyDecoder(codings, maximumRatio: 250))
        var decoded: [UInt8] = []
        do throws(HandleError) {
            for piece in pieces {
                decoder.push(piece)
                while decoder.mayHaveOutput { decoded += try decoder.pull(upTo: limit) }
            }
        } catch {
            return (decoded, error)
        }
        return (decoded, decoder.end())
    }

    @Test(arguments: samples)
    func `a body is decoded for any split into pieces`(_ sample: Sample) throws {
        for cut in 0...sample.coded.count {
            let (decoded, error) = try decode(
                [Array(sample.coded[..<cut]), Array(sample.coded[cut...])],
                sample.codings
            )
            #expect(decoded == CodedText.plain && error == nil, "cut at \(cut)")
        }
        #expect(try decode(sample.coded.map { [$0] }, sample.codings).0 == CodedText.plain)
        #expect(try decode([sample.coded], sample.codings, upTo: 7).0 == CodedText.plain)
    }

    @Test(arguments: samples)
    func `a truncated body is an error`(_ sample: Sample) throws {
        // Each of the two members is complete.
        let ends = sample.coded == CodedText.gzipMembers ? [1, 40, 100] : Array(1..<sample.coded.count)
        for end in ends {
            let error = try decode([Array(sample.coded[..<end])], sample.codings).1
            #expect(error?.code == .invalidServerResponse, "cut at \(end)")
            #expect(error?.reason.hasSuffix("data are malformed: they are truncated") == true)
        }
    }

    /// Bytes after a body that do not begin another member.
    static let endings: [[UInt8]] = [
        [0], [UInt8](repeating: 0, count: 600), Array("more".utf8), [0x1F], [0x1F, 0x1F, 0x8B], [0x8B], [0, 0x8B, 8],
        [0x0A],
    ]

    @Test(arguments: samples, endings)
    func `other bytes after the end are ignored`(_ sample: Sample, _ ending: [UInt8]) throws {
        for pieces in [[sample.coded + ending], [sample.coded, ending], (sample.coded + ending).map { [$0] }] {
            let (decoded, error) = try decode(pieces, sample.codings)
            #expect(decoded == CodedText.plain)
            // zstd has skippable frames for that.
            #expect(error?.code == (sample.codings == [.zstd] ? .invalidServerResponse : nil))
        }
    }

    @Test func `a malformed second gzip member is an error`() throws {
        let second = Array(CodedText.gzip[2...])
        for (member, reason) in [
            ([0x1F, 0x8B, 7] + second.dropFirst(), "unknown compression method"), ([0x1F, 0x8B], "they are truncated"),
            ([0x1F, 0x8B] + second.dropLast(), "they are truncated"),
            ([0x1F, 0x8B] + second.dropLast(8) + [UInt8](repeating: 0, count: 8), "incorrect data check"),
        ] {
            for pieces in [[CodedText.gzip + member], (CodedText.gzip + member).map { [$0] }] {
                let (decoded, error) = try decode(pieces, [.gzip])
                #expect(decoded.starts(with: CodedText.plain))
                let text = "the gzip data are malformed: \(reason)"
                #expect(error == HandleError(.invalidServerResponse, .readData, reason: text))
            }
        }
    }

    @Test func `the error of one layer comes after the decoded bytes before it`() throws {
        var damaged = CodedText.deflateGzip
        damaged[damaged.count - 8] ^= 1
        let (decoded, error) = try decode([damaged], [.deflate, .gzip])
        #expect(decoded == CodedText.plain)
        #expect(error?.reason == "the gzip data are malformed: incorrect data check")
    }

    @Test func `what is not gzip is an error`() throws {
        let error = try decode([Array("hello, this is not gzip".utf8)], [.gzip]).1
        #expect(
            error
                == HandleError(
                    .invalidServerResponse,
                    .readData,
                    reason: "the gzip data are malformed: incorrect header check"
                )
        )
    }

    @Test func `the checksum is verified`() throws {
        var damaged = CodedText.gzip
        damaged[damaged.count - 8] ^= 1
        let (decoded, error) = try decode([damaged], [.gzip])
        // The output before that is delivered.
        #expect(decoded == CodedText.plain)
        #expect(
            error
                == HandleError(
                    .invalidServerResponse,
                    .readData,
                    reason: "the gzip data are malformed: incorrect data check"
                )
        )
    }

    @Test(arguments: [[ContentCoding.gzip], [.deflate]])
    func `an empty input is an empty body`(_ codings: [ContentCoding]) throws {
        let (decoded, error) = try decode([], codings)
        #expect(decoded.isEmpty && error == nil)
    }

    @Test func `a decompression bomb is stopped early`() throws {
        let decoder = try #require(BodyDecoder([.gzip], maximumRatio: 250))
        var decoded = 0
        var failure: HandleError?
        do throws(HandleError) {
            // A gigabyte of zeros.
            for _ in 0..<1024 {
                decoder.push(CodedText.mebibyteOfZeros)
                while decoder.mayHaveOutput {
                    let count = try decoder.pull(upTo: .max).count
                    #expect(count <= 128 * 1024)
                    decoded += count
                }
            }
        } catch {
            failure = error
        }
        let reason = "the body decodes to more than 250 times its size, which is the maximumDecodingRatio"
        #expect(failure == HandleError(.insufficientBuffer, .readData, reason: reason))
        #expect(decoded <= 17 * 1024 * 1024)
    }

    /// The number of steps, and the error, of bodies of 1,575 bytes that take a mebibyte of work and have no output.
    func steps(_ decoder: BodyDecoder, of bodies: Int, afterEach action: () -> Void = {}) -> (count: Int, HandleError?)
    {
        var steps = 0
        do throws(HandleError) {
            for _ in 0..<bodies {
                decoder.push(CodedText.emptyMebibyte)
                while decoder.mayHaveOutput {
                    steps += 1
                    let count = try decoder.pull(upTo: .max).count
                    #expect(count == 0)
                    action()
                }
            }
        } catch {
            return (steps, error)
        }
        return (steps, decoder.end())
    }

    @Test(arguments: [1, 250, nil])
    func `the output of every layer counts for the ratio`(_ ratio: Int?) throws {
        let decoder = try #require(BodyDecoder([.gzip, .gzip], maximumRatio: ratio))
        let (count, error) = steps(decoder, of: 40)
        let piecesOfMebibyte = 8
        guard let ratio else {
            // No step decodes more than a piece.
            #expect(error == nil)
            #expect(count >= 40 * piecesOfMebibyte)
            return
        }
        let reason = "the body decodes to more than \(ratio) times its size, which is the maximumDecodingRatio"
        #expect(error == HandleError(.insufficientBuffer, .readData, reason: reason))
        // For each piece a step of the outer and one of the inner layer; the end of a member is a separate piece.
        #expect(count <= 17 * (piecesOfMebibyte + 1) * 2)
    }

    @Test(arguments: [TimeoutPhase.receive, .total])
    func `a time limit ends decoding without output`(_ phase: TimeoutPhase) throws {
        let time = Lock(MonotonicTime(nanoseconds: 0))
        var limits = TimeoutLimits()
        if phase == .receive { limits.receive = .seconds(30) } else { limits.total = .seconds(30) }
        let decoder = try #require(
            BodyDecoder([.gzip, .gzip], maximumRatio: nil, limits: limits) { time.withLock { $0 } }
        )
        let (count, error) = steps(decoder, of: 1) { time.withLock { $0 = $0 + .seconds(10) } }
        let expected = HandleError.timeout(phase, after: .seconds(30), .readData)
        #expect(count == 4)
        #expect(error == expected)
        // The error is permanent.
        #expect(throws: expected) { try decoder.available() }
    }

    @Test func `time limits do not apply to decoding with output, or to a late read`() throws {
        let time = Lock(MonotonicTime(nanoseconds: 0))
        let limits = TimeoutLimits(receive: .seconds(30), total: .seconds(100))
        let decoder = try #require(
            BodyDecoder([.deflate, .gzip], maximumRatio: nil, limits: limits) { time.withLock { $0 } }
        )
        time.withLock { $0 = .init(nanoseconds: 1_000_000_000_000) }
        var decoded: [UInt8] = []
        for byte in CodedText.deflateGzip {
            decoder.push([byte])
            while decoder.mayHaveOutput { decoded += try decoder.pull(upTo: 7) }
            // The network has its own limits.
            time.withLock { $0 = $0 + .seconds(1) }
        }
        #expect(decoded == CodedText.plain)
    }

    @Test func `no codings need no decoder, and more than two are an error`() throws {
        #expect(BodyDecoder([], maximumRatio: nil) == nil)
        let decoder = try #require(BodyDecoder(Array(repeating: .gzip, count: 3), maximumRatio: nil))
        let reason = "the body must have at most 2 content codings, but has 3"
        let error = HandleError(.invalidServerResponse, .readData, reason: reason)
        #expect(decoder.mayHaveOutput)
        decoder.push([1])
        #expect(throws: error) { try decoder.pull(upTo: .max) }
        #expect(throws: error) { try decoder.available() }
        #expect(decoder.end() == error)
    }
}
