import HTTPHandles
import HTTPTypes

/// The lines of `-v`: events (`*`), request heads (`>`) and response heads (`<`), in the order in which they happen.
///
/// Secrets are not shown, other than in curl.
struct VerboseOutput {
    private let printing: Task<Void, Never>

    init(_ request: RequestHandle, _ method: HTTPRequest.Method, _ fields: HTTPFields) {
        let events = request.statusEvents()
        printing = Task {
            var hops = 0
            for await event in events {
                switch event.kind {
                case .sendingRequest:
                    let url = (try? await request.option(.url)) ?? ""
                    let shown = hops == 0 ? fields : [:]
                    Self.say(">", "\(hops == 0 ? "\(method) " : "")\(Redaction.standard.url(url))")
                    for field in shown { Self.say(">", "\(field.name): \(Redaction.standard.value(of: field))") }
                    Self.say(">", "")
                case .redirect:
                    if hops < request.hops.count { Self.say(request.hops[hops].head) }
                    hops += 1
                    Self.say("*", "\(event.kind.redacted())")
                case .headersAvailable, .handleClosing: return
                default: Self.say("*", "\(event.kind.redacted())")
                }
            }
        }
    }

    /// Waits until everything was written up to the head; `nil` if there is none, and the request is closed.
    func finish(_ head: ResponseHead?) async {
        await printing.value
        if let head { Self.say(head) }
    }

    private static func say(_ mark: String, _ text: String) {
        Terminal.say("\(mark) \(text)")
    }

    private static func say(_ head: ResponseHead) {
        let lines = head.rawBytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        for line in lines {
            let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            let (name, value) = (text.prefix { $0 != ":" }, text.drop { $0 != ":" }.dropFirst().drop { $0 == " " })
            guard let field = HTTPField.Name(String(name)).map({ HTTPField(name: $0, value: String(value)) }),
                Redaction.standard.value(of: field) != field.value
            else {
                say("<", text)
                continue
            }
            say("<", "\(name): \(Redaction.standard.value(of: field))")
        }
    }
}
