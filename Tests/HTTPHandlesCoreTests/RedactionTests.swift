import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Redaction")
struct RedactionTests {
    @Test(arguments: [
        "Authorization", "PROXY-AUTHORIZATION", "Cookie", "Set-Cookie", "Set-Cookie2", "X-Api-Key", "Api-Key", "apikey",
        "X-ApiKey", "X-Auth-Token", "X-Auth-Key", "X-Access-Token", "Private-Token", "X-Vault-Token", "X-CSRF-Token",
        "X-XSRF-TOKEN", "X-Amz-Security-Token", "X-Goog-Api-Key", "X-Goog-IAM-Authorization-Token", "X-Functions-Key",
        "Ocp-Apim-Subscription-Key", "X-Shopify-Access-Token", "X-RapidAPI-Key", "X-Session-Id", "X-Client-Secret",
        "api_key",
        "X-Secret-Key", "X-Password", "DPoP", "Authentication-Info", "X-aws-ec2-metadata-token", "X-Acme.Token",
    ])
    func `secret names`(_ name: String) throws {
        let field = HTTPField(name: try #require(HTTPField.Name(name)), value: "s3cret")
        #expect(Redaction.standard.value(of: field) == "(redacted)")
        #expect(Redaction.none.value(of: field) == "s3cret")
    }

    @Test(arguments: [
        "Accept", "Content-Type", "Host", "ETag", "Sec-WebSocket-Key", "Idempotency-Key", "X-Cache-Key",
        "Surrogate-Key",
        "WWW-Authenticate", "Author", "X-Request-Id", "Keep-Alive", "Key",
    ])
    func `other names`(_ name: String) throws {
        let field = HTTPField(name: try #require(HTTPField.Name(name)), value: "shown")
        #expect(Redaction.standard.value(of: field) == "shown")
    }

    @Test func `a marked field is hidden, with any name`() {
        var field = HTTPField(name: .accept, value: "s3cret")
        field.indexingStrategy = .disallow
        #expect(Redaction.standard.isHidden(field))
        #expect(
            Redaction.standard.fields(HTTPFields([field, HTTPField(name: .server, value: "h")])).map(\.value) == [
                "(redacted)", "h",
            ]
        )
        #expect(Redaction.none.fields(HTTPFields([field])).map(\.value) == ["s3cret"])
    }

    @Test(arguments: [
        ("http://h/p", "http://h/p"), ("", ""), ("/p/q", "/p/q"), ("http://h", "http://h"),
        ("http://h/p?a=s3cret&b=s3cret", "http://h/p?a=(redacted)&b=(redacted)"),
        ("http://h?s3cret", "http://h?(redacted)"),
        ("http://h/?a=&&b", "http://h/?a=&&(redacted)"), ("http://h/?a=1=s3cret;s3cret", "http://h/?a=(redacted)"),
        ("http://h/#access_token=s3cret", "http://h/#(redacted)"), ("/?a=s3cret#", "/?a=(redacted)#"),
        ("http://h/?u=http://s3cret@x", "http://h/?u=(redacted)"),
        ("http://h/a@b?c=@s3cret", "http://h/a@b?c=(redacted)"),
        ("http://u:s3cret@h/p?q", "http://(redacted)@h/p?(redacted)"), ("//u:s3cret@h/", "//(redacted)@h/"),
        ("http://u:s3@cret@h", "http://(redacted)@h"), ("?a=s3cret", "?a=(redacted)"),
        ("/go?to=http://u:s3cret@h/", "/go?to=(redacted)"),
        ("http://h/?a\u{301}=s3cret\u{301}", "http://h/?a\u{301}=(redacted)"),
        ("http://h/?\u{301}s3cret", "http://h/?(redacted)"),
    ])
    func `the values in a URL are hidden`(_ url: String, _ shown: String) {
        #expect(Redaction.standard.url(url) == shown)
        #expect(Redaction.none.url(url) == url)
        let field = HTTPField(name: .location, value: url)
        #expect(Redaction.standard.value(of: field) == Redaction.standard.url(field.value))
    }

    @Test(arguments: [
        ("http://h:99999/?a=s3cret", "http://h:99999/?a=(redacted)"), ("http://user:s3cret@h/", "http://(redacted)@h/"),
        ("user:s3cret@h", "(redacted)@h"), ("http://u:s3?cret@h/", "http://(redacted)"), ("u:s3#cret@h/", "(redacted)"),
        ("http://u:s3/cret@h/?a=s3cret", "http://(redacted)@h/?a=(redacted)"),
        ("http:/?a=s3cret", "http:/?a=(redacted)"),
        ("http://h/?mail=s3cret@h&a=s3cret", "http://(redacted)"), ("nonsense", "nonsense"),
    ])
    func `more is hidden in a malformed URL`(_ text: String, _ shown: String) {
        #expect(Redaction.standard.malformedURL(text) == shown)
    }

    @Test(arguments: [
        (HTTPField.Name("Link")!, "<http://h/?a=s3cret>; rel=next, </b>", "<http://h/?(redacted)>; rel=next, </b>"),
        (HTTPField.Name("Refresh")!, "0; url=/?s3cret", "0; url=/?(redacted)"),
        (.referer, "http://h/?a=s3cret", "http://h/?a=(redacted)"),
    ])
    func `fields whose value is a URL`(_ name: HTTPField.Name, _ value: String, _ shown: String) {
        #expect(Redaction.standard.value(of: HTTPField(name: name, value: value)) == shown)
    }

    @Test func `parameters of a query`() {
        let shown = [("a", "s3cret"), ("b", ""), ("s3cret", nil), ("", nil)].map {
            Redaction.standard.parameter($0.0, $0.1)
        }
        #expect(shown.map(\.name) == ["a", "b", "(redacted)", ""])
        #expect(shown.map(\.value) == ["(redacted)", "", "", ""])
        #expect(Redaction.none.parameter("a", "b") == (name: "a", value: "b"))
    }

    @Test func `redacted events`() {
        #expect(StatusEvent.Kind.redirect(url: "http://h/?a=b").redacted() == .redirect(url: "http://h/?a=(redacted)"))
        #expect(StatusEvent.Kind.redirect(url: "http://h/?a=b").redacted(.none) == .redirect(url: "http://h/?a=b"))
        let fields: HTTPFields = [.setCookie: "a=s3cret", .server: "x"]
        #expect(
            StatusEvent.Kind.intermediateResponse(status: .init(code: 103), headerFields: fields).redacted()
                == .intermediateResponse(
                    status: .init(code: 103),
                    headerFields: [.setCookie: "(redacted)", .server: "x"]
                )
        )
        #expect(StatusEvent.Kind.queued.redacted() == .queued)
    }
}
