import HTTPHandlesCore
import Testing

@testable import HTTPHandlesDriver

/// The system's resolver on threads of the library. (That nothing waits for it: `NeverBlockingTests`.)
@Suite("The system's resolver")
struct SystemResolverTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func `addresses are returned as they are`(address: String) async throws {
        #expect(try await SystemResolver.shared.addresses(of: address).get() == [address])
    }

    @Test func `a name of this machine has an address of loopback`() async throws {
        let addresses = try await SystemResolver.shared.addresses(of: "localhost").get()
        #expect(!addresses.isEmpty && Set(addresses).isSubset(of: ["127.0.0.1", "::1"]), "\(addresses)")
    }

    @Test func `a name that cannot be resolved has no addresses`() async throws {
        #expect(try await SystemResolver.shared.addresses(of: "no such name").get() == [])
    }

    @Test func `a task that is cancelled does not wait`() async throws {
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return try await SystemResolver.shared.addresses(of: "localhost").get()
        }
        #expect(try await task.value == [])
    }
}
