/// The name of an option, with the type of its value.
///
/// All options, with defaults and levels: `Docs/Options.md`. Counterpart of WinHTTP's `WINHTTP_OPTION_…` constants.
public struct HandleOption<Value: Sendable>: Sendable {
    package let row: OptionRow
    package let source: Source
    /// What is wrong with a value; `nil` if nothing is.
    package let problem: @Sendable (Value) -> String?

    /// Where the value of an option is.
    package enum Source: Sendable {
        /// In the handle's option values.
        case value(any WritableKeyPath<OptionValues, Value> & Sendable)
        /// In what the exchange has shown so far; `nil` as long as it has not.
        case fact(any KeyPath<ExchangeFacts, Value?> & Sendable)
    }

    package init(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Value> & Sendable,
        problem: @escaping @Sendable (Value) -> String? = { _ in nil }
    ) {
        self.row = row
        self.problem = problem
        source = .value(path)
    }

    package init(_ row: OptionRow, fact path: any KeyPath<ExchangeFacts, Value?> & Sendable) {
        self.row = row
        problem = { _ in nil }
        source = .fact(path)
    }
}

/// What is said of an option beside its type.
package struct OptionRow: Sendable, Hashable {
    package let name: String
    /// WinHTTP's number; `nil` for options that WinHTTP does not have.
    package let number: Int?
    /// The levels on which the option can be read and, where it can be set at all, set.
    package let levels: Set<HandleLevel>
    package let isSettable: Bool
    /// What a number counts.
    package let unit: String?
    /// The names of libcurl's options or facts that carry the value; empty where the library does it itself.
    package let curlNames: [String]

    package init(
        _ name: String,
        _ number: Int?,
        levels: Set<HandleLevel> = [.session, .connection, .request],
        isSettable: Bool = true,
        unit: String? = nil,
        curl curlNames: [String] = []
    ) {
        self.name = name
        self.number = number
        self.levels = levels
        self.isSettable = isSettable
        self.unit = unit
        self.curlNames = curlNames
    }
}
