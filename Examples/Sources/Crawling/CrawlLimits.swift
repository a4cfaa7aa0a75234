package import HTTPHandles

/// How far a crawler goes, and how fast.
package struct CrawlLimits: Sendable {
    /// How many pages are requested at most.
    package var pages = 1000
    /// How many links away from the first URLs.
    package var depth = 5
    /// How many requests are made at a time, to all hosts.
    package var concurrency = 16
    /// How many requests are made at a time to one host.
    package var perHost = 1
    /// The time between the starts of two requests to one host. A longer `Crawl-delay` of its robots.txt replaces it.
    package var delay = Duration.seconds(1)
    /// The longest delay that a host may ask for.
    package var maximumDelay = Duration.seconds(60)
    /// How many bytes a page may have, decoded.
    package var pageSize = 2 << 20
    /// How long a URL may be: the links of some pages become longer with each page.
    package var urlLength = 2000
    /// Whether links to other hosts than those of the first URLs are followed.
    package var leavesHosts = false

    package init() {}

    /// What the session of the crawler starts with.
    package var sessionOptions: [OptionSetting] {
        [
            // A redirect is a link: it may lead to a page that was seen, to a host that has to wait, or that refuses robots.
            .set(.redirectPolicy, to: .never),
            .set(.usesCookies, to: false),
            .set(.maximumConnectionsPerServer, to: perHost),
            .set(.maximumConnections, to: concurrency),
            .set(.totalTimeout, to: .seconds(60)),
        ]
    }
}
