/// An option with a value, to set when a handle is made.
public struct OptionSetting: Sendable {
    package let row: OptionRow
    package let apply: @Sendable (inout OptionValues, HandleLevel, HandleOperation) throws(HandleError) -> Void

    /// Sets `option` to `value`.
    public static func set<Value: Sendable>(_ option: HandleOption<Value>, to value: Value) -> OptionSetting {
        OptionSetting(row: option.row) { values, level, operation throws(HandleError) in
            try values.set(option, to: value, on: level, for: operation)
        }
    }
}

extension OptionValues {
    package mutating func apply(
        _ settings: [OptionSetting],
        on level: HandleLevel,
        for operation: HandleOperation
    ) throws(HandleError) {
        for setting in settings { try setting.apply(&self, level, operation) }
    }

    package mutating func set<Value: Sendable>(
        _ option: HandleOption<Value>,
        to value: Value,
        on level: HandleLevel,
        for operation: HandleOperation
    ) throws(HandleError) {
        guard case .value(let path) = option.source, option.row.isSettable else {
            throw HandleError(.optionNotSettable, operation, reason: "the option \(option.row.name) is read-only")
        }
        guard option.row.levels.contains(level) else { throw option.row.wrongLevel(level, operation) }
        if let problem = option.problem(value) { throw .invalidParameter(operation, problem) }
        self[keyPath: path] = value
    }

    package func value<Value: Sendable>(
        of option: HandleOption<Value>,
        on level: HandleLevel,
        facts: () -> ExchangeFacts
    ) throws(HandleError) -> Value {
        guard option.row.levels.contains(level) else { throw option.row.wrongLevel(level, .queryOption) }
        switch option.source {
        case .value(let path): return self[keyPath: path]
        case .fact(let path):
            guard let value = facts()[keyPath: path] else {
                throw .wrongState(.queryOption, "the value of \(option.row.name) is not known yet")
            }
            return value
        }
    }
}

extension OptionRow {
    fileprivate func wrongLevel(_ level: HandleLevel, _ operation: HandleOperation) -> HandleError {
        HandleError(.incorrectHandleType, operation, reason: "a \(level) handle has no option \(name)")
    }
}
