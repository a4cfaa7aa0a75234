import Foundation
import Testing

/// Compares the tables of Docs/Moving with the public names of the other libraries. The options of libcurl: `OptionListTests`.
@Suite("Guides for users of other libraries")
struct MovingGuideTests {
    @Test(
        arguments: [
            ("AsyncHTTPClient", "## Every public symbol", PeerNames.asyncHTTPClient),
            ("URLSession", "## Every public symbol", PeerNames.foundationNetworking),
        ]
    )
    func `every public name is in the tables`(guide: String, heading: String, list: String) throws {
        let names = PeerNames.all(in: list)
        #expect(names.count > 150)
        let words = try Self.words(of: guide, below: heading)
        #expect(names.filter { !words.contains(String($0)) }.sorted() == [])
    }

    @Test(
        arguments: [
            ("curl.h", #"\n *CURLINFO_(\w+) *="#, "## Every value of `curl_easy_getinfo`", 60),
            ("multi.h", #"CURLOPT\(CURLMOPT_(\w+)"#, "## Every function", 16),
        ]
    )
    func `every value and option of libcurl's headers is in the tables`(
        header: String,
        pattern: String,
        heading: String,
        least: Int
    ) throws {
        let pattern = try Regex(pattern, as: (Substring, Substring).self)
        let names = Set(try Self.header(header).matches(of: pattern).map { String($0.1) })
        #expect(names.count >= least)
        // Neither is a value that can be asked for.
        let others: Set = ["TEXT", "LASTONE"]
        let words = try Self.words(of: "Libcurl", below: heading)
        #expect(names.subtracting(others).filter { !words.contains($0) }.sorted() == [])
    }

    @Test func `every function of libcurl's headers is in the table`() throws {
        let headers = ["curl.h", "easy.h", "header.h", "multi.h", "urlapi.h", "websockets.h"]
        let declaration = /CURL_EXTERN[^;(]*?\b(curl_\w+)\s*\(/
        let names = Set(try headers.flatMap { try Self.header($0).matches(of: declaration).map { String($0.1) } })
        #expect(names.count > 70)
        let words = try Self.words(of: "Libcurl", below: "## Every function")
        #expect(names.filter { !words.contains($0) }.sorted() == [])
    }

    /// The words in the first cells of a guide's tables, and outside of the tables.
    private static func words(of guide: String, below heading: String) throws -> Set<String> {
        let document = try Document("Docs/Moving/From\(guide).md")
        let texts = document.section(heading).map { line in
            line.hasPrefix("|") ? line.dropFirst().prefix { $0 != "|" } : line[...]
        }
        return Set(texts.flatMap { $0.matches(of: /\w+/).map { String($0.0) } })
    }

    private static func header(_ name: String) throws -> String {
        let folders = ["/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu", "/usr/include"]
        let paths = folders.map { "\($0)/curl/\(name)" }
        let path = try #require(paths.first { FileManager.default.fileExists(atPath: $0) })
        return try String(contentsOfFile: path, encoding: .utf8)
    }
}
