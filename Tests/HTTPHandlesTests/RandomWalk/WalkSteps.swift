import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The implementation of the steps.
extension RandomWalk {
    func perform(_ step: WalkStep, _ generator: inout SeededGenerator) async {
        switch step.operation {
        case .connect(let slot): _ = await connection(slot, renewed: true)
        case .open(let slot, let connection, let behaviour, let method):
            await open(slot, on: connection, behaviour, method)
        case .send(let slot, let body): await send(slot, body, step, &generator)
        case .receive(let slot):
            guard let request = await request(slot) else { return }
            await run(.receive, on: request, step, &generator) { handle async throws(HandleError) in
                try await handle.receiveResponse().walked
            }
        case .read(let slot):
            guard let request = await request(slot) else { return }
            await run(.read, on: request, step, &generator) { handle async throws(HandleError) in
                var iterator = handle.body.makeAsyncIterator()
                guard let piece = try await iterator.next() else { return .wholeBody(.init()) }
                return .bytes(.init(piece))
            }
        case .readToEnd(let slot):
            guard let request = await request(slot) else { return }
            await run(.readToEnd, on: request, step, &generator) { handle in await handle.body.readToEnd() }
        case .write(let slot, let count):
            guard let request = await request(slot) else { return }
            await run(.write, on: request, step, &generator) { handle async throws(HandleError) in
                try await handle.write([UInt8](repeating: 7, count: count)) ? .done : .unwanted
            }
        case .finishWriting(let slot):
            guard let request = await request(slot) else { return }
            await run(.finishWriting, on: request, step, &generator) { handle async throws(HandleError) in
                try await handle.finishWriting()
                return .done
            }
        case .close(let target):
            if let (handle, walked) = existing(target) { close(handle, walked) }
        case .closeAll(let target): closeAll(target)
        case .closeAtEvent(let slot, let count): await closeAtEvent(slot, count)
        case .closeAndWait(let slot):
            guard let request = await request(slot) else { return }
            close(request.handle, request.walked)
            await request.handle.closed()
        case .drop(let target): drop(target)
        case .setShortLimits(let target): await setShortLimits(target)
        case .setAnyOption(let target, let option, let value): await setAnyOption(target, option, value)
        case .queryOption(let target): await queryOption(target)
        case .changeHeaderFields(let slot, let rule): await changeHeaderFields(slot, rule)
        case .subscribe(let target, let mask, let scope):
            if let (handle, _) = existing(target) { record(handle, mask, scope) }
        case .listenFor(let target, let events):
            guard let (handle, _) = existing(target) else { return }
            // The listener keeps the stream and not the handle.
            let stream = handle.statusEvents()
            listen {
                var heard = 0
                for await _ in stream {
                    heard += 1
                    if heard >= events { break }
                }
            }
        case .setCookie:
            let cookie = Cookie(name: "own\(nextNumber())", value: "1", domain: "walk.example")
            await jar(.setCookie(cookie.name)) { cookies async throws(HandleError) in
                try await cookies.set(cookie)
                return .done
            }
        case .listCookies:
            await jar(.listCookies) { cookies async throws(HandleError) in
                .cookies(Set(try await cookies.list().map(\.name)))
            }
        case .removeCookies:
            await jar(.removeCookies) { cookies async throws(HandleError) in
                try await cookies.removeAll()
                return .done
            }
        case .fetch(let behaviour, let use): await fetch(behaviour, use, step, &generator)
        }
    }

    // MARK: Operations that wait

    private func send(_ slot: Int, _ body: SentBody, _ step: WalkStep, _ generator: inout SeededGenerator) async {
        guard let request = await request(slot) else { return }
        var body = body
        if !request.walked.method.hasBody { body = .none }
        let upload: WalkedCall.Upload =
            switch body {
            case .none, .bytes, .file, .form, .multipart, .source: .upFront
            case .missingFile: .missing
            case .stream: .stream
            case .writes: .writes
            }
        if upload == .writes { request.walked.noteMayLackBody() }
        request.walked.beginSend()
        defer { request.walked.endSend() }
        await run(.send(upload: upload), on: request, step, &generator) {
            [body, files] handle async throws(HandleError) in
            try await handle.send(body.requestBody(files))
            return .done
        }
    }

    /// Runs an operation with its interruption. One that may not end otherwise always gets one.
    private func run(
        _ call: WalkedCall,
        on request: Request,
        _ step: WalkStep,
        _ generator: inout SeededGenerator,
        _ body: @escaping @Sendable (RequestHandle) async throws(HandleError) -> WalkedResult
    ) async {
        var interruption = step.interruption
        let ends = interruption?.kind == .cancelTask || interruption?.kind == .closeRequest
        if request.walked.mayStall, !ends {
            interruption = Interruption(
                kind: generator.chance(50) ? .cancelTask : .closeRequest,
                microseconds: generator.one(of: [100, 600, 1500])
            )
        }
        let operation = history.begin(call, on: request.walked)
        let result = await result(of: operation, interruption, on: request) { [handle = request.handle] in
            do throws(HandleError) {
                return try await body(handle)
            } catch {
                return .failed(error)
            }
        }
        history.end(operation, result)
    }

