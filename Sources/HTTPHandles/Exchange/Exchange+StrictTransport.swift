import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

extension Exchange {
    /// Takes in what a response says of strict transport, if its connection was verified.
    func learnStrictTransport(of head: HeaderBlock) {
        let origin = request.message.url.origin
        guard origin.isSecure, options.values.serverTrust.isStrict, let name = Self.fieldName,
            let value = head.fields()[values: name].first
        else { return }
        resources.strictTransport.received(value, from: origin, at: CurlDate.now)
    }

    private static let fieldName = HTTPField.Name("Strict-Transport-Security")
}

extension RequestMessage {
    /// The message with an https URL, where strict transport requires it.
    func upgraded(_ values: OptionValues, _ resources: ExchangeResources) -> RequestMessage {
        guard values.usesStrictTransport else { return self }
        let upgraded = resources.strictTransport.upgraded(url, at: CurlDate.now)
        guard upgraded != url else { return self }
        return RequestMessage(method: method, url: upgraded, headerFields: headerFields)
    }
}
