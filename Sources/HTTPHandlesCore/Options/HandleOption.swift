/// The name of an option, with the type of its value.
///
/// All options, with defaults and levels: `Docs/Options.md`. Counterpart of WinHTTP's `WINHTTP_OPTION_…` constants.
public struct HandleOption<Value: Sendable>: Sendable {
    package let row: OptionRow
    package let source: Source
    /// What is wrong with a value, as a sentence that names the option; `nil` for a valid value.
    package let problem: @Sendable (Value) -> String?

    /// Where the value of an option is.
    package enum Source: Sendable {
        /// In the handle's option values.
        case value(any WritableKeyPath<OptionValues, Value> & Sendable)
        /// In the facts of the exchange; `nil` while it is not known.
        case fact(any KeyPath<ExchangeFacts, Value?> & Sendable)
    }

    package init(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Value> & Sendable,
        problem: @escaping @Sendable (Value) -> String? = { _ in nil }
    ) {
        self.row = row
        self.problem = { value in problem(value).map { "\(row.name): \($0)" } }
        source = .value(path)
    }

    /// An option whose value "must be" what `requirement` says.
    package init(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Value> & Sendable,
        requirement: String,
        isMet: @escaping @Sendable (Value) -> Bool
    ) {
        self.row = row
        problem = { isMet($0) ? nil : "\(row.name) must be \(requirement), but is \(optionText(of: $0))" }
        source = .value(path)
    }

    package init(_ row: OptionRow, fact path: any KeyPath<ExchangeFacts, Value?> & Sendable) {
        self.row = row
        problem = { _ in nil }
        source = .fact(path)
    }
}

/// The properties of an option, except the type of its value.
package struct OptionRow: Sendable, Hashable {
    package let name: String
    /// WinHTTP's number; `nil` for options that WinHTTP does not have.
    package let number: Int?
    /// The levels on which the option can be read and, if `isSettable`, set.
    package let levels: Set<HandleLevel>
    package let isSettable: Bool
    /// The unit of a number.
    package let unit: String?
    /// The names of the libcurl options or infos for the value; empty if the library implements the option itself.
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
