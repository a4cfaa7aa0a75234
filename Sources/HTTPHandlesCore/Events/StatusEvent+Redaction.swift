extension StatusEvent.Kind {
    /// The same, as it may be written down.
    package func redacted(_ redaction: Redaction = .standard) -> StatusEvent.Kind {
        switch self {
        case .redirect(let url): .redirect(url: redaction.url(url))
        case .intermediateResponse(let status, let fields):
            .intermediateResponse(status: status, headerFields: redaction.fields(fields))
        default: self
        }
    }
}
