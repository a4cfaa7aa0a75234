public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

// Header values that have a form of their own. `nil` where the field is missing or malformed.

extension HTTPDate {
    /// The present time.
    public static var now: HTTPDate { HTTPDate(secondsSince1970: CurlDate.now) }

    /// Parses a date in one of the three formats of RFC 9110. See `init(_:now:)`.
    public init?(_ text: String) {
        self.init(text, now: .now)
    }
}

extension ResponseHead {
    /// `Date`: when the response was made.
    public var date: HTTPDate? { headerFields[.date].flatMap { HTTPDate($0) } }

    /// `Last-Modified` as a date. (`lastModified` is its text, for conditions.)
    public var lastModifiedDate: HTTPDate? { lastModified.flatMap { HTTPDate($0) } }

    /// `Content-Type`.
    public var contentType: ContentType? { headerFields[.contentType].flatMap { ContentType($0) } }

    /// `Content-Disposition`, whose `filename` is safe to use.
    public var contentDisposition: ContentDisposition? {
        headerFields[.contentDisposition].flatMap { ContentDisposition($0) }
    }

    /// `Retry-After`: how long to wait, from the date of the response on.
    public var retryDelay: Duration? {
        let now = date ?? .now
        return headerFields[values: .retryAfter].first.flatMap { RetryAfterValue($0, now: now) }?.delay(at: now)
    }

    /// The links of all `Link` fields.
    public var links: [WebLink] { WebLink.all(in: headerFields) }
}
