import HTTPHandles
import HTTPHandlesDriver

/// The file of `-D`, which gets the heads of all transfers.
actor HeadDump {
    private let file: WritableFile

    init(_ path: String) throws(TransferFailure) {
        do {
            file = try path == "-" ? .standardOutput() : WritableFile(into: path)
        } catch {
            throw TransferFailure(error)
        }
    }

    func write(_ bytes: [UInt8]) throws(TransferFailure) {
        do {
            try file.write(bytes)
        } catch {
            throw TransferFailure(error)
        }
    }

    func complete() throws(TransferFailure) {
        do {
            try file.complete()
        } catch {
            throw TransferFailure(error)
        }
    }
}
