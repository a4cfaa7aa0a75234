import Testing

@testable import HTTPHandlesDriver

@Suite("Random numbers of the driver")
struct RandomPoolTests {
    @Test func `no number comes twice, also across refills`() {
        let pool = RandomPool()
        // Of 64 bits each: that two of them are the same by chance will not happen.
        let numbers = (0..<2000).map { _ in pool.next() as UInt64 }
        #expect(Set(numbers).count == numbers.count)
        #expect(!numbers.contains(0))
    }
}
