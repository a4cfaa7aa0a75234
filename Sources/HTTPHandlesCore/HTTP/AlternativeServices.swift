/// The alternative services that a session knows (RFC 7838).
package struct AlternativeServices: Sendable {
    private struct Entry {
        var service: AlternativeService
        /// It could not be reached, and is not tried before.
        var isAvoidedUntil = Int64.min
    }

    /// In the order in which they are to be tried.
    private var entries: [Origin: [Entry]] = [:]

    package init() {}

    /// Servers could fill the memory: with origins of their own, and with alternatives of one.
    private static let maximumOrigins = 1000
    private static let maximumPerOrigin = 8
    /// How long one is not tried that could not be reached, in seconds.
    private static let avoidance: Int64 = 300

    /// Takes a service in, in place of the same one, or else as the last of its origin.
    package mutating func set(_ service: AlternativeService) {
        let origin = service.place.origin
        guard entries.count < Self.maximumOrigins || entries[origin] != nil else { return }
        if let index = entries[origin]?.firstIndex(where: { $0.service.place == service.place }) {
            entries[origin]?[index] = Entry(service: service)
        } else if entries[origin]?.count ?? 0 < Self.maximumPerOrigin {
            entries[origin, default: []].append(Entry(service: service))
        }
    }

    package mutating func removeAll() { entries = [:] }

    package mutating func remove(_ place: AlternativeService.Place) {
        entries[place.origin]?.removeAll { $0.service.place == place }
        if entries[place.origin]?.isEmpty == true { entries[place.origin] = nil }
    }

    /// The services that have not come to their end, by origin.
    package func list(at now: Int64) -> [AlternativeService] {
        entries.sorted { ($0.key.host, $0.key.port) < ($1.key.host, $1.key.port) }
            .flatMap { $0.value.map(\.service) }.filter { $0.expires > now }
    }

    // MARK: Requests

    /// Where a request to `origin` goes; `nil` for the origin itself.
    ///
    /// - Parameters:
    ///   - versions: Those that the request may use.
    ///   - hasHTTP3: Whether the linked libcurl has it.
    package func choice(
        for origin: Origin,
        _ versions: HTTPVersionPolicy,
        hasHTTP3: Bool,
        at now: Int64
    ) -> AlternativeService.Place? {
        guard origin.isSecure, let entries = entries[origin] else { return nil }
        let choice = entries.first { entry in
            entry.service.expires > now && entry.isAvoidedUntil <= now && versions.allows(entry.service.version)
                && (hasHTTP3 || entry.service.version != .http3)
        }
        guard let place = choice?.service.place, !place.isOrigin else { return nil }
        return place
    }

    /// It could not be reached.
    package mutating func failed(_ place: AlternativeService.Place, at now: Int64) {
        guard let index = entries[place.origin]?.firstIndex(where: { $0.service.place == place }) else { return }
        entries[place.origin]?[index].isAvoidedUntil = now + Self.avoidance
    }

    // MARK: Responses

    /// Takes in the field `Alt-Svc` of a response that came over TLS from `origin`.
    ///
    /// - Parameters:
    ///   - version: That of the response.
    ///   - age: That of the response, in seconds.
    package mutating func received(
        _ value: String,
        from origin: Origin,
        _ version: HTTPVersion,
        age: Int64 = 0,
        at now: Int64
    ) {
        guard origin.isSecure, let advertised = AdvertisedService.all(in: value, of: origin) else { return }
        let avoided = entries.removeValue(forKey: origin) ?? []
        if entries.count >= Self.maximumOrigins { removeExpired(at: now) }
        for service in advertised where service.maximumAge > age {
            let (end, isTooLarge) = now.addingReportingOverflow(service.maximumAge - age)
            let originVersion = version == .http2 || version == .http3 ? version : .http1_1
            set(
                AlternativeService(
                    service.place,
                    expires: isTooLarge ? .max : end,
                    persists: service.persists,
                    originVersion: originVersion
                )
            )
        }
        for old in avoided where old.isAvoidedUntil > now {
            let index = entries[origin]?.firstIndex { $0.service.place == old.service.place }
            if let index { entries[origin]?[index].isAvoidedUntil = old.isAvoidedUntil }
        }
    }

    private mutating func removeExpired(at now: Int64) {
        entries = entries.mapValues { $0.filter { $0.service.expires > now } }.filter { !$0.value.isEmpty }
    }

    // MARK: Files

    /// curl's format: version, host and port of the origin, the same of the service, its end in UTC, whether it persists,
    /// and a number that curl does not use.
    package func fileContents(at now: Int64) -> [UInt8] {
        func text(_ version: HTTPVersion) -> String { AlternativeProtocol(version)?.rawValue ?? "" }
        func text(_ host: String) -> String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }
        var lines = "# Your alt-svc cache. https://curl.se/docs/alt-svc.html\n"
        for service in list(at: now) {
            let end = CalendarDate(secondsSince1970: service.expires).compactText
            lines += "\(text(service.originVersion)) \(text(service.originHost)) \(service.originPort) "
            lines += "\(text(service.version)) \(text(service.host)) \(service.port) "
            lines += "\"\(end)\" \(service.persists ? 1 : 0) 0\n"
        }
        return Array(lines.utf8)
    }

    /// The service of a line of such a file; `nil` for other lines.
    package static func service(in line: some Collection<UInt8>) -> AlternativeService? {
        let parts = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 10, let originVersion = AlternativeProtocol(rawValue: parts[0])?.version,
            let originPort = Int(parts[2]), let version = AlternativeProtocol(rawValue: parts[3])?.version,
            let port = Int(parts[5]), let persists = Int(parts[8])
        else { return nil }
        let quoted = "\(parts[6]) \(parts[7])".utf8
        guard quoted.first == UInt8(ascii: "\""), quoted.last == UInt8(ascii: "\""),
            let end = CalendarDate(compactText: String(Substring(quoted.dropFirst().dropLast())))
        else { return nil }
        let origin = Origin(isSecure: true, host: host(parts[1]).asciiLowercased, port: originPort)
        let service = AlternativeService(
            AlternativeService.Place(
                origin: origin,
                version: version,
                host: host(parts[4]).asciiLowercased,
                port: port
            ),
            expires: end.secondsSince1970,
            persists: persists != 0,
            originVersion: originVersion
        )
        return service.problem == nil ? service : nil
    }

    /// Without the brackets of an IPv6 address.
    fileprivate static func host(_ text: String) -> String {
        guard text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") else { return text }
        return String(Substring(text.utf8.dropFirst().dropLast()))
    }
}

