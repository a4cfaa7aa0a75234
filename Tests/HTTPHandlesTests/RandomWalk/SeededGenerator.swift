/// The same numbers from the same seed, everywhere. (SplitMix64)
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self) < percent
    }

    mutating func one<Value>(of values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &self)]
    }

    /// One of several values, each as often as its weight says.
    mutating func weighted<Value>(_ values: [(weight: Int, value: Value)]) -> Value {
        var rest = Int.random(in: 0..<values.reduce(0) { $0 + $1.weight }, using: &self)
        for (weight, value) in values {
            rest -= weight
            if rest < 0 { return value }
        }
        return values[0].value
    }
}
