import ArgumentParser
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPTypes

/// What all transfers of a command have in common, read and checked before anything is sent.
struct TransferPlan: Sendable {
    let method: HTTPRequest.Method?
    let isHead: Bool
    let fields: HTTPFields
    let removedFields: Set<String>
    let body: RequestBody?
    let isForm: Bool
    let isJSON: Bool
    let query: [UInt8]
    let conditions: ConditionOptions
    /// That of `-z`, determined before a file is written that it may name.
    let timeCondition: (seconds: Int64, isOlder: Bool)?
    let output: OutputOptions
    let limits: LimitOptions
    let retries: RetryOptions
    let format: WriteOutFormat?
    /// Whether the bodies are kept for a HAR file.
    let keepsBodies: Bool

    init(_ command: Get) throws {
        let message = command.message
        let content = command.content
        let hasBody = content.hasData && !content.get || content.hasForm || !content.uploads.isEmpty
        guard !message.head || !hasBody else {
            throw ValidationError("-I cannot be combined with a body; -G makes data a query.")
        }
        method = message.method
        isHead = message.head
        (fields, removedFields) = try message.fields(command.cookies, command.conditions)
        body = try content.body()
        isForm = content.hasForm
        isJSON = content.isJSON
        query = try content.query()
        conditions = command.conditions
        timeCondition = command.conditions.condition
        output = command.output
        limits = command.limits
        retries = command.retries
        keepsBodies = command.recording.harWithSecrets
        format = try command.output.format()
        guard !isForm || !removedFields.contains("content-type") else {
            throw ValidationError("-F needs the field Content-Type.")
        }
    }

    /// The request of a job.
    func request(_ job: TransferJob) -> (method: HTTPRequest.Method, fields: HTTPFields, body: RequestBody) {
        var fields = fields
        var body = body
        if let upload = job.upload { body = InputFile.isStandard(upload) ? .stream(StandardInput()) : .file(upload) }
        if body != nil, !isForm, job.upload == nil { setDefault(.contentType, contentType, &fields) }
        if isJSON { setDefault(.accept, "application/json", &fields) }
        let usual: HTTPRequest.Method = isHead ? .head : job.upload != nil ? .put : body != nil ? .post : .get
        return (method ?? usual, fields, body ?? .none)
    }

    private var contentType: String { isJSON ? "application/json" : "application/x-www-form-urlencoded" }

    private func setDefault(_ name: HTTPField.Name, _ value: String, _ fields: inout HTTPFields) {
        guard !fields.contains(name), !removedFields.contains(name.canonicalName) else { return }
        fields[name] = value
    }
}

/// One URL to fetch.
struct TransferJob: Sendable {
    /// Its number among all, from 0.
    let number: Int
    /// As the caller wrote it.
    let argument: String
    let url: TransferURL
    let destination: Destination
    /// The file of `-T`.
    let upload: String?
    let credentials: Credentials?
}