/// One of the services in an `Alt-Svc` field.
private struct AdvertisedService {
    let place: AlternativeService.Place
    /// In seconds.
    let maximumAge: Int64
    let persists: Bool

    /// The services of versions that there are here; none for "clear". `nil` for a value that is to be ignored.
    static func all(in value: String, of origin: Origin) -> [AdvertisedService]? {
        var scanner = FieldScanner(value)
        func isBetween(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || FieldScanner.isBlank(byte) }
        scanner.skip(FieldScanner.isBlank)
        if scanner.rest.starts(with: "clear".utf8), scanner.rest.dropFirst(5).allSatisfy(FieldScanner.isBlank) {
            return []
        }
        var services: [AdvertisedService] = []
        var isEmpty = true
        while true {
            scanner.skip(isBetween)
            if scanner.rest.isEmpty { return isEmpty ? nil : services }
            isEmpty = false
            guard let (id, authority) = scanner.parameter(), let parameters = parameters(&scanner),
                !scanner.isUnterminated
            else { return nil }
            guard let version = AlternativeProtocol(field: id)?.version,
                let (host, port) = hostAndPort(authority, origin), let maximumAge = seconds(parameters["ma"])
            else { continue }
            let place = AlternativeService.Place(origin: origin, version: version, host: host, port: port)
            guard place.override.problem == nil else { continue }
            let persists = parameters["persist"] == "1"
            services.append(AdvertisedService(place: place, maximumAge: maximumAge, persists: persists))
        }
    }

    /// What comes up to the next comma; `nil` if it is malformed.
    private static func parameters(_ scanner: inout FieldScanner) -> [String: String]? {
        var parameters: [String: String] = [:]
        scanner.skip(FieldScanner.isBlank)
        while scanner.rest.first == UInt8(ascii: ";") {
            _ = scanner.rest.popFirst()
            scanner.skip(FieldScanner.isBlank)
            guard let (name, value) = scanner.parameter() else { return nil }
            parameters[name.asciiLowercased] = value
            scanner.skip(FieldScanner.isBlank)
        }
        return scanner.rest.first ?? UInt8(ascii: ",") == UInt8(ascii: ",") ? parameters : nil
    }

    /// A day, unless the server says otherwise.
    private static func seconds(_ digits: String?) -> Int64? {
        guard let digits else { return 86_400 }
        guard !digits.isEmpty, digits.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        return Int64(digits) ?? .max
    }

    private static func hostAndPort(_ authority: String, _ origin: Origin) -> (host: String, port: Int)? {
        guard let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = authority.utf8[colon...].dropFirst()
        guard (1...5).contains(digits.count), digits.allSatisfy(\.isASCIIDigit), let port = Int(Substring(digits))
        else {
            return nil
        }
        let text = String(authority[..<colon])
        let host = AlternativeServices.host(text)
        // An IPv6 address has brackets, and nothing else has.
        guard host.isEmpty || (host != text) == host.utf8.contains(UInt8(ascii: ":")) else { return nil }
        guard text.utf8.count <= 255 else { return nil }
        return (host.isEmpty ? origin.host : host.asciiLowercased, port)
    }
}
