import HTTPHandlesDriver

/// A question to the user's code, asked in a task of its own: for credentials, for a decision, or to a clock.
///
/// While it is open a time limit, or a close and what follows it, may end what it was about, and another may be asked.
/// So questions are numbered, and an answer that nobody waits for any more is told from another.
struct OpenQuestion {
    /// On whose behalf questions are asked; `nil` where none was expected.
    var caller: CallingTask?
    private var question: AskedQuestion?
    private var asked = 0

    var isOpen: Bool { question != nil }

    /// Takes the place of a question that is open. Calls `isAnswered` with the new one's number, in that task.
    fileprivate mutating func ask<Answer: Sendable>(
        _ answer: @escaping @Sendable () async -> Answer,
        then isAnswered: @escaping @Sendable (Int, Answer) -> Void
    ) {
        cancel()
        asked += 1
        let question = AskedQuestion { [asked] in
            let answer = await answer()
            if !Task.isCancelled { isAnswered(asked, answer) }
        }
        self.question = question
        if let caller { caller.ask(question) } else { question.begin() }
    }

    /// `false` if it is the answer to a question that is not open any more.
    fileprivate mutating func isAnswered(_ number: Int) -> Bool {
        guard question != nil, number == asked else { return false }
        question = nil
        return true
    }

    mutating func cancel() {
        question?.cancel()
        question = nil
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
