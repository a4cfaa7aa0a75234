import HTTPHandlesCore
import Testing

@Suite("Content length")
struct ContentLengthTests {
    /// The result for the values of several fields.
    func read(_ values: [String]) -> ContentLength {
        var length = ContentLength()
        for value in values {
            for byte in value.utf8 { length.take(byte) }
            length.endNumber()
        }
        return length
    }

    @Test(
        arguments: [
            (["0"], 0), (["4"], 4), ([" 4"], 4), (["\t4 \t"], 4), (["004"], 4), (["4, 4"], 4), (["4,4 ,\t04"], 4),
            (["4", "4"], 4), (["4", " 4", "004"], 4), (["2147483648"], 2_147_483_648), (["4294967296"], 4_294_967_296),
            (["9007199254740993"], 9_007_199_254_740_993), (["9223372036854775807"], .max),
            (["000000000000000000000000000000000004"], 4),
        ] as [([String], Int64)]
    )
    func `a length`(values: [String], length: Int64) {
        let read = read(values)
        #expect(read.length == length)
        #expect(read.problem == nil)
    }

    @Test(arguments: [
        "", " ", ",", "4,", ",4", "4,,4", "+4", "-4", "-0", "- 4", "4;", "4 4", "4\t4", "0x4", "4.0", "4e0", "four",
        "\"4\"", "4\0",
        "\r4", "４", "9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551620",
        "99999999999999999999", "340282366920938463463374607431768211460", "4, 99999999999999999999",
    ])
    func `malformed lengths`(value: String) {
        #expect(read([value]).problem == .malformed)
        #expect(read(["4", value]).problem == .malformed)
    }

    @Test(arguments: [["4, 10"], ["4", "10"], ["4,4", "5"], ["0", "9223372036854775807"]])
    func `two different lengths`(values: [String]) {
        #expect(read(values).problem == .contradictory)
    }
}
