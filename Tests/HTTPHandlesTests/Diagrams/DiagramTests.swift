import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The diagrams in the documents are those that are drawn here, from what handles and state machines really do.
///
/// With `HTTP_HANDLES_WRITE_DIAGRAMS=1` they are written, for review and commit.
@Suite("Diagrams", .timeLimit(.minutes(5)))
struct DiagramTests {
    @Test func `the tree of handles`() async throws {
        try Self.compare(try await HandleTree().drawing, "HandleTree")
    }

    @Test func `the life of a handle`() async throws {
        try Self.compare(try await HandleLife().drawing, "HandleLife")
    }

    @Test func `the phases of a request`() throws {
        let phases = RequestPhases()
        try phases.check()
        try Self.compare(phases.drawing, "RequestPhases")
    }

    private static func compare(_ drawing: Drawing, _ name: String) throws {
        #expect(drawing.overflows == [])
        let path = "Docs/Diagrams/\(name).svg"
        if ProcessInfo.processInfo.environment["HTTP_HANDLES_WRITE_DIAGRAMS"] == "1" {
            try Document.write(drawing.svg, to: path)
        }
        #expect(try Document(path).text == drawing.svg)
    }
}
