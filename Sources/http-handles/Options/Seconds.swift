import ArgumentParser

/// A time on the command line, from 0 to 1e9 seconds, so that a clock can add it.
struct Seconds: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let seconds = Double(argument), (0...1e9).contains(seconds) else { return nil }
        duration = .seconds(seconds)
    }
}
