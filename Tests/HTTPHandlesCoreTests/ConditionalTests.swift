import HTTPHandlesCore
import HTTPTypes
import Testing

@Suite("Validators and ranges")
struct ConditionalTests {
    @Test(arguments: [
        ("\"abc\"", "abc", false), ("W/\"abc\"", "abc", true), ("\"\"", "", false), ("\"ü!#~\\\"", "ü!#~\\", false),
    ])
    func `an entity tag`(text: String, value: String, isWeak: Bool) throws {
        let tag = try #require(EntityTag(text))
        #expect(tag.value == value)
        #expect(tag.isWeak == isWeak)
        #expect(tag.description == text)
    }

    @Test(arguments: [
        "", "\"", "abc", "w/\"a\"", "W/", "W/\"", "\"a\" ", "\"a\"b\"", "\"a b\"", "\"a\", \"b\"", "\"\u{7F}\"",
    ])
    func `malformed entity tags`(text: String) { #expect(EntityTag(text) == nil) }

    @Test func `a content range`() throws {
        let whole = try #require(ContentRange("bytes 0-99/1234"))
        #expect(whole.bytes == 0...99)
        #expect(whole.completeLength == 1234)
        #expect(ContentRange("BYTES 5-5/6")?.bytes == 5...5)
        let open = try #require(ContentRange("bytes 1-2/*"))
        #expect(open.bytes == 1...2)
        #expect(open.completeLength == nil)
        let none = try #require(ContentRange("bytes */0"))
        #expect(none.bytes == nil)
        #expect(none.completeLength == 0)
        let longest = try #require(ContentRange("bytes 0-9223372036854775806/9223372036854775807"))
        #expect(longest.bytes?.count == Int.max)
        #expect(ContentRange("bytes 5-9223372036854775806/*")?.bytes?.upperBound == UInt64(Int64.max) - 1)
        #expect(ContentRange("bytes 4294967295-4294967296/4294967297")?.bytes?.count == 2)
    }

    @Test(arguments: [
        "", "bytes", "bytes 0-1", "bytes 0-1/", "bytes 2-1/5", "bytes 0-5/5", "bytes */*", "bytes -1/5", "bytes 0-/5",
        "items 0-1/5", "bytes 0-1/5/6", "bytes 0-1-2/5", "bytes  0-1/5", "bytes +0-1/5",
        "bytes 0-99999999999999999999/*", "bytes 5-18446744073709551615/*", "bytes 5-18446744073709551614/*",
        "bytes 5-9223372036854775807/*", "bytes 5-9223372036854775808/*", "bytes 0-5/9223372036854775808",
        "bytes */18446744073709551616", "bytes 18446744073709551615-0/*", "bytes -5--4/*", "bytes 0-1/+5",
        "bytes 0x1-2/5", "bytes=0-1/5",
    ])
    func `malformed content ranges`(text: String) { #expect(ContentRange(text) == nil) }

    @Test func `conditions as fields`() throws {
        let strong = try #require(EntityTag("\"a\""))
        let weak = try #require(EntityTag("W/\"b\""))
        func text(_ fields: HTTPFields) -> [String] { fields.map(\.description) }
        #expect(text(.ifNoneMatch(strong, weak)) == ["If-None-Match: \"a\", W/\"b\""])
        #expect(text(.ifMatch(strong)) == ["If-Match: \"a\""])
        #expect(text(.ifModifiedSince("yesterday")) == ["If-Modified-Since: yesterday"])
        #expect(text(.ifUnmodifiedSince("yesterday")) == ["If-Unmodified-Since: yesterday"])
        #expect(text(.range(.bytes(0...9))) == ["Range: bytes=0-9"])
        #expect(text(.range(.last(5))) == ["Range: bytes=-5"])
        #expect(text(.range(.from(7), ifRange: strong)) == ["Range: bytes=7-", "If-Range: \"a\""])
    }

    @Test func `the steps of a download`() throws {
        let tag = EntityTag("\"a\"")
        let other = EntityTag("\"b\"")
        func step(_ status: Int, _ range: String? = nil, _ received: EntityTag? = nil, offset: UInt64 = 5)
            -> DownloadStep
        {
            DownloadStep(status: status, range.flatMap { ContentRange($0) }, received, offset: offset, tag: tag)
        }
        #expect(step(200, offset: 0) == .writeFromStart)
        #expect(step(200) == .writeFromStart)
        #expect(step(206, "bytes 5-9/10", tag) == .append)
        #expect(step(206, "bytes 5-9/10") == .append)
        #expect(step(206, "bytes 5-9/10", other) == .startOver)
        #expect(step(206, "bytes 4-9/10", tag) == .startOver)
        #expect(step(206, nil, tag) == .startOver)
        #expect(step(416, "bytes */5", tag) == .startOver)
        #expect(step(416, offset: 0) == .leave)
        #expect(step(404) == .leave)
        #expect(step(304) == .leave)
        guard case .refuse(let error) = step(206, "bytes 0-9/10", tag, offset: 0) else {
            Issue.record("a 206 without a requested range is accepted")
            return
        }
        #expect(error.code == .invalidServerResponse)
    }
}
