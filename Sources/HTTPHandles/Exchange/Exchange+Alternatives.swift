import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

// An alternative service is chosen for each transfer. To the driver the transfer is one with other options: an override of
// what is connected to, and its version of HTTP. So names, pools, trust and `Host` are those of a caller's override.

/// What the exchanges of a session know of alternative services.
struct SessionAlternatives {
    var services = AlternativeServices()
    /// Options of requests, and what was made of them: options that are the same object are not set again.
    private struct Snapshots {
        weak var own: OptionSnapshot?
        /// Lives as long as it is set in an easy handle.
        weak var there: OptionSnapshot?
    }

    private var snapshots: [AlternativeService.Place: Snapshots] = [:]

    mutating func options(_ options: OptionSnapshot, at place: AlternativeService.Place) -> OptionSnapshot {
        if let known = snapshots[place], known.own === options, let there = known.there { return there }
        if snapshots.count >= Self.maximumSnapshots { snapshots = [:] }
        let there = options.at(place)
        snapshots[place] = Snapshots(own: options, there: there)
        return there
    }

    private static let maximumSnapshots = 64
}

/// The alternative services of an exchange.
struct AlternativeUse {
    /// The one of the present transfer.
    var place: AlternativeService.Place?
    /// How many could not be reached.
    var failures = 0

    /// A server may announce others as fast as they fail.
    static let maximumFailures = 4
}

extension Exchange {
    /// What the next transfer sends, at an alternative service if there is one.
    func requestAtAlternative() -> TransferRequest {
        alternative.place = nil
        let (message, values) = (request.message, options.values)
        // What the caller or a proxy decides takes precedence.
        guard request.route == nil, !options.hasUnixSocket, values.serverTrust.isStrict,
            alternative.failures < AlternativeUse.maximumFailures,
            !values.resolveOverrides.contains(where: { $0.applies(to: message.url.origin) }),
            let place = resources.alternatives.services.choice(
                for: message.url.origin,
                values.httpVersions,
                hasHTTP3: CurlLibrary.linked.has(.http3),
                at: CurlDate.now
            )
        else { return request }
        alternative.place = place
        var fields = message.headerFields
        if let name = Self.usedName, !fields.contains(name) { fields[name] = place.authority }
        return TransferRequest(
            RequestMessage(method: message.method, url: message.url, headerFields: fields),
            request.body,
            resources.alternatives.options(request.options, at: place)
        )
    }

    private static let fieldName = HTTPField.Name("Alt-Svc")
    private static let usedName = HTTPField.Name("Alt-Used")

    /// Takes in what a response says of alternative services, if its connection was verified.
    func learnAlternatives(of head: HeaderBlock) {
        guard head.status != 421 else {
            // The service does not serve the origin, and what else it says of that is ignored (RFC 7838, section 6).
            if let place = alternative.place { resources.alternatives.services.remove(place) }
            return
        }
        let origin = request.message.url.origin
        guard origin.isSecure, options.values.serverTrust.isStrict, let name = Self.fieldName else { return }
        let fields = head.fields()
        guard fields.contains(name) else { return }
        let value = fields[values: name].joined(separator: ", ")
        let age = fields[.age].flatMap(Int64.init) ?? 0
        let now = CurlDate.now
        resources.alternatives.services.received(value, from: origin, head.version, age: max(age, 0), at: now)
    }

    /// Whether the exchange goes on after a failure at an alternative service, which is avoided from then on.
    func leavesAlternative(
        after error: HandleError,
        _ secureFailure: SecureFailure,
        _ actions: inout ExchangeActions
    ) -> Bool {
        guard let place = alternative.place, error.isOfConnecting,
            machine.alternativeFailed(error, secureFailure, &actions)
        else { return false }
        alternative.place = nil
        alternative.failures += 1
        resources.alternatives.services.failed(place, at: CurlDate.now)
        // There is no proxy, and none is looked for once more.
        proxySearch.keepsRoute = true
        return true
    }
}

extension HandleError {
    /// There was no connection to what was to be connected to.
    fileprivate var isOfConnecting: Bool {
        switch code {
        case .cannotConnect, .nameNotResolved, .secureFailure, .connectionError, .httpProtocolMismatch: true
        case .timeout: phase == .connect || phase == .resolve
        default: false
        }
    }
}
