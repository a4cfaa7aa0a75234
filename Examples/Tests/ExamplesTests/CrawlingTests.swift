import ExamplesTestSupport
import HTTPHandles
import HTTPHandlesTesting
import Testing

@testable import Crawling

@Suite("crawler", .timeLimit(.minutes(2)))
struct CrawlingTests {
    /// A site: its pages by target, and what was asked for.
    private struct Site {
        let asked: Record<String>
        let server: ScriptedServer

        /// - Parameter pages: Status and fields, and the body of each target. Others are 404.
        init(_ pages: [String: (head: String, body: String)]) throws {
            let asked = Record<String>()
            self.asked = asked
            server = try ScriptedServer { connection in
                try connection.forEachRequest { request in
                    asked.note(request.head.target)
                    let (head, body) = pages[request.head.target] ?? ("404 Not Found", "")
                    let lines = head.split(separator: "\n").map(String.init)
                    try connection.answer(lines[0], fields: Array(lines.dropFirst()), body: body)
                }
            }
        }
    }

    private static let html = "200 OK\nContent-Type: text/html; charset=utf-8"

    private static func describe(_ page: CrawledPage) -> String {
        switch page.outcome {
        case .page(let status, let bytes): "\(page.depth) \(page.url.target) \(status) \(bytes.count)"
        case .other(let status, let type): "\(page.depth) \(page.url.target) \(status) \(type ?? "-")"
        case .failed(let error): "\(page.depth) \(page.url.target) \(error.code.name)"
        }
    }

    private func crawl(
        _ seeds: [String],
        _ limits: CrawlLimits = CrawlLimits(),
        _ clock: TestClock = TestClock()
    ) async throws -> (pages: [String], disallowed: Int) {
        try await withSession(userAgent: "examplebot/1.0", options: limits.sessionOptions) { session in
            var pages: [String] = []
            let crawler = Crawler(session, robot: "examplebot", limits: limits, clock: clock)
            let disallowed = try await crawler.run(from: seeds.map { try HTTPURL($0) }) {
                pages.append(Self.describe($0))
            }
            return (pages, disallowed)
        }
    }

