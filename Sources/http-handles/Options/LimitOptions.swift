import ArgumentParser
import HTTPHandles
import HTTPHandlesCommandLine

/// The options for time and size.
struct LimitOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customShort("m"), .customLong("max-time"), .customLong("timeout")],
        help: ArgumentHelp("The time limit of each exchange.", valueName: "seconds")
    )
    var timeout: Seconds?

    @Option(help: ArgumentHelp("The time limit of connecting; 60 seconds by default.", valueName: "seconds"))
    var connectTimeout: Seconds?

    @Option(help: ArgumentHelp("Close the request after this time.", valueName: "seconds"))
    var cancelAfter: Seconds?

    @Option(help: ArgumentHelp("Read the body at most this fast; K, M and G are allowed.", valueName: "bytes/second"))
    var limitRate: ByteCount?

    @Option(help: ArgumentHelp("Fail if the body is longer; K, M and G are allowed.", valueName: "bytes"))
    var maxFilesize: ByteCount?

    var settings: [OptionSetting] {
        var settings: [OptionSetting] = []
        if let timeout { settings.append(.set(.totalTimeout, to: timeout.duration)) }
        if let connectTimeout { settings.append(.set(.connectTimeout, to: connectTimeout.duration)) }
        return settings
    }
}

/// A number of bytes on the command line, from 1.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int64

    init?(argument: String) {
        guard let bytes = Amounts.bytes(argument), bytes > 0 else { return nil }
        self.bytes = bytes
    }
}
