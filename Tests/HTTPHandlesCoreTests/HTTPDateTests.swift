import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Dates of HTTP")
struct HTTPDateTests {
    static let now = HTTPDate(secondsSince1970: 1_796_000_000)  // 2026

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `the example of RFC 9110 in its three formats`(text: String) throws {
        let date = try #require(HTTPDate(text, now: Self.now))
        #expect(date.secondsSince1970 == 784_111_777)
        #expect(HTTPDate.Format.allCases.map { date.text($0) }.contains(text))
        #expect(date.description == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func `every format is parsed again`() {
        var seconds: Int64 = 0
        while seconds < 253_402_300_799 {
            let date = HTTPDate(secondsSince1970: seconds)
            #expect(HTTPDate(date.text(), now: Self.now) == date)
            #expect(HTTPDate(date.text(.asctime), now: Self.now) == date)
            #expect(HTTPDate(date.text(.rfc850), now: date) == date)
            seconds += 86_400 * 911 + 4_321
        }
    }

    @Test(arguments: [("76", 2076), ("77", 1977), ("26", 2026), ("99", 1999)])
    func `a year of two digits is at most 50 years after now`(digits: String, year: Int) {
        let date = HTTPDate("Sunday, 01-Jan-\(digits) 00:00:00 GMT", now: Self.now)
        #expect(date?.text().contains(" Jan \(year) ") == true)
    }

    @Test func `a leap second is the second before it`() {
        #expect(HTTPDate("Sat, 31 Dec 2016 23:59:60 GMT", now: Self.now)?.text() == "Sat, 31 Dec 2016 23:59:59 GMT")
    }

    @Test(arguments: [
        "", "Sun", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Feb 2024 00:00:00 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 nov 1994 08:49:37 gmt", "Sun Nov 6 08:49:37 1994",
        "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 +8:49:37 GMT",
    ])
    func `other texts are no dates`(text: String) {
        #expect(HTTPDate(text, now: Self.now) == nil)
    }

    @Test func `dates outside of the range are the next one in it`() {
        #expect(HTTPDate(secondsSince1970: .min).text() == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate(secondsSince1970: .max).text() == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate(secondsSince1970: 1) < HTTPDate(secondsSince1970: 2))
    }
}

@Suite("Header values")
struct HeaderValueTests {
    static let now = HTTPDate(secondsSince1970: 784_111_700)

    @Test(
        arguments: [
            ("120", Duration.seconds(120)), ("0", .zero), ("99999999999999999999", .seconds(Int64.max)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", .seconds(77)), ("Sun, 06 Nov 1993 08:49:37 GMT", .zero), ("-1", nil),
            ("soon", nil), ("", nil), ("1.5", nil),
        ] as [(String, Duration?)]
    )
    func `Retry-After`(text: String, delay: Duration?) {
        #expect(RetryAfterValue(text, now: Self.now)?.delay(at: Self.now) == delay)
    }

    @Test(
        arguments: [
            ("text/html", "text/html", [:]),
            ("Text/HTML; Charset=\"utf-8\";a=b; a=c", "text/html", ["charset": "utf-8", "a": "b"]),
            ("application/json;", "application/json", [:]), ("html", nil, [:]), ("", nil, [:]), ("text/", nil, [:]),
            ("a/b/c", nil, [:]),
        ] as [(String, String?, [String: String])]
    )
    func `Content-Type`(text: String, mediaType: String?, parameters: [String: String]) {
        let type = ContentType(text)
        #expect(type?.mediaType == mediaType)
        #expect(type?.parameters ?? [:] == parameters)
        #expect(type?.charset == parameters["charset"])
    }

    @Test(
        arguments: [
            ("inline", nil), ("attachment; filename=a.txt", "a.txt"), ("attachment; filename=\"a b.txt\"", "a b.txt"),
            ("attachment; filename=\"../../etc/passwd\"", "passwd"),
            ("attachment; filename=\"C:\\\\x\\\\y.txt\"", "y.txt"),
            ("attachment; filename=\"/\"", nil), ("attachment; filename=\"..\"", nil),
            ("attachment; filename=\".bashrc\"", nil),
            ("attachment; filename=\"\"", nil), ("attachment; filename=\" a \"", "a"),
            ("attachment; filename=\"a\u{1}b\u{0}\"", "ab"),
            ("attachment; filename=a; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
            ("attachment; filename*=iso-8859-1'en'%A3", "£"), ("attachment; filename*=utf-8''%2e%2e%2fx", "x"),
            ("attachment; filename*=koi8-r''%A3; filename=b", "b"),
            ("attachment; filename*=UTF-8''%ff; filename=b", "b"),
            ("attachment; x=\"filename=no\"; filename=\"yes\"", "yes"), ("attachment;;;filename=a", "a"),
        ] as [(String, String?)]
    )
    func `the file name of Content-Disposition is safe`(text: String, filename: String?) {
        let disposition = ContentDisposition(text)
        #expect(disposition != nil)
        #expect(disposition?.filename == filename)
    }

    @Test func `a file name is not longer than file systems allow`() {
        let long = String(repeating: "a", count: 256)
        #expect(ContentDisposition("attachment; filename=\(long)")?.filename == nil)
        #expect(ContentDisposition("attachment; filename=\(long)")?.rawFilename == long)
        #expect(ContentDisposition("\"x\"") == nil)
    }

    @Test func `Link`() {
        let value = "<https://h/?page=2&a=,;>; rel=\"next Prefetch\"; title=\"a, b\", </b>;rel=prev;x, <c> ; rel=self"
        let links = WebLink.all(in: value)
        #expect(links.map(\.target) == ["https://h/?page=2&a=,;", "/b", "c"])
        #expect(links.map(\.relations) == [["next", "prefetch"], ["prev"], ["self"]])
        #expect(links.map { $0.parameters["title"] } == ["a, b", nil, nil])
        #expect(links[1].parameters["x"] == "")
        let name = HTTPField.Name("Link")
        let fields = HTTPFields(
            ["<a>", "<b>; rel=x"].compactMap { value in name.map { HTTPField(name: $0, value: value) } }
        )
        #expect(WebLink.all(in: fields).map(\.target) == ["a", "b"])
        for malformed in ["", "a", "<a", "<a>;=;;\"", "<a>; rel=\"", ",,,", "<>", ">"] {
            _ = WebLink.all(in: malformed)
        }
        #expect(WebLink.all(in: "<a>; rel=x, broken, <b>").map(\.target) == ["a"])
    }
}
