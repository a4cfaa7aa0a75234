import HTTPHandlesCore
import HTTPHandlesTimeline
import HTTPTypes
import Testing

@Suite("Waterfalls")
struct WaterfallTests {
    @Test func `phases are bars on one axis`() {
        let waterfall = Waterfall(Timeline(TimelineScript.redirected.events), on: Screen(columns: 60))
        #expect(
            waterfall.lines == [
                "1  GET http://h:8080/first?key=(redacted)",
                "   status 302, new connection #7 to 127.0.0.1:8080, redirected",
                "   queue             5.000 ms |==                         |",
                "   name              3.000 ms |  ==                       |",
                "   connect           2.000 ms |   =                       |",
                "   TLS              10.000 ms |    =====                  |",
                "   request sent      1.000 ms |        =                  |",
                "   waiting          19.000 ms |         =========         |",
                "   receiving         1.000 ms |                 =         |",
                "2  -> http://h:8080/second",
                "   status 200, reused connection #7",
                "   request sent      1.000 ms |                   =       |",
                "   waiting           7.000 ms |                   ====    |",
                "   receiving         9.000 ms |                       ====|",
                "   total            61.000 ms",
            ]
        )
    }

    @Test func `a terminal with UTF-8 gets blocks`() {
        var script = TimelineScript()
        script.create()
        script.exchange(0, 200, on: 1)
        let lines = Waterfall(Timeline(script.events), on: Screen(columns: 40, isUnicode: true)).lines
        #expect(
            lines == [
                "1  GET http://h:8080/first?key=(redacted)",
                "   status 200, new connection #1 to 127.0.0.1:8080, closed before its end",
                "   connect           2.000 ms │█      │", "   request sent      1.000 ms │ █     │",
                "   waiting           7.000 ms │  █████│", "   receiving         0.000 ms │      █│",
                "   total            10.000 ms",
            ]
        )
    }

    @Test(arguments: [
        ("tab\tline\nend", "tab\tline\nend"), ("\u{1B}[2J\u{7}", "\\u{1b}[2J\\u{7}"), ("a\u{9B}31m", "a\\u{9b}31m"),
        ("\u{202E}abc\u{200B}", "\\u{202e}abc\\u{200b}"), ("Größe", "Größe"), ("\r\u{7F}", "\\u{d}\\u{7f}"),
    ])
    func `what a terminal acts on is escaped`(_ text: String, _ shown: String) {
        #expect(TerminalText.escaped(text) == shown)
        #expect(TerminalText.ascii(text).utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test(
        arguments: [
            (["LANG": "de_DE.UTF-8"], true), (["LANG": "C.utf8"], true),
            (["LC_ALL": "C", "LANG": "de_DE.UTF-8"], false),
            (["LC_ALL": "", "LC_CTYPE": "UTF-8"], true), ([:], false), (["LANG": "de_DE.ISO-8859-1"], false),
        ] as [([String: String], Bool)]
    )
    func `UTF-8 is known by the locale`(_ environment: [String: String], _ isUnicode: Bool) {
        #expect(Screen.isUnicode(environment) == isUnicode)
    }

    @Test func `sizes are limited`() {
        #expect(Screen(columns: 0, rows: -1) == Screen(columns: 40, rows: 10))
        #expect(Screen(columns: .max, rows: .max) == Screen(columns: 500, rows: 500))
        #expect(Screen() == Screen(columns: 80, rows: 24))
    }

    @Test(arguments: [
        (Duration.zero, "0.000 ms"), (.microseconds(1234), "1.234 ms"), (.seconds(-1), "0.000 ms"),
        (.seconds(Int64.max), "1000000000000.000 ms"), (.nanoseconds(1500), "0.002 ms"),
    ])
    func `milliseconds have three decimals`(_ duration: Duration, _ text: String) {
        #expect(duration.millisecondText == text)
    }
}
