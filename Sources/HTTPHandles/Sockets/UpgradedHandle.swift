public import HTTPHandlesCore
import HTTPHandlesDriver

/// The connection of a request that the server has upgraded to another protocol: bytes both ways.
///
/// A child of the connection handle of that request, which can be closed without an effect on this handle. One task may
/// read while others write. Closing the handle, or cancelling a task in one of its operations, ends the connection.
///
/// `WinHttpProtocolCompleteUpgrade`'s handle.
public actor UpgradedHandle {
    let object: DriverBound<UpgradedObject>
    /// The head of the response by which the server has agreed.
    public nonisolated let head: ResponseHead

    init(_ object: DriverBound<UpgradedObject>) {
        self.object = object
        head = object.bound.upgraded.head
    }

    deinit {
        object.closeIfOpen()
    }

    /// The session's driver: calls between the handles of a session do not change threads.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe object.bound.base.driver.asUnownedSerialExecutor()
    }

    /// Reads bytes as soon as there are any; empty when the server has ended the connection.
    ///
    /// Possible on an open handle, also after `shutdown`, while no other read is pending. Event: `readComplete`; on failure
    /// `requestError`. A slow reader holds the server up (`receiveBuffer`). Throws `.connectionError` if the connection is
    /// lost. Closing the handle or cancelling the task makes it throw `.operationCancelled`.
    ///
    /// `WinHttpProtocolReceive`.
    ///
    /// - Parameter limit: How many bytes at most.
    public nonisolated(nonsending) func read(upTo limit: Int = .max) async throws(HandleError) -> [UInt8] {
        guard limit > 0 else { throw .invalidParameter(.readData, "the limit must be at least 1, but is \(limit)") }
        return try await object.perform(.readData) { [object] continuation in
            { engine in object.value.read(upTo: limit, engine, continuation) }
        }
    }

    /// Writes bytes. Returns when they were handed to the network, which waits while the server is slow.
    ///
    /// Possible until `shutdown`; writes of several tasks go out whole, in the order of the calls. Event: `writeComplete`; on
    /// failure `requestError`. Throws `.connectionError` if the connection is lost. Closing the handle or cancelling the
    /// task makes it throw `.operationCancelled`.
    ///
    /// `WinHttpProtocolSend`.
    public nonisolated(nonsending) func write(_ bytes: some Collection<UInt8>) async throws(HandleError) {
        let bytes = Array(bytes)
        try await object.perform(.writeData) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.write(bytes, engine, continuation) }
        }
    }

    /// Ends the sending direction, after the writes that wait. Reading goes on. (The other way round it does not: if the
    /// server ends its direction, libcurl ends the connection.)
    ///
    /// Possible once. Event: `shutdownComplete`. Over TLS the server is told by a close_notify; inside of TLS to a proxy this
    /// throws `.notSupported`. It waits while the server is slow. Closing the handle or cancelling the task makes it throw
    /// `.operationCancelled`.
    ///
    /// Not in WinHTTP; `shutdown(2)`.
    public nonisolated(nonsending) func shutdown() async throws(HandleError) {
        try await object.perform(.shutdown) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.shutdown(engine, continuation) }
        }
    }
}

extension UpgradedHandle: Handle {
    /// The library's own reference to the handle.
    public nonisolated var reference: HandleReference { HandleReference(object.bound) }
}
