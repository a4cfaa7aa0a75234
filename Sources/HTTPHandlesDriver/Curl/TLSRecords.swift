import CHTTPHandlesCurl

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

extension TLSLibrary {
    /// Whether what waits on an idle connection is nothing to HTTP: session tickets, an update of the keys. It is taken off
    /// the connection then.
    ///
    /// Only OpenSSL can say, since TLS 1.3 hides what kind of record it is, and it must not be asked through libcurl's own
    /// input and output, which work only inside libcurl. So for the moment of the question OpenSSL gets a copy of what
    /// waits in place of its input, and nothing can go out. Where its functions are not there, the answer is no.
    static func hasOnlyRecordsWithoutData(_ curl: borrowing CurlEasy, _ descriptor: Int32) -> Bool {
        guard let functions = unsafe recordFunctions, let ssl = unsafe connection(of: curl) else { return false }
        var waiting = [UInt8](repeating: 0, count: longestAnswer)
        let count = unsafe recv(descriptor, &waiting, waiting.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        // As much as there is room for is no ticket.
        guard count > 0, count < waiting.count else { return false }
        guard let output = unsafe functions.makeOutput() else { return false }
        let answer = unsafe waiting.withUnsafeBytes { waiting in
            unsafe functions.ask(ssl, waiting.baseAddress, Int32(count), output)
        }
        guard let answer, answer.isWithoutData else { return false }
        // What OpenSSL has read is part of its state now, and must not be read again.
        guard answer.taken > 0, answer.taken == count else { return false }
        return unsafe recv(descriptor, &waiting, answer.taken, Int32(MSG_DONTWAIT)) == answer.taken
    }

    /// Some tickets: servers send one or two, of a few hundred bytes each.
    private static let longestAnswer = 16 << 10

    private typealias Object = UnsafeMutableRawPointer

    /// What OpenSSL has made of what waits.
    private struct Answer {
        let isWithoutData: Bool
        let taken: Int
    }

    /// OpenSSL's functions, each with the types of its documentation (version 1.1.0 and later).
    @unsafe
    private struct RecordFunctions: Sendable {
        let inputOf: @convention(c) (Object) -> Object?
        let outputOf: @convention(c) (Object) -> Object?
        let setInput: @convention(c) (Object, Object) -> Void
        let setOutput: @convention(c) (Object, Object) -> Void
        let retain: @convention(c) (Object) -> Int32
        let free: @convention(c) (Object) -> Int32
        let memory: @convention(c) () -> Object?
        let make: @convention(c) (Object?) -> Object?
        let makeFromMemory: @convention(c) (UnsafeRawPointer?, Int32) -> Object?
        let control: @convention(c) (Object, Int32, Int, Object?) -> Int
        let peek: @convention(c) (Object, UnsafeMutableRawPointer, Int32) -> Int32
        let error: @convention(c) (Object, Int32) -> Int32
        let clearErrors: @convention(c) () -> Void
        let contextOf: @convention(c) (Object) -> Object?
        let ticketCallbackOf: @convention(c) (Object) -> Object?
        let setTicketCallback: @convention(c) (Object, Object?) -> Void

        func makeOutput() -> Object? { unsafe make(memory()) }

        /// Takes over `output`. Afterwards the connection is as it was, but for what it has read.
        func ask(_ ssl: Object, _ bytes: UnsafeRawPointer?, _ count: Int32, _ output: Object) -> Answer? {
            guard let copy = unsafe makeFromMemory(bytes, count), let input = unsafe inputOf(ssl),
                let ownOutput = unsafe outputOf(ssl), let context = unsafe contextOf(ssl)
            else {
                _ = unsafe free(output)
                return nil
            }
            // The end of the copy is not the end of the connection. (BIO_C_SET_BUF_MEM_EOF_RETURN)
            _ = unsafe control(copy, 130, -1, nil)
            // Setting another drops a reference to these.
            _ = unsafe retain(input)
            _ = unsafe retain(ownOutput)
            // libcurl would be called with the ticket, and is not prepared for that here.
            let callback = unsafe ticketCallbackOf(context)
            unsafe setTicketCallback(context, nil)
            unsafe setInput(ssl, copy)
            unsafe setOutput(ssl, output)
            var byte: UInt8 = 0
            unsafe clearErrors()
            let result = unsafe peek(ssl, &byte, 1)
            // SSL_ERROR_WANT_READ: everything was read, and none of it was data, or an end.
            let isWithoutData = unsafe result <= 0 && error(ssl, result) == 2
            unsafe clearErrors()
            // BIO_CTRL_PENDING: what is left of the copy, and what OpenSSL wants to send, which could not be kept.
            let left = unsafe control(copy, 10, 0, nil)
            let answers = unsafe control(output, 10, 0, nil)
            unsafe setInput(ssl, input)
            unsafe setOutput(ssl, ownOutput)
            unsafe setTicketCallback(context, callback)
            return Answer(isWithoutData: isWithoutData && answers == 0, taken: Int(count) - left)
        }
    }

    private static let recordFunctions: RecordFunctions? = {
        guard let inputOf = unsafe symbol("SSL_get_rbio"),
            let outputOf = unsafe symbol("SSL_get_wbio"),
            let setInput = unsafe symbol("SSL_set0_rbio"),
            let setOutput = unsafe symbol("SSL_set0_wbio"),
            let retain = unsafe symbol("BIO_up_ref"),
            let free = unsafe symbol("BIO_free"),
            let memory = unsafe symbol("BIO_s_mem"),
            let make = unsafe symbol("BIO_new"),
            let makeFromMemory = unsafe symbol("BIO_new_mem_buf"),
            let control = unsafe symbol("BIO_ctrl"),
            let peek = unsafe symbol("SSL_peek"),
            let error = unsafe symbol("SSL_get_error"),
            let clearErrors = unsafe symbol("ERR_clear_error"),
            let contextOf = unsafe symbol("SSL_get_SSL_CTX"),
            let ticketCallbackOf = unsafe symbol("SSL_CTX_sess_get_new_cb"),
            let setTicketCallback = unsafe symbol("SSL_CTX_sess_set_new_cb")
        else { return nil }
        return unsafe RecordFunctions(
            inputOf: unsafeBitCast(inputOf, to: (@convention(c) (Object) -> Object?).self),
            outputOf: unsafeBitCast(outputOf, to: (@convention(c) (Object) -> Object?).self),
            setInput: unsafeBitCast(setInput, to: (@convention(c) (Object, Object) -> Void).self),
            setOutput: unsafeBitCast(setOutput, to: (@convention(c) (Object, Object) -> Void).self),
            retain: unsafeBitCast(retain, to: (@convention(c) (Object) -> Int32).self),
            free: unsafeBitCast(free, to: (@convention(c) (Object) -> Int32).self),
            memory: unsafeBitCast(memory, to: (@convention(c) () -> Object?).self),
            make: unsafeBitCast(make, to: (@convention(c) (Object?) -> Object?).self),
            makeFromMemory: unsafeBitCast(
                makeFromMemory,
                to: (@convention(c) (UnsafeRawPointer?, Int32) -> Object?).self
            ),
            control: unsafeBitCast(control, to: (@convention(c) (Object, Int32, Int, Object?) -> Int).self),
            peek: unsafeBitCast(peek, to: (@convention(c) (Object, UnsafeMutableRawPointer, Int32) -> Int32).self),
            error: unsafeBitCast(error, to: (@convention(c) (Object, Int32) -> Int32).self),
            clearErrors: unsafeBitCast(clearErrors, to: (@convention(c) () -> Void).self),
            contextOf: unsafeBitCast(contextOf, to: (@convention(c) (Object) -> Object?).self),
            ticketCallbackOf: unsafeBitCast(ticketCallbackOf, to: (@convention(c) (Object) -> Object?).self),
            setTicketCallback: unsafeBitCast(setTicketCallback, to: (@convention(c) (Object, Object?) -> Void).self)
        )
    }()
}