    private func result(
        of operation: Int,
        _ interruption: Interruption?,
        on request: Request?,
        _ body: @escaping @Sendable () async -> WalkedResult
    ) async -> WalkedResult {
        guard let interruption else { return await body() }
        return await withTaskGroup(of: WalkedResult.self) { group in
            group.addTask { await body() }
            await pause(microseconds: interruption.microseconds)
            switch (interruption.kind, request) {
            case (.closeRequest, let request?): close(request.handle, request.walked)
            case (.changeOptions, let request?):
                return await withOtherOptions(of: request, operation) { await group.next() ?? .done }
            case (.changeOptions, nil): break
            case (.closeAllOfConnection, _): closeAll(.connection(operation % WalkProgram.connectionSlots))
            case (.cancelTask, _), (.closeRequest, nil):
                history.cancel(operation)
                group.cancelAll()
            }
            return await group.next() ?? .done
        }
    }

    /// Waits for a random time; no result depends on its length.
    func pause(microseconds: Int) async {
        let end = ContinuousClock.now + .microseconds(microseconds)
        while ContinuousClock.now < end { await Task.yield() }
    }

    private func fetch(
        _ behaviour: ServerBehaviour,
        _ use: ResponseUse,
        _ step: WalkStep,
        _ generator: inout SeededGenerator
    ) async {
        guard let session else { return }
        let number = nextNumber()
        let walked = WalkedHandle(session.handle, of: session.walked, context: 0, behaviour, number: number)
        let port = behaviour == .refused ? 1 : server.port
        var interruption = step.interruption
        if walked.mayStall, interruption?.kind != .cancelTask {
            interruption = Interruption(kind: .cancelTask, microseconds: generator.one(of: [100, 600, 1500]))
        }
        let operation = history.begin(.fetch, on: walked)
        let result = await result(of: operation, interruption, on: nil) { [handle = session.handle] in
            let url = "http://127.0.0.1:\(port)\(behaviour.target(number))"
            if use == .scope { return await Self.inScope(handle, url) }
            do throws(HandleError) {
                let response = try await handle.get(url)
                switch use {
                case .readToEnd: return await response.body.readToEnd()
                case .readOnce:
                    var iterator = response.body.makeAsyncIterator()
                    guard let piece = try await iterator.next() else { return .wholeBody(.init()) }
                    return .bytes(.init(piece))
                case .drop, .scope: return response.head.walked
                }
            } catch {
                return .failed(error)
            }
        }
        history.end(operation, result)
    }

    /// The request is gone when `perform` has returned, whatever ended it: its context is released.
    private static func inScope(_ session: SessionHandle, _ url: String) async -> WalkedResult {
        let performed = Record<RequestHandle>()
        var result = WalkedResult.done
        do {
            result = try await session.perform(try HTTPRequest(url: url), context: url) { response in
                performed.note(response.request)
                return await response.body.readToEnd()
            }
        } catch {
            if let error = error as? HandleError { result = .failed(error) }
        }
        #expect(performed.all.allSatisfy { $0.context == nil })
        return result
    }

    // MARK: Closing

    func close(_ handle: any Handle, _ walked: WalkedHandle) {
        close(.close, walked) { () throws(HandleError) in try handle.close() }
    }

    func closeAll(_ target: Target) {
        guard let (handle, walked) = existing(target) else { return }
        close(.closeAll, walked) { () throws(HandleError) in
            switch handle {
            case let session as SessionHandle: try session.closeAll()
            case let connection as ConnectionHandle: try connection.closeAll()
            default: try handle.close()
            }
        }
    }

    private func close(_ call: WalkedCall, _ walked: WalkedHandle, _ body: () throws(HandleError) -> Void) {
        let operation = history.begin(call, on: walked)
        do throws(HandleError) {
            try body()
            history.end(operation, .done)
        } catch {
            history.end(operation, .failed(error))
        }
    }

    private func closeAtEvent(_ slot: Int, _ count: Int) async {
        guard let request = await request(slot) else { return }
        let stream = request.handle.statusEvents()
        // A strong reference would prevent the handle from closing.
        listen { [self, walked = request.walked, weak handle = request.handle] in
            var heard = 0
            for await _ in stream {
                if heard == count, let handle { close(handle, walked) }
                heard += 1
            }
        }
    }

    // MARK: Options and cookies

    private func jar(
        _ call: WalkedCall,
        _ body: (CookieJar) async throws(HandleError) -> WalkedResult
    ) async {
        guard let session else { return }
        let operation = history.begin(call, on: session.walked)
        do throws(HandleError) {
            history.end(operation, try await body(session.handle.cookies))
        } catch {
            history.end(operation, .failed(error))
        }
    }

