/// An asynchronous sequence that repeats one piece: the cheapest streamed body.
package struct RepeatedPieces<Piece: Sendable>: AsyncSequence, Sendable {
    package typealias Element = Piece

    let piece: Piece
    let count: Int

    package init(_ piece: Piece, count: Int) {
        self.piece = piece
        self.count = count
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let piece: Piece
        var left: Int

        package mutating func next() async -> Piece? {
            guard left > 0 else { return nil }
            left -= 1
            return piece
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(piece: piece, left: count) }
}
