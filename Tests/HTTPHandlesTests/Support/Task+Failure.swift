import HTTPHandles

extension Task {
    /// The error of the task, if it is one of this library.
    var failure: HandleError? {
        get async {
            do {
                _ = try await value
                return nil
            } catch {
                return error as? HandleError
            }
        }
    }
}
