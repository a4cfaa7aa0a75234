import Foundation
package import HTTPHandles

/// What can go wrong with a call of `NotesClient`.
package enum NotesError: Error {
    /// There is no such note.
    case notFound
    /// The user has to log in again.
    case loginExpired
    /// The service has refused the request, for this reason.
    case refused(status: Int, title: String)
    /// There was no usable answer.
    case failed(HandleError)

    /// What a service says about a failure (RFC 9457).
    private struct Problem: Decodable {
        let title: String
    }

    init(_ error: HandleError) {
        guard let response = error.response else {
            self = error.code == .loginFailure ? .loginExpired : .failed(error)
            return
        }
        if response.status == .notFound {
            self = .notFound
        } else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.bodyStart))
            self = .refused(status: response.status.code, title: problem?.title ?? response.status.reasonPhrase)
        }
    }
}

extension NotesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound: "there is no such note"
        case .loginExpired: "the login has expired: log in again"
        case .refused(let status, let title): "refused (\(status)): \(title)"
        case .failed(let error): "\(error)"
        }
    }
}
