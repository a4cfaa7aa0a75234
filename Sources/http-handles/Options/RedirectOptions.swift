import ArgumentParser
import HTTPHandles

/// The options for redirects.
struct RedirectOptions: ParsableArguments, Sendable {
    @Flag(
        name: [.customShort("L"), .customLong("location")],
        help: "Follow redirects; on by default, but not from https to http."
    )
    var location = false

    @Flag(name: [.customLong("no-redirects"), .customLong("no-location")], help: "Do not follow redirects.")
    var noRedirects = false

    @Option(
        name: [.customLong("max-redirs")],
        help: ArgumentHelp("How many redirects are followed; 10 by default, -1 for all.", valueName: "number")
    )
    var maximum: Int?

    @Flag(help: "POST again after 301; the same for the other two.") var post301 = false
    @Flag var post302 = false
    @Flag var post303 = false

    func validate() throws {
        if let maximum, maximum < -1 { throw ValidationError("--max-redirs must be at least -1.") }
    }

    var settings: [OptionSetting] {
        var settings: [OptionSetting] = []
        if noRedirects { settings.append(.set(.redirectPolicy, to: .never)) }
        if let maximum { settings.append(.set(.maximumRedirects, to: maximum < 0 ? .max : maximum)) }
        let statuses = [(301, post301), (302, post302), (303, post303)].filter(\.1).map(\.0)
        if !statuses.isEmpty { settings.append(.set(.redirectsKeepingPost, to: Set(statuses))) }
        return settings
    }
}
