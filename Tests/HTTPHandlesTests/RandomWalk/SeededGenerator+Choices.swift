import HTTPHandles

extension SeededGenerator {
    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self) < percent
    }

    mutating func one<Value>(of values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &self)]
    }

    /// One of several values, with probabilities in proportion to their weights.
    mutating func weighted<Value>(_ values: [(weight: Int, value: Value)]) -> Value {
        var rest = Int.random(in: 0..<values.reduce(0) { $0 + $1.weight }, using: &self)
        for (weight, value) in values {
            rest -= weight
            if rest < 0 { return value }
        }
        return values[0].value
    }
}
