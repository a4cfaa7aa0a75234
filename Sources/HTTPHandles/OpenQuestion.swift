/// A question to the user's code, asked in a task of its own.
///
/// While it is open a time limit, or a close and what follows it, may end what it was about, and another may be asked.
/// So questions are numbered, and an answer that nobody waits for any more is told from another.
struct OpenQuestion {
    private var task: Task<Void, Never>?
    private var asked = 0

    var isOpen: Bool { task != nil }

    /// Calls `isAnswered` with the question's number, in that task.
    mutating func ask<Answer: Sendable>(
        _ answer: @escaping @Sendable () async -> Answer,
        then isAnswered: @escaping @Sendable (Int, Answer) -> Void
    ) {
        asked += 1
        task = Task.detached { [asked] in
            let answer = await answer()
            if !Task.isCancelled { isAnswered(asked, answer) }
        }
    }

    /// `false` if it is the answer to a question that is not open any more.
    mutating func isAnswered(_ number: Int) -> Bool {
        guard task != nil, number == asked else { return false }
        task = nil
        return true
    }

    mutating func cancel() {
        task?.cancel()
        task = nil
    }
}
