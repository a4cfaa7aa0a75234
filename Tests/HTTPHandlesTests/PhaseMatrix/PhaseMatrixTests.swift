import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The guarantees of closing in every phase, for every way to end.
@Suite("Phase matrix", .timeLimit(.minutes(5)))
struct PhaseMatrixTests {
    @Test(arguments: Cell.all.filter { !$0.needsOwnProcess })
    func `closing keeps its guarantees on`(_ cell: Cell) async throws {
        try await cell.run()
    }

    /// In a separate process for each phase, because other tests have threads, descriptors and transfers too.
    @Test(arguments: Phase.allCases)
    func `everything is released by every end of a request that`(_ phase: Phase) async {
        await #expect(processExitsWith: .success) { [phase] in
            let cells = Cell.all.filter { $0.phase == phase }
            // The first one also makes everything that is made once and kept.
            try await cells[0].run(isAlone: true)
            #expect(await eventually { Baseline.driverThreads == 0 && CurlCensus.handles == 0 })
            let descriptors = Baseline.descriptors
            for cell in cells {
                try await cell.run(isAlone: true)
                #expect(await eventually { Baseline.driverThreads == 0 }, "a thread after \(cell.testDescription)")
                #expect(await eventually { CurlCensus.handles == 0 }, "a libcurl handle after \(cell.testDescription)")
                #expect(
                    await eventually { Baseline.descriptors <= descriptors },
                    "a descriptor after \(cell.testDescription)"
                )
            }
        }
    }
}
