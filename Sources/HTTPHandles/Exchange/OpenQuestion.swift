import HTTPHandlesDriver

/// A question to the caller's code, asked in a task of its own: for credentials, for a decision, or to a clock.
///
/// While it is open, a time limit or a close may end what it was about, and another may be asked. So questions are
/// numbered, and the answer to one that is not open any more is recognised.
struct OpenQuestion {
    /// The task on whose behalf questions are asked; `nil` where none was expected.
    private let caller: CallingTask?
    private var question: AskedQuestion?
    private var asked = 0

    init(for caller: CallingTask?) {
        self.caller = caller
    }

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

extension Exchange {
    /// Asks the caller's code. The answer is taken on the driver's thread, unless it is not waited for any more.
    func ask<Answer: Sendable>(
        as question: any ReferenceWritableKeyPath<Exchange, OpenQuestion> & Sendable = \.question,
        _ answer: @escaping @Sendable () async -> Answer,
        then take: @escaping @Sendable (Exchange, Answer, TransferEngine) -> Void
    ) {
        self[keyPath: question].ask(answer) { [driver, exchange = DriverBound(self)] number, answer in
            driver.submit { engine in
                guard exchange.value[keyPath: question].isAnswered(number) else { return }
                take(exchange.value, answer, engine)
            }
        }
    }
}
