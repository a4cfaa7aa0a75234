import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesDriver
import HTTPTypes

/// The options for conditional requests.
struct ConditionOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customShort("z"), .customLong("time-cond")],
        help: ArgumentHelp(
            "Only if the resource is newer than a date, or than a file; older with \"-\" before it.",
            valueName: "date|file"
        )
    )
    var timeCondition: String?

    @Option(help: ArgumentHelp("Only if the entity tag is not the one in the file.", valueName: "file"))
    var etagCompare: String?

    @Option(help: ArgumentHelp("Write the entity tag to a file.", valueName: "file"))
    var etagSave: String?

    func append(to fields: inout HTTPFields) throws {
        if let condition {
            let name: HTTPField.Name = condition.isOlder ? .ifUnmodifiedSince : .ifModifiedSince
            fields[name] = DateText.fieldValue(secondsSince1970: condition.seconds)
        }
        guard let etagCompare else { return }
        let contents = FileManager.default.fileExists(atPath: etagCompare) ? try InputFile.contents(etagCompare) : []
        let tag = String(decoding: contents.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
        try usage { () throws(HandleError) in
            try fields.append(name: "If-None-Match", value: tag.isEmpty ? "\"\"" : tag)
        }
    }

    /// A text that is neither a date nor a file is no condition, as in curl: the file may be made by this very command.
    var condition: (seconds: Int64, isOlder: Bool)? {
        guard let timeCondition else { return nil }
        let isOlder = timeCondition.utf8.first == UInt8(ascii: "-")
        let isNewer = timeCondition.utf8.first == UInt8(ascii: "+")
        let text = isOlder || isNewer ? String(timeCondition.dropFirst()) : timeCondition
        if let seconds = DateText.parse(text) { return (seconds, isOlder) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: WritableFile.target(of: text))
        guard let date = attributes?[.modificationDate] as? Date else { return nil }
        return (Int64(date.timeIntervalSince1970.rounded(.down)), isOlder)
    }

    /// Whether a successful response is one that the condition excludes: some servers ignore it.
    static func excludes(_ condition: (seconds: Int64, isOlder: Bool)?, _ head: ResponseHead) -> Bool {
        guard head.status.kind == .successful, let condition, let text = head.lastModified,
            let modified = DateText.parse(text)
        else { return false }
        return condition.isOlder ? modified >= condition.seconds : modified <= condition.seconds
    }

    func saveTag(of head: ResponseHead) throws {
        guard let etagSave, head.status.kind == .successful, let tag = head.headerFields[.eTag] else { return }
        do {
            let file = try WritableFile(for: etagSave)
            try file.write(Array((tag + "\n").utf8))
            try file.complete()
        } catch {
            throw TransferFailure(error)
        }
    }
}
