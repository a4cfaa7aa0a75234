import Testing

@testable import HTTPHandlesCore

@Suite("Queries")
struct QueryItemsTests {
    @Test(arguments: [
        ("", []), ("&&", []), ("a=b", [QueryItem("a", "b")]), ("a", [QueryItem("a", nil)]),
        ("a=", [QueryItem("a", "")]), ("=b", [QueryItem("", "b")]),
        ("a=b=c&a=%26+%3d%zz%", [QueryItem("a", "b=c"), QueryItem("a", "& =%zz%")]),
        ("%FF=1", [QueryItem("\u{FFFD}", "1")]),
    ])
    func `a query is decoded`(text: String, items: [QueryItem]) {
        #expect(Array(QueryItems(decoding: text)) == items)
    }

    @Test func `every byte survives`() {
        let text = String((0...255).map { Character(Unicode.Scalar($0)) })
        var items = QueryItems()
        items.append(text, text)
        items.append("", nil)
        items.append("", "")
        let encoded = items.encoded
        #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"#+ ".utf8.contains($0) })
        var decoded = QueryItems(decoding: encoded)
        #expect(decoded[text] == text)
        // An empty name without "=" leaves nothing in the text.
        #expect(decoded.count == 2)
        decoded.append("x", "y")
        #expect(decoded["x"] == "y")
        #expect(decoded["y"] == nil)
    }
}
