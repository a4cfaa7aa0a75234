import ArgumentParser

/// A time on the command line, up to some thirty years: what a `Duration` can hold, and a clock can add.
struct Seconds: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let seconds = Double(argument), (0...1e9).contains(seconds) else { return nil }
        duration = .seconds(seconds)
    }
}
