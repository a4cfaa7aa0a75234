import HTTPHandlesCore
import HTTPTypes
import Testing

@Suite("Redirection")
struct RedirectionTests {
    static let here = Origin(isSecure: true, host: "a", port: 443)
    static let statuses = [301, 302, 303, 307, 308]
    static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    @Test(arguments: statuses, methods)
    func `method and body are kept unless the status requires or allows GET`(
        _ status: Int,
        _ method: HTTPRequest.Method
    ) {
        let next = Redirection(of: method, [:], status: status, from: Self.here, to: Self.here)
        switch (status, method) {
        case (303, .head): #expect(next.method == .head)
        case (303, _), (301, .post), (302, .post): #expect(next.method == .get)
        default: #expect(next.method == method)
        }
        #expect(next.keepsBody == (next.method == method))
    }

    @Test func `only five statuses redirect`() {
        #expect((200..<600).filter(Redirection.isRedirect) == Self.statuses)
    }

    @Test(arguments: [
        Origin(isSecure: false, host: "a", port: 443), Origin(isSecure: true, host: "b", port: 443),
        Origin(isSecure: true, host: "a", port: 444),
    ])
    func `secrets do not cross an origin, however often they are repeated`(_ target: Origin) throws {
        var fields: HTTPFields = [.accept: "*/*", .authorization: "a", .proxyAuthorization: "p", .referer: "r"]
        fields[values: .cookie] = ["a=1", "b=2"]
        var secret = HTTPField(name: try #require(HTTPField.Name("X-Key")), value: "k")
        secret.indexingStrategy = .disallow
        fields.append(secret)
        fields.append(HTTPField(name: try #require(HTTPField.Name("Host")), value: "a"))
        let there = Redirection(of: .get, fields, status: 302, from: Self.here, to: target)
        #expect(there.headerFields == [.accept: "*/*"])
        let same = Redirection(of: .get, fields, status: 302, from: Self.here, to: Self.here)
        #expect(same.headerFields == fields)
    }

    @Test func `fields that describe a body are removed with it`() {
        let fields: HTTPFields = [
            .accept: "*/*", .contentType: "text/plain", .contentEncoding: "gzip", .expect: "100-continue",
        ]
        #expect(
            Redirection(of: .post, fields, status: 303, from: Self.here, to: Self.here).headerFields == [.accept: "*/*"]
        )
        #expect(Redirection(of: .post, fields, status: 307, from: Self.here, to: Self.here).headerFields == fields)
    }

    @Test(arguments: statuses, methods)
    func `a request that becomes a GET asks for no upgrade`(_ status: Int, _ method: HTTPRequest.Method) {
        let fields: HTTPFields = [.accept: "*/*", .connection: "Upgrade", .upgrade: "tcp"]
        let next = Redirection(of: method, fields, status: status, from: Self.here, to: Self.here)
        #expect(next.headerFields == (next.keepsBody ? fields : [.accept: "*/*"]))
        // It has nothing to do with an upgrade.
        let closing = Redirection(of: method, [.connection: "close"], status: status, from: Self.here, to: Self.here)
        #expect(closing.headerFields == [.connection: "close"])
    }
}
