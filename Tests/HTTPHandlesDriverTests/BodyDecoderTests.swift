import HTTPHandlesCore
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

    /// Everything that comes out, and what is wrong with it.
    func decode(_ pieces: [[UInt8]], _ codings: [ContentCoding], upTo limit: Int = .max) throws -> (
        [UInt8], HandleError?
    ) {
        let decoder = try #require(BodyDecoder(codings, maximumRatio: 250))
        var decoded: [UInt8] = []
        do throws(HandleError) {
            for piece in pieces {
                decoder.push(piece)
                while true {
                    let part = try decoder.pull(upTo: limit)
                    if part.isEmpty { break }
                    decoded += part
                }
            }
        } catch {
            return (decoded, error)
        }
        return (decoded, decoder.end())
    }

    @Test(arguments: samples)
    func `a body is decoded wherever it is cut`(_ sample: Sample) throws {
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
    func `a body that ends too early is an error`(_ sample: Sample) throws {
        // The two members are whole by themselves.
        let ends = sample.coded == CodedText.gzipMembers ? [1, 40, 100] : Array(1..<sample.coded.count)
        for end in ends {
            let error = try decode([Array(sample.coded[..<end])], sample.codings).1
            #expect(error?.code == .invalidServerResponse, "cut at \(end)")
            #expect(error?.reason.hasSuffix("data are damaged: they end too early") == true)
        }
    }

    @Test(arguments: samples)
    func `more after the end is an error`(_ sample: Sample) throws {
        let (decoded, error) = try decode([sample.coded + Array("more".utf8)], sample.codings)
        #expect(error?.code == .invalidServerResponse)
        #expect(decoded == CodedText.plain || decoded.isEmpty)
    }

    @Test func `what is not gzip is an error`() throws {
        let error = try decode([Array("hello, this is not gzip".utf8)], [.gzip]).1
        #expect(
            error
                == HandleError(
                    .invalidServerResponse,
                    .readData,
                    reason: "the gzip data are damaged: incorrect header check"
                )
        )
    }

    @Test func `damage is found by the checksum`() throws {
        var damaged = CodedText.gzip
        damaged[damaged.count - 8] ^= 1
        let (decoded, error) = try decode([damaged], [.gzip])
        // What came out before that is delivered.
        #expect(decoded == CodedText.plain)
        #expect(
            error
                == HandleError(
                    .invalidServerResponse,
                    .readData,
                    reason: "the gzip data are damaged: incorrect data check"
                )
        )
    }

    @Test(arguments: [[ContentCoding.gzip], [.deflate]])
    func `nothing at all is an empty body`(_ codings: [ContentCoding]) throws {
        let (decoded, error) = try decode([], codings)
        #expect(decoded.isEmpty && error == nil)
    }

    @Test func `a body that decodes to very much more than its size is stopped early`() throws {
        let decoder = try #require(BodyDecoder([.gzip], maximumRatio: 250))
        var decoded = 0
        var failure: HandleError?
        do throws(HandleError) {
            // A gigabyte of zeros.
            for _ in 0..<1024 {
                decoder.push(CodedText.mebibyteOfZeros)
                while true {
                    let count = try decoder.pull(upTo: .max).count
                    if count == 0 { break }
                    #expect(count <= 128 * 1024)
                    decoded += count
                }
            }
        } catch {
            failure = error
        }
        let reason = "the body decodes to more than 250 times its size"
        #expect(failure == HandleError(.insufficientBuffer, .readData, reason: reason))
        #expect(decoded <= 17 * 1024 * 1024)
    }

    @Test func `codings that this build cannot undo, and too many of them, are left alone`() {
        #expect(BodyDecoder([], maximumRatio: nil) == nil)
        #expect(BodyDecoder(Array(repeating: .gzip, count: 6), maximumRatio: nil) == nil)
    }
}
