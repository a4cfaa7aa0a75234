package import HTTPHandlesCore

/// Where the bytes come from that go out over an upgraded connection.
package protocol UpgradedOutput: AnyObject {
    /// The next bytes, at most `limit`. None means that there are none until `Transfer.resumeSending`. Called from inside
    /// libcurl: nothing but a look at what is there.
    func takeOutput(upTo limit: Int, at now: MonotonicTime) -> [UInt8]
}

/// The connection of a request that asks for an upgrade, as far as it is not HTTP: what comes behind the 101, and what goes
/// out. Until it is taken over, what comes is kept here, and nothing goes out.
package final class UpgradedStream: DriverResident {
    package let driver: Driver
    package private(set) var upgrade: UpgradeRequest
    /// How the transfer has ended.
    package enum End { case finished, failed(HandleError) }

    /// Set by who takes the connection over.
    package weak var output: (any UpgradedOutput)?
    /// The reader is slow, and nothing more is taken.
    package var isHeld = false
    /// Nothing more goes out.
    package var isOutputOver = false
    /// Before the connection was taken over.
    package var end: End?
    private var received: [UInt8] = []

    /// About what libcurl delivers at once.
    private static let capacity = 64 << 10

    package init(_ upgrade: UpgradeRequest, _ driver: Driver) {
        self.upgrade = upgrade
        self.driver = driver
    }

    /// The request goes out on another connection. Returns the key of that; `nil` for another protocol than WebSocket.
    func renewKey(using pool: RandomPool) -> String? {
        var generator = pool
        upgrade.renewKey(using: &generator)
        return upgrade.key
    }

    /// What has come since the last call.
    package func takeReceived() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &received)
        return taken
    }

    /// `false` if libcurl has to pause.
    func receive(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard !isHeld, received.count < Self.capacity else { return false }
        unsafe received.append(contentsOf: piece)
        return true
    }

    func supply(_ target: UnsafeMutableRawBufferPointer, at now: MonotonicTime) -> UploadBuffer.Supply {
        if isOutputOver { return .end }
        guard let bytes = output?.takeOutput(upTo: target.count, at: now), !bytes.isEmpty else {
            return isOutputOver ? .end : .nothingYet
        }
        let count = min(bytes.count, target.count)
        unsafe bytes.withUnsafeBytes { source in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
        }
        return .bytes(count)
    }
}
