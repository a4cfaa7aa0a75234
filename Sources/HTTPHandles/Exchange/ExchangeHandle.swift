import HTTPHandlesCore
import HTTPHandlesDriver

/// What an exchange sees of the request handle that it belongs to: its listeners, its readers, its lifetime.
///
/// Not its options: an exchange has those that it was sent with, and what is set later is for the next one.
protocol ExchangeHandle: AnyObject {
    var driver: Driver { get }

    /// Whether there are listeners to events, or telemetry.
    var isHeard: Bool { get }
    func emit(_ kind: @autoclosure () -> StatusEvent.Kind)
    /// The connection that events name.
    var connection: ConnectionID? { get set }
    /// Counts events that were not built, because there were no listeners.
    func skipEvents(_ count: Int)

    /// The body of the response, which is read on any thread, also while no exchange is running.
    var download: DownloadBuffer { get }
    /// Changes what is read on any thread of the response, besides its body.
    func changeReceived(_ change: (inout ReceivedFields) -> Void)

    /// Whether there are listeners to the progress.
    var isProgressWatched: Bool { get }
    func progressed(_ progress: TransferProgress)

    /// Makes credentials that the caller's provider gave for the request's own server those of the handle, for the next
    /// exchange. `false` if the caller has set credentials or a provider since: these take precedence, and may be another
    /// user's.
    ///
    /// - Parameters:
    ///   - known: The credentials that the handle had when the provider was asked.
    ///   - provider: Who gave them.
    func keep(_ credentials: Credentials, inPlaceOf known: Credentials?, from provider: CredentialProvider?) -> Bool
}
