/// The command line: the name of a workload, then `--name value` pairs. The same for every client.
package struct Arguments: Sendable {
    package let workload: String
    private var values: [String: String] = [:]

    init(_ arguments: [String]) throws {
        guard let workload = arguments.first, arguments.count % 2 == 1 else {
            throw UnexpectedResponse("usage: <workload> [--name value]...")
        }
        self.workload = workload
        for index in stride(from: 1, to: arguments.count, by: 2) {
            values[String(arguments[index].dropFirst(2))] = arguments[index + 1]
        }
    }

    package func text(_ name: String, _ fallback: String = "") -> String { values[name] ?? fallback }

    package func number(_ name: String, _ fallback: Int = 0) -> Int { values[name].flatMap { Int($0) } ?? fallback }

    package func seconds(_ name: String, _ standard: Double) -> Double {
        values[name].flatMap { Double($0) } ?? standard
    }

    /// How many connections to one server the client may need.
    package var connections: Int { max(number("in-flight", 1), number("silent"), connectionLimit ?? 0) }

    /// How many it may have at most: requests that arrive at a rate must not make one each.
    package var connectionLimit: Int? { values["connections"].flatMap { Int($0) } }
}
