extension StatusEvent.Kind {
    /// The same event without secrets, for logs and files.
    package func redacted(_ redaction: Redaction = .standard) -> StatusEvent.Kind {
        switch self {
        case .handleCreated(let parent, let request?):
            .handleCreated(
                parent: parent,
                request: RequestSummary(method: request.method, url: redaction.url(request.url), file: request.file)
            )
        case .redirect(let url): .redirect(url: redaction.url(url))
        case .intermediateResponse(let status, let fields):
            .intermediateResponse(status: status, headerFields: redaction.fields(fields))
        case .tunnelRefused(let status, let fields):
            .tunnelRefused(status: status, headerFields: redaction.fields(fields))
        default: self
        }
    }
}
