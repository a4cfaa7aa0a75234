import ArgumentParser
import HTTPHandles

/// The options for the version of HTTP: `--http VERSION`, and curl's names.
struct HTTPVersionArguments: ParsableArguments {
    enum Version: String, CaseIterable, ExpressibleByArgument, EnumerableFlag {
        case http1_1 = "1.1"
        case http2 = "2"
        case http2PriorKnowledge = "2-prior-knowledge"
        case http3 = "3"
        case http3Only = "3-only"

        static func name(for value: Version) -> NameSpecification { .customLong("http\(value.rawValue)") }

        static func help(for value: Version) -> ArgumentHelp? {
            value == .http1_1 ? "The same as --http, with curl's names." : nil
        }

        var policy: HTTPVersionPolicy {
            switch self {
            case .http1_1: .http1_1
            case .http2: .automatic
            case .http2PriorKnowledge: .http2PriorKnowledge
            case .http3: .http3
            case .http3Only: .http3Only
            }
        }
    }

    @Option(
        help: ArgumentHelp("The HTTP version: 1.1, 2, 2-prior-knowledge, 3, or 3-only.", valueName: "version")
    )
    var http: Version?

    @Flag(exclusivity: .chooseLast) var version: Version?

    var policy: HTTPVersionPolicy? { (version ?? http)?.policy }
}
