import HTTPHandlesDriver

/// A question to the user's code, asked in a task of its own: for credentials, for a decision, or to a clock.
///
/// While it is open a time limit, or a close and what follows it, may end what it was about, and another may be asked.
/// So questions are numbered, and an answer that nobody waits for any more is told from another.
struct OpenQuestion {
    private var task: Task<Void, Never>?
    private var asked = 0

    var isOpen: Bool { task != nil }

    /// Takes the place of a question that is open. Calls `isAnswered` with the new one's number, in that task.
    fileprivate mutating func ask<Answer: Sendable>(
        _ answer: @escaping @Sendable () async -> Answer,
        then isAnswered: @escaping @Sendable (Int, Answer) -> Void
    ) {
        cancel()
        asked += 1
        task = Task.detached { [asked] in
            let answer = await answer()
            if !Task.isCancelled { isAnswered(asked, answer) }
        }
    }

    /// `false` if it is the answer to a question that is not open any more.
    fileprivate mutating func isAnswered(_ number: Int) -> Bool {
        guard task != nil, number == asked else { return false }
        task = nil
        return true
    }

    mutating func cancel() {
        task?.cancel()
        task = nil
    }
}

extension RequestObject {
    /// Asks the user's code. The answer is taken on the driver's thread, unless nobody waits for it any more.
    func ask<Answer: Sendable>(
        _ answer: @escaping @Sendable () async -> Answer,
        then take: @escaping @Sendable (RequestObject, Answer, TransferEngine) -> Void
    ) {
        question.ask(answer) { [driver, object = DriverBound(self)] number, answer in
            driver.submit { engine in
                guard object.value.question.isAnswered(number) else { return }
                take(object.value, answer, engine)
            }
        }
    }
}
