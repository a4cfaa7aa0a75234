import HTTPHandlesCore
import HTTPHandlesTimeline
import HTTPTypes
import Testing

@Suite("Reports")
struct ReportPageTests {
    /// A page with a hostile text wherever one can come from a server or a caller.
    private static func page(_ text: String) -> String {
        let script = TimelineScript.redirected
        let timeline = Timeline(script.events)
        let field = HARDocument.Pair(name: "x-a", value: text)
        let content = HARDocument.Content(size: 5, type: text, comment: text)
        let status = HTTPResponse.Status(code: 200, reasonPhrase: text)
        var response = HARDocument.Response(status, [field], content)
        response.comment = text
        let request = HARDocument.Request(.get, "http://h/\(text)", [field])
        let entry = HARDocument.Entry(startedAt: "2026-11-30T00:00:00Z", request, response, .init(timeline.attempts))
        let events = script.events.map { ReportPage.Event($0, at: .zero) }
        return ReportPage(timeline, [entry], events, date: "2026-11-30T00:00:00Z").html
    }

    @Test func `everything from outside is escaped`() {
        let page = Self.page("</code></style></title><script>x</script>\"'&\u{0}\u{1B}\u{202E}")
        let shown =
            "&lt;/code&gt;&lt;/style&gt;&lt;/title&gt;&lt;script&gt;x&lt;/script&gt;&quot;&#39;&amp;\\u{0}\\u{1b}\\u{202e}"
        #expect(page.components(of: shown) == 5)
        #expect(
            !page.contains("<script") && page.components(of: "</style>") == 1
                && page.components(of: "</title>") == 1 + 12
        )
        #expect(!page.contains("s3cret"))
    }

    @Test func `bars are places in thousandths`() {
        let page = Self.page("")
        #expect(
            page.contains(
                #"<rect class="p-queue" x="0" width="81" y="2" height="12"><title>queue: 5.000 ms</title></rect>"#
            )
        )
        #expect(
            page.contains(
                #"<rect class="p-secure" x="163" width="164" y="2" height="12"><title>TLS: 10.000 ms</title></rect>"#
            )
        )
        #expect(
            page.contains(
                #"<rect class="c-reused" x="688" width="312" y="2" height="12"><title>attempt 2: 19.000 ms</title></rect>"#
            )
        )
        #expect(page.contains("2026-11-30T00:00:00Z · 2 attempts over 1 connection, 1 on a reused one · 61.000 ms"))
    }

    @Test func `nothing happened`() {
        let page = ReportPage(Timeline(), [], [], date: "2026-11-30T00:00:00Z").html
        #expect(page.contains("2026-11-30T00:00:00Z · 0 attempts over 0 connections, 0 on a reused one · 0.000 ms"))
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
