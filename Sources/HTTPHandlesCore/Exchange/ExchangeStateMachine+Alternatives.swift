extension ExchangeStateMachine {
    /// An alternative service could not be reached.
    ///
    /// - Returns: `false` where the request was sent before, so that the failure is the end all the same.
    package mutating func alternativeFailed(
        _ error: HandleError,
        _ secureFailure: SecureFailure,
        _ actions: inout ExchangeActions
    ) -> Bool {
        guard case .starting = wire else { return false }
        actions.append(.abandonTransfer)
        if !secureFailure.isEmpty { actions.emit(.secureFailure(secureFailure)) }
        actions.emit(.alternativeServiceFailed(error))
        startTransfer(&actions)
        return true
    }
}