    private func setShortLimits(_ target: Target) async {
        guard let (handle, walked) = existing(target) else { return }
        walked.noteMayTimeOut()
        await option(.setOption, walked) { () async throws(HandleError) in
            for limit in WalkSettings.shortLimits { try await handle.setOption(limit.option, to: limit.value) }
        }
    }

    private func setAnyOption(_ target: Target, _ option: Int, _ value: Int) async {
        guard let (handle, walked) = existing(target) else { return }
        // The limits of the session stay, because other requests need them.
        guard walked.id.level == .session || !OptionChange.all[option].isOnlySessions else { return }
        await self.option(.setOption, walked) { () async throws(HandleError) in
            try await OptionChange.all[option].set(value, on: handle)
        }
    }

    /// Sets all options of a request while `body` runs, and restores them before it is sent again.
    private func withOtherOptions(
        of request: Request,
        _ seed: Int,
        _ body: () async -> WalkedResult
    ) async -> WalkedResult {
        guard request.walked.beginChange() else { return await body() }
        defer { request.walked.endChange() }
        var known: [OptionChange.SetBack] = []
        let options = OptionChange.all.filter { !$0.isOnlySessions }
        await option(.queryOption, request.walked) { () async throws(HandleError) in
            for option in options { known.append(try await option.setting(of: request.handle)) }
        }
        guard known.count == options.count else { return await body() }
        await option(.setOption, request.walked) { () async throws(HandleError) in
            for option in options { try await option.set(seed % option.count, on: request.handle) }
        }
        let result = await body()
        await option(.setOption, request.walked) { () async throws(HandleError) in
            for setBack in known { try await setBack() }
        }
        return result
    }

    private func queryOption(_ target: Target) async {
        guard let (handle, walked) = existing(target) else { return }
        await option(.queryOption, walked) { () async throws(HandleError) in _ = try await handle.option(.sendTimeout) }
    }

    private func changeHeaderFields(_ slot: Int, _ rule: HeaderFieldRule) async {
        guard let request = await request(slot) else { return }
        await option(.headerFields, request.walked) { () async throws(HandleError) in
            try await request.handle.addHeaderFields([.from: "walk"], rule: rule)
            _ = try await request.handle.headerFields
            // It must not grow without end.
            if rule != .replace { try await request.handle.removeHeaderFields(named: .from) }
        }
    }

    private func option(
        _ call: WalkedCall,
        _ walked: WalkedHandle,
        _ body: () async throws(HandleError) -> Void
    ) async {
        let operation = history.begin(call, on: walked)
        do throws(HandleError) {
            try await body()
            history.end(operation, .done)
        } catch {
            history.end(operation, .failed(error))
        }
    }
}

enum WalkSettings {
    /// Short delays; a long delay lasts until another call closes the request.
    static func retryPolicy(_ seed: UInt64) -> RetryPolicy {
        RetryPolicy(
            errors: [.cannotConnect, .connectionError, .invalidServerResponse, .timeout],
            firstDelay: .milliseconds(1),
            jitter: .seeded(seed),
            budget: nil
        )
    }

    /// So short that they expire for some requests; `.zero` would be no limit.
    static let shortLimits: [(option: HandleOption<Duration>, value: Duration)] = [
        (.queueTimeout, .milliseconds(10)), (.connectTimeout, .milliseconds(20)), (.sendTimeout, .milliseconds(8)),
        (.responseTimeout, .milliseconds(5)),
        (.receiveTimeout, .milliseconds(5)), (.totalTimeout, .milliseconds(30)),
    ]
}

// MARK: - Sent and received bodies

extension ResponseHead {
    fileprivate var walked: WalkedResult {
        .head(status: status.code, target: headerFields.first { $0.name.rawName == "Walk-Target" }?.value)
    }
}

extension ResponseBody {
    fileprivate func readToEnd() async -> WalkedResult {
        var bytes = WalkedResult.BodyBytes()
        do throws(HandleError) {
            var iterator = makeAsyncIterator()
            while let piece = try await iterator.next() { bytes.append(piece) }
            return .wholeBody(bytes)
        } catch {
            return .failed(error, after: bytes)
        }
    }
}

extension WalkedResult.BodyBytes {
    init(_ piece: [UInt8]) {
        self.init()
        append(piece)
    }

    mutating func append(_ piece: [UInt8]) {
        let first = first ?? piece[0]
        let expected = ServerBehaviour.body(ofRequest: Int(first) + count, count: piece.count)
        // A loop over the bytes takes longer than everything else in a debug build.
        let isEqual = unsafe expected.withUnsafeBytes { left in
            unsafe piece.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return piece.isEmpty }
                return unsafe memcmp(left, right, piece.count) == 0
            }
        }
        if !isEqual { isConsistent = false }
        self.first = first
        count += piece.count
        reads += 1
    }
}
