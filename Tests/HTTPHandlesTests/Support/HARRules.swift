import Foundation

/// The rules of HAR 1.2: members, their types, and what the numbers must agree with.
enum HARRules {
    /// What is wrong with a file, each with its place; empty if nothing is.
    static func violations(in bytes: [UInt8]) -> [String] {
        guard let file = try? JSONSerialization.jsonObject(with: Data(bytes)) else { return ["it is not JSON"] }
        var checker = HARChecker()
        checker.check(file, file: .object(["log": .needed(.log)]), "")
        return checker.violations
    }
}

/// What a value must be. Not stored: LeakSanitizer does not find what the cases of an indirect enumeration refer to.
private indirect enum HARType: Sendable {
    case text, number, date, address
    /// A number that is not negative; -1 stands for unknown.
    case size, milliseconds
    case list(HARType)
    case object([String: HARMember])
    /// An object with a rule of its own.
    case checked([String: HARMember], @Sendable ([String: Any]) -> String?)

    static var pair: HARType {
        .object(["name": .needed(.text), "value": .needed(.text), "comment": .optional(.text)])
    }
    static var cookie: HARType {
        .object([
            "name": .needed(.text), "value": .needed(.text), "path": .optional(.text), "domain": .optional(.text),
            "expires": .optional(.date), "comment": .optional(.text),
        ])
    }
    static var program: HARType {
        .object([
            "name": .needed(.text), "version": .needed(.text), "comment": .optional(.text),
        ])
    }
    static var log: HARType {
        .checked(
            [
                "version": .needed(.text), "creator": .needed(.program), "browser": .optional(.program),
                "entries": .needed(.list(.entry)), "comment": .optional(.text),
            ],
            { log in
                let dates = (log["entries"] as? [[String: Any]] ?? []).compactMap { $0["startedDateTime"] as? String }
                return log["version"] as? String != "1.2"
                    ? "has another version" : dates != dates.sorted() ? "is not sorted by time" : nil
            }
        )
    }
    static var timings: HARType {
        .object([
            "blocked": .optional(.milliseconds), "dns": .optional(.milliseconds), "connect": .optional(.milliseconds),
            "ssl": .optional(.milliseconds), "send": .needed(.milliseconds), "wait": .needed(.milliseconds),
            "receive": .needed(.milliseconds), "comment": .optional(.text),
        ])
    }
    static var entry: HARType {
        .checked(
            [
                "startedDateTime": .needed(.date), "time": .needed(.milliseconds), "request": .needed(.request),
                "response": .needed(.response), "cache": .needed(.object([:])), "timings": .needed(.timings),
                "serverIPAddress": .optional(.address), "connection": .optional(.text), "comment": .optional(.text),
                "pageref": .optional(.text),
            ],
            { entry in
                guard let times = entry["timings"] as? [String: Any], let time = entry["time"] as? Double else {
                    return nil
                }
                let known = times.compactMapValues { $0 as? Double }
                // "connect" includes "ssl".
                let sum = known.filter { $0.key != "ssl" && $0.value > 0 }.values.reduce(0, +)
                if abs(sum - time) > 0.001 { return "takes \(time), but the sum of its timings is \(sum)" }
                if known["ssl"] ?? -1 > known["connect"] ?? -1 { return "has ssl outside of connect" }
                return ["send", "wait", "receive"].allSatisfy { known[$0] ?? -1 >= 0 } ? nil : "lacks a time"
            }
        )
    }
    static var request: HARType {
        .object([
            "method": .needed(.text), "url": .needed(.text), "httpVersion": .needed(.text),
            "cookies": .needed(.list(.cookie)), "headers": .needed(.list(.pair)), "queryString": .needed(.list(.pair)),
            "postData": .optional(.object(["mimeType": .needed(.text), "text": .needed(.text)])),
            "headersSize": .needed(.size), "bodySize": .needed(.size), "comment": .optional(.text),
        ])
    }
    static var response: HARType {
        .object([
            "status": .needed(.size), "statusText": .needed(.text), "httpVersion": .needed(.text),
            "cookies": .needed(.list(.cookie)), "headers": .needed(.list(.pair)),
            "content": .needed(
                .object([
                    "size": .needed(.size), "compression": .optional(.number), "mimeType": .needed(.text),
                    "text": .optional(.text), "encoding": .optional(.text), "comment": .optional(.text),
                ])
            ),
            "redirectURL": .needed(.text), "headersSize": .needed(.size), "bodySize": .needed(.size),
            "comment": .optional(.text),
        ])
    }
}

private enum HARMember: Sendable {
    case needed(HARType), optional(HARType)
}

private struct HARChecker {
    var violations: [String] = []

    mutating func check(_ value: Any, file type: HARType, _ place: String) {
        switch type {
        case .text: expect(value is String, place, "is not a text")
        case .number: expect(number(value) != nil, place, "is not a number")
        case .size: expect(number(value).map { $0 >= -1 && $0 == $0.rounded() } ?? false, place, "is not a size")
        case .milliseconds: expect(number(value).map { $0 >= 0 || $0 == -1 } ?? false, place, "is not a time")
        case .date: expect((value as? String)?.wholeMatch(of: Self.date) != nil, place, "is not a date of ISO 8601")
        case .address: expect((value as? String)?.wholeMatch(of: Self.address) != nil, place, "is not an IP address")
        case .list(let element):
            guard let list = value as? [Any] else { return expect(false, place, "is not a list") }
            for (index, value) in list.enumerated() { check(value, file: element, "\(place)[\(index)]") }
        case .object(let members): check(value, members, place)
        case .checked(let members, let rule):
            check(value, members, place)
            if let object = value as? [String: Any], let problem = rule(object) { expect(false, place, problem) }
        }
    }

    private mutating func check(_ value: Any, _ members: [String: HARMember], _ place: String) {
        guard let object = value as? [String: Any] else { return expect(false, place, "is not an object") }
        for (name, member) in members {
            switch (member, object[name]) {
            case (.needed(let type), let value?), (.optional(let type), let value?):
                check(value, file: type, "\(place).\(name)")
            case (.needed, nil): expect(false, "\(place).\(name)", "is missing")
            case (.optional, nil): break
            }
        }
        for name in object.keys where members[name] == nil {
            expect(name.hasPrefix("_"), "\(place).\(name)", "is unknown, and has no underscore")
        }
    }

    private mutating func expect(_ condition: Bool, _ place: String, _ problem: String) {
        if !condition { violations.append("\(place) \(problem)") }
    }

    private func number(_ value: Any) -> Double? { value is String ? nil : value as? Double }

    private static var date: Regex<(Substring, Substring?, Substring)> {
        #/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})/#
    }

    private static var address: Regex<Substring> { #/[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-f:.]*:[0-9a-f:.]+/# }
}
