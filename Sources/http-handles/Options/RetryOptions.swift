import ArgumentParser
import HTTPHandles
import HTTPTypes

/// The options for sending again.
struct RetryOptions: ParsableArguments, Sendable {
    @Option(
        help: ArgumentHelp(
            "Send again after 408, 429, 500, 502, 503, 504, timeouts and names that are not resolved, whatever the method.",
            valueName: "number"
        )
    )
    var retry: Int?

    @Option(help: ArgumentHelp("The first pause, which doubles; 1 second by default.", valueName: "seconds"))
    var retryDelay: Seconds?

    @Option(help: ArgumentHelp("Send again only within this time; 0 is any time.", valueName: "seconds"))
    var retryMaxTime: Seconds?

    @Flag(help: "Send again also where no connection is made.")
    var retryConnrefused = false

    @Flag(help: "Send again after all errors, and with -f after all statuses from 400.")
    var retryAllErrors = false

    func validate() throws {
        if let retry, !(0..<Int.max).contains(retry) { throw ValidationError("--retry must be at least 0.") }
        let isOff = retryDelay == nil && retryMaxTime == nil && !retryConnrefused && !retryAllErrors
        guard retry != nil || isOff else {
            throw ValidationError("The other options for retries need --retry.")
        }
    }

    /// - Parameter fails: Whether a status of 400 or more is a failure.
    func policy(for method: HTTPRequest.Method, fails: Bool) -> RetryPolicy? {
        guard let retry, retry > 0 else { return nil }
        var errors: Set<HandleErrorCode> = [.timeout, .nameNotResolved]
        if retryConnrefused { errors.insert(.cannotConnect) }
        if retryAllErrors {
            errors.formUnion([.cannotConnect, .connectionError, .invalidServerResponse, .secureFailure])
        }
        return RetryPolicy(
            maximumAttempts: retry + 1,
            methods: [method, .get, .head],
            statuses: retryAllErrors && fails ? Set(400..<600) : [408, 429, 500, 502, 503, 504],
            errors: errors,
            firstDelay: retryDelay?.duration ?? .seconds(1),
            maximumDelay: .seconds(600),
            maximumTime: retryMaxTime.flatMap { $0.duration == .zero ? nil : $0.duration },
            jitter: .none,
            budget: nil
        )
    }
}