    @Test func `each page once, with a delay, and not what robots.txt excludes`() async throws {
        let site = try Site([
            "/robots.txt": ("200 OK", "User-agent: *\nDisallow: /private\nCrawl-delay: 2\n"),
            "/": (
                Self.html,
                #"<a href="/a">A</a> <a href="b?x=1&amp;y=2">B</a> <a href='/private/x'>P</a> <a href=/a#part>A</a>"#
            ),
            "/a": (
                Self.html, #"<a href="/">back</a> <a href="/image">I</a> <a href="http://example.com/">elsewhere</a>"#
            ),
            "/b?x=1&y=2": ("301 Moved Permanently\nLocation: /moved", ""),
            "/moved": (Self.html, "no links"),
            "/image": ("200 OK\nContent-Type: image/png", "png"),
        ])
        let clock = TestClock()
        let (pages, disallowed) = try await crawl([site.server.url("/")], CrawlLimits(), clock)
        #expect(
            pages == [
                "0 / 200 97", "1 /a 200 87", "1 /b?x=1&y=2 301 -", "2 /image 200 image/png", "2 /moved 200 8",
            ]
        )
        #expect(site.asked.all == ["/robots.txt", "/", "/a", "/b?x=1&y=2", "/image", "/moved"])
        #expect(disallowed == 1)
        #expect(clock.sleeps == Array(repeating: .seconds(2), count: 4))
    }

    @Test func `other hosts only if they are wanted, each by its own rules`() async throws {
        let other = try Site(["/": (Self.html, "")])
        let refusing = try Site(["/robots.txt": ("503 Service Unavailable", ""), "/": (Self.html, "")])
        let links = [other, refusing].map { #"<a href="\#($0.server.url("/"))">x</a>"# }.joined()
        let site = try Site(["/": (Self.html, links)])
        var limits = CrawlLimits()
        #expect(try await crawl([site.server.url("/")], limits).pages.count == 1)
        #expect(other.asked.all == [])
        limits.leavesHosts = true
        let (pages, disallowed) = try await crawl([site.server.url("/")], limits)
        #expect(pages.last == "1 / 200 0")
        #expect(other.asked.all == ["/robots.txt", "/"])
        #expect(refusing.asked.all == ["/robots.txt"])
        #expect(disallowed == 1)
    }

    @Test func `at a time no more requests to a host than allowed`() async throws {
        let waiting = Record<Int>()
        let twoWait = Gate()
        let mayAnswer = Gate()
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                switch request.head.target {
                case "/robots.txt": try connection.answer("404 Not Found")
                case "/":
                    let links = (1...6).map { #"<a href="/\#($0)">x</a>"# }.joined()
                    try connection.answer(fields: ["Content-Type: text/html"], body: links)
                default:
                    waiting.note(connection.number)
                    if waiting.all.count == 2 { twoWait.open() }
                    mayAnswer.wait()
                    try connection.answer(fields: ["Content-Type: text/html"])
                }
            }
        }
        var limits = CrawlLimits()
        limits.perHost = 2
        let crawl = Task { [limits] in try await self.crawl([server.url("/")], limits).pages.count }
        await twoWait.passed()
        #expect(waiting.all.count == 2)
        mayAnswer.open()
        #expect(try await crawl.value == 7)
        #expect(Set(waiting.all).count == 2)
    }

    @Test func `a host that wants to be left alone`() async throws {
        let site = try Site([
            "/": (Self.html, #"<a href="/busy">x</a><a href="/next">x</a>"#),
            "/busy": ("429 Too Many Requests\nRetry-After: 30", ""),
            "/next": (Self.html, ""),
        ])
        let clock = TestClock()
        let pages = try await crawl([site.server.url("/")], CrawlLimits(), clock).pages
        #expect(pages == ["0 / 200 42", "1 /busy 429 -", "1 /next 200 0"])
        #expect(clock.sleeps == [.seconds(1), .seconds(30)])
    }

    @Test func `hostile servers: endless pages, endless links, loops, no HTTP`() async throws {
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                let target = request.head.target
                switch target {
                case "/robots.txt":
                    try connection.answer(
                        body: "User-agent: *\n" + String(repeating: "Disallow: /*****************y\n", count: 50_000)
                    )
                case "/endless":
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
                    while true { try connection.send(String(repeating: "<a href=", count: 10_000)) }
                case "/loop": try connection.answer("302 Found", fields: ["Location: /loop"])
                case "/no-http": try connection.send("what?\r\n\r\n")
                // Each page links to a longer one.
                default:
                    try connection.answer(fields: ["Content-Type: text/html"], body: #"<a href="\#(target)/x">x</a>"#)
                }
            }
        }
        var limits = CrawlLimits()
        (limits.pages, limits.depth, limits.pageSize) = (8, 1000, 100_000)
        let seeds = ["/endless", "/loop", "/no-http", "/trap"].map { server.url($0) }
        let pages = try await crawl(seeds, limits).pages
        #expect(
            pages == [
                "0 /endless insufficientBuffer", "0 /loop 302 -", "0 /no-http invalidServerResponse", "0 /trap 200 23",
                "1 /trap/x 200 25", "2 /trap/x/x 200 27", "3 /trap/x/x/x 200 29", "4 /trap/x/x/x/x 200 31",
            ]
        )
    }

    @Test func `cancellation ends all requests, and closes their handles`() async throws {
        let isAsked = Gate()
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                guard request.head.target != "/robots.txt" else { return try connection.answer("404 Not Found") }
                isAsked.open()
                connection.waitForClose()
            }
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let crawl = Task {
            try await Crawler(session, robot: "examplebot").run(from: [try HTTPURL(server.url("/"))]) { _ in }
        }
        await isAsked.passed()
        crawl.cancel()
        let error = await #expect(throws: HandleError.self) { try await crawl.value }
        #expect(error?.isCancellation == true)
        try session.close()
        // Only when no request is left the session is gone.
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }

    @Test func `what the report throws ends the crawl`() async throws {
        struct Enough: Error {}
        let site = try Site(["/": (Self.html, #"<a href="/a">x</a>"#)])
        let session = try SessionHandle()
        await #expect(throws: Enough.self) {
            try await Crawler(session, robot: "examplebot").run(from: [try HTTPURL(site.server.url("/"))]) { _ in
                throw Enough()
            }
        }
        #expect(site.asked.all == ["/robots.txt", "/"])
    }

    @Test(arguments: [
        ("", "/x", true), ("User-agent: *\nDisallow:", "/x", true), ("User-agent: *\nDisallow: /", "/x", false),
        ("User-agent: other\nDisallow: /", "/x", true),
        ("user-agent : EXAMPLEBOT/2\r\ndisallow : /x # why", "/x/y", false),
        ("User-agent: *\nDisallow: /\nUser-agent: examplebot\nAllow: /", "/x", true),
        ("User-agent: a\nUser-agent: examplebot\nDisallow: /x", "/x", false),
        ("User-agent: *\nDisallow: /x\nAllow: /x", "/x", true),
        ("User-agent: *\nDisallow: /x/y\nAllow: /x", "/x/y", false),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", false),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", true),
        ("User-agent: *\nDisallow: /*?", "/a?b", false), ("Disallow: /", "/x", true),
        ("User-agent: *\nDisallow: /a*b*c", "/axxbxxbxxc", false), ("nonsense\n:\n\u{0}", "/", true),
    ])
    func `robots.txt`(_ file: String, _ target: String, _ isAllowed: Bool) {
        #expect(RobotRules(parsing: Array(file.utf8), for: "examplebot").allows(target) == isAllowed)
    }

    @Test func `a pattern of stars takes no long time`() {
        let file = "User-agent: *\nDisallow: /" + String(repeating: "*a", count: 200) + "b"
        let target = "/" + String(repeating: "a", count: 2000)
        #expect(RobotRules(parsing: Array(file.utf8), for: "examplebot").allows(target))
    }

    @Test func `links of a page`() throws {
        let page = """
            <!-- <a href="/comment"> --> <BASE href="/dir/"> <A HREF = one >x</A> <a class=x href='two'/> <a href="mailto:a@b.c">
            <a rel="nofollow" href="/no">x</a> <abbr href="/no"> <script>"<a href='/script'>"</script> <a href="//example.com/p">
            <a href="/three" href="/no"> <a =x href="/four"> <a href="/five
            """
        let links = PageLinks(in: Array(page.utf8)).resolved(against: try HTTPURL("http://example.org/x/y"))
        #expect(
            links.map(\.text) == [
                "http://example.org/dir/one", "http://example.org/dir/two", "http://example.com/p",
                "http://example.org/three", "http://example.org/four", "http://example.org/five",
            ]
        )
    }

    @Test func `links in any bytes`() throws {
        let url = try HTTPURL("http://example.org/")
        let page = Array(#"<!-- --><base href="x"><a href='y' z = "q"></a><script><</script><style/>"#.utf8)
        for start in page.indices {
            for end in start...page.count { _ = PageLinks(in: Array(page[start..<end])).resolved(against: url) }
        }
    }
}
