package import HTTPTypes

/// Which of the header fields that mean something to the library a request has.
///
/// Found in one pass: each question to `HTTPFields` itself makes an index of all names first.
package struct KnownFields: OptionSet, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static var acceptEncoding: KnownFields { KnownFields(rawValue: 1 << 0) }
    package static var authorization: KnownFields { KnownFields(rawValue: 1 << 1) }
    package static var connection: KnownFields { KnownFields(rawValue: 1 << 2) }
    package static var contentLength: KnownFields { KnownFields(rawValue: 1 << 3) }
    package static var cookie: KnownFields { KnownFields(rawValue: 1 << 4) }
    package static var expect: KnownFields { KnownFields(rawValue: 1 << 5) }
    package static var host: KnownFields { KnownFields(rawValue: 1 << 6) }
    package static var range: KnownFields { KnownFields(rawValue: 1 << 7) }
    package static var te: KnownFields { KnownFields(rawValue: 1 << 8) }
    package static var trailer: KnownFields { KnownFields(rawValue: 1 << 9) }
    package static var transferEncoding: KnownFields { KnownFields(rawValue: 1 << 10) }
    package static var upgrade: KnownFields { KnownFields(rawValue: 1 << 11) }
    /// `Keep-Alive` or `Proxy-Connection`, which only ever meant something to HTTP/1.0.
    package static var obsolete: KnownFields { KnownFields(rawValue: 1 << 12) }

    package init(_ fields: HTTPFields) {
        self = []
        for field in fields { formUnion(KnownFields(field.name)) }
    }

    init(_ name: HTTPField.Name) {
        let name = name.canonicalName
        // By length first: most names are none of these, and comparing texts costs more.
        self =
            switch name.utf8.count {
            case 2 where name == "te": .te
            case 4 where name == "host": .host
            case 5 where name == "range": .range
            case 6 where name == "cookie": .cookie
            case 6 where name == "expect": .expect
            case 7 where name == "trailer": .trailer
            case 7 where name == "upgrade": .upgrade
            case 10 where name == "connection": .connection
            case 10 where name == "keep-alive": .obsolete
            case 13 where name == "authorization": .authorization
            case 14 where name == "content-length": .contentLength
            case 15 where name == "accept-encoding": .acceptEncoding
            case 16 where name == "proxy-connection": .obsolete
            case 17 where name == "transfer-encoding": .transferEncoding
            default: []
            }
    }
}
