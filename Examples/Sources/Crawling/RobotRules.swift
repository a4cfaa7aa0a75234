/// The rules of a robots.txt for one robot (RFC 9309).
package struct RobotRules: Sendable {
    private struct Rule {
        let allows: Bool
        let pattern: [UInt8]
    }

    private var rules: [Rule] = []
    /// `Crawl-delay`, which is in no standard, but in many files.
    package private(set) var delay: Duration?

    /// How much of a file is read. The standard allows to ignore the rest.
    package static let maximumSize = 500 << 10

    /// No restrictions: there is no robots.txt.
    package static let none = RobotRules()

    /// Nothing is allowed: the robots.txt cannot be read at present.
    package static let all = RobotRules(rules: [Rule(allows: false, pattern: [UInt8(ascii: "/")])])

    private init(rules: [Rule] = []) {
        self.rules = rules
    }

    /// Parses a file. Lines that are malformed or unknown are skipped.
    ///
    /// - Parameters:
    ///   - bytes: The file, up to `maximumSize`.
    ///   - robot: The name of the robot, for example "examplebot".
    package init(parsing bytes: [UInt8], for robot: String) {
        var (own, general) = (RobotRules(), RobotRules())
        var (agents, isInRules, isNamed) = ([String](), false, false)
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let text = String(decoding: line.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
            let parts = text.split(separator: ":", maxSplits: 1).map { $0.trimmingPrefix { $0.isWhitespace } }
            guard parts.count == 2 else { continue }
            let value = String(parts[1].prefix { !$0.isWhitespace })
            let key = parts[0].prefix { !$0.isWhitespace }.lowercased()
            if key == "user-agent" {
                if isInRules { agents = [] }
                isInRules = false
                agents.append(value.prefix { $0 != "/" }.lowercased())
                continue
            }
            isInRules = true
            if agents.contains(robot.lowercased()) {
                own.add(key, value)
                isNamed = true
            }
            if agents.contains("*") { general.add(key, value) }
        }
        self = isNamed ? own : general
    }

    private mutating func add(_ key: String, _ value: String) {
        switch key {
        case "allow", "disallow":
            // An empty rule is none.
            if !value.isEmpty { rules.append(Rule(allows: key == "allow", pattern: Array(value.utf8))) }
        case "crawl-delay":
            if let seconds = Double(value), (0...1_000_000).contains(seconds) { delay = .seconds(seconds) }
        default: break
        }
    }

    /// Whether a target, path and query, may be requested: the longest rule decides, and one that allows before others.
    package func allows(_ target: String) -> Bool {
        let target = Array(target.utf8)
        let matches = rules.filter { Self.matches($0.pattern, target) }
        let longest = matches.map(\.pattern.count).max()
        return matches.isEmpty || matches.contains { $0.allows && $0.pattern.count == longest }
    }

    /// Whether a pattern, in which "*" is any bytes and "$" at its end the end, is at the beginning of the target.
    private static func matches(_ pattern: [UInt8], _ target: [UInt8]) -> Bool {
        let isWhole = pattern.last == UInt8(ascii: "$")
        let pattern = isWhole ? pattern.dropLast() : pattern + [UInt8(ascii: "*")]
        var (place, index) = (pattern.startIndex, 0)
        // Where to go on if what follows the last star does not match: one byte further. No pattern makes this slow.
        var star: (place: Int, index: Int)?
        while index < target.count {
            if place < pattern.endIndex, pattern[place] == UInt8(ascii: "*") {
                star = (place + 1, index)
                place += 1
            } else if place < pattern.endIndex, pattern[place] == target[index] {
                place += 1
                index += 1
            } else if let last = star {
                star = (last.place, last.index + 1)
                (place, index) = (last.place, last.index + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
