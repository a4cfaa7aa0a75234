import HTTPTypes

extension RedirectProposal: CustomStringConvertible, CustomDebugStringConvertible {
    /// The status, the next method and the next URL, without secrets, for example "302: GET https://example.com/?id=(redacted)".
    public var description: String { "\(status.code): \(method) \(Redaction.standard.url(url))" }

    /// The same as `description`.
    public var debugDescription: String { description }
}

extension AuthenticationQuestion: CustomStringConvertible, CustomDebugStringConvertible {
    /// The URL, without secrets, and the schemes that the server offers.
    public var description: String {
        "\(Redaction.standard.url(url)) asks for \(challenges.map(\.scheme.description).joined(separator: ", "))"
    }

    /// The same as `description`.
    public var debugDescription: String { description }
}
