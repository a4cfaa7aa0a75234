import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Rules for added header fields")
struct HeaderFieldRuleTests {
    private static let twice = HTTPFields([HTTPField(name: .accept, value: "a"), HTTPField(name: .accept, value: "b")])
    private static let added = HTTPFields([HTTPField(name: .accept, value: "c"), HTTPField(name: .accept, value: "d")])

    private static func lines(_ present: HTTPFields, _ rule: HeaderFieldRule) -> [String] {
        var fields = present
        fields.add(added, rule)
        return fields.map { "\($0.name): \($0.value)" }
    }

    @Test(arguments: [
        (HeaderFieldRule.add, ["a", "b", "c", "d"]), (.addIfNew, ["a", "b"]), (.replace, ["c", "d"]),
        (.joinWithComma, ["a", "b, c, d"]), (.joinWithSemicolon, ["a", "b; c; d"]),
    ])
    func `fields of the same name`(rule: HeaderFieldRule, values: [String]) {
        #expect(Self.lines(Self.twice, rule) == values.map { "Accept: \($0)" })
    }

    @Test(arguments: HeaderFieldRule.allCases)
    func `no field of the same name`(rule: HeaderFieldRule) {
        let values =
            switch rule {
            case .joinWithComma: ["c, d"]
            case .joinWithSemicolon: ["c; d"]
            default: ["c", "d"]
            }
        #expect(Self.lines([.from: "x"], rule) == ["From: x"] + values.map { "Accept: \($0)" })
    }

    @Test func `a value that is joined to a secret stays secret`() {
        var secret = HTTPField(name: .accept, value: "b")
        secret.indexingStrategy = .disallow
        var fields: HTTPFields = [.accept: "a"]
        fields.add(HTTPFields([secret]), .joinWithComma)
        #expect(fields.map(\.indexingStrategy) == [.disallow])
    }
}

@Suite("Back-off of event sources")
struct EventSourceBackOffTests {
    private static func delays(_ backOff: EventSourceBackOff, _ reconnectionTime: Duration? = nil) -> [Duration] {
        var generator = SeededGenerator(seed: 1)
        return (1...5).map { backOff.delay(after: $0, reconnectionTime, using: &generator) }
    }

    @Test func `the delay doubles up to the maximum`() {
        let backOff = EventSourceBackOff(delay: .seconds(3), maximumDelay: .seconds(20), jitter: .none)
        #expect(Self.delays(backOff) == [3, 6, 12, 20, 20].map { .seconds($0) })
        #expect(Self.delays(backOff, .seconds(1)) == [1, 2, 4, 8, 16].map { .seconds($0) })
        #expect(Self.delays(backOff, .seconds(60)) == Array(repeating: .seconds(60), count: 5))
        #expect(Self.delays(backOff, .zero) == Array(repeating: .zero, count: 5))
    }

    @Test func `jitter adds up to a half`() {
        let backOff = EventSourceBackOff(delay: .seconds(4), maximumDelay: .seconds(8))
        for (delay, least) in zip(Self.delays(backOff), [4, 8, 8, 8, 8]) {
            #expect((.seconds(least) ... .seconds(least) * 1.5).contains(delay))
        }
    }

    @Test(arguments: [Duration.seconds(Int64.max), .nanoseconds(Int64.max), .seconds(1)])
    func `numbers at their limits`(delay: Duration) {
        var generator = SeededGenerator(seed: 1)
        let backOff = EventSourceBackOff(delay: delay, maximumDelay: .seconds(Int64.max))
        for failures in [0, 1, 63, 64, Int.max] {
            #expect(backOff.delay(after: failures, nil, using: &generator) >= min(delay, .seconds(1)))
        }
    }
}
