import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket state machine: the smallest receive buffer")
struct WebSocketSmallBufferTests {
    /// What the reader cannot have yet must not pause reading: the rest, which it waits for, would never come.
    @Test(arguments: [false, true], [false, true])
    func `a text in parts that end inside characters`(_ isCompressed: Bool, _ isWhole: Bool) throws {
        let text = Array("aé€😀b".utf8)
        for lendsMessages in [false, true] {
            var settings = TestSocket.settings
            settings.receiveBuffer = 1
            let socket = TestSocket(settings, isCompressed ? .small() : nil)
            socket.lendsMessages = lendsMessages
            let deflater = isCompressed ? MessageDeflater(.small()) : nil
            var received: [UInt8] = []
            var isReading = false
            for (index, byte) in text.enumerated() {
                let isLast = index == text.count - 1
                let coded = try deflater?.deflate([byte], flush: true, endsMessage: isLast) ?? [byte]
                socket.receive(frame(index == 0 ? 1 : 0, coded, fin: isLast, rsv: index == 0 && isCompressed ? 4 : 0))
                // All that is there.
                repeat {
                    if !isReading { try #require(socket.read(whole: isWhole) == nil) }
                    isReading = true
                    for case .deliver(let piece) in socket.actions {
                        received += piece.bytes
                        isReading = false
                    }
                } while !isReading
                #expect(!socket.isPaused, "after \(index + 1) bytes")
            }
            #expect(received == text)
        }
    }
}
