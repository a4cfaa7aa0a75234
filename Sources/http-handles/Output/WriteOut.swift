import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesDriver

/// The text of `-w` for one transfer.
struct WriteOut {
    let report: TransferReport

    func write(_ format: WriteOutFormat) throws(TransferFailure) {
        let texts = format.texts(hasFailed: report.failure != nil, value: text, field: field)
        do {
            if !texts.output.isEmpty { try WritableFile.standardOutput().write(Array(texts.output.utf8)) }
        } catch {
            throw TransferFailure(error)
        }
        if !texts.error.isEmpty { Terminal.draw(texts.error) }
    }

    private func field(_ name: String) -> String {
        report.head?.headerFields.first { $0.name.canonicalName == name.lowercased() }?.value ?? ""
    }

    private func text(_ variable: WriteOutVariable) -> String {
        switch variable {
        case .contentType: return report.head?.headerFields[.contentType] ?? ""
        case .errorMessage: return report.failure?.text ?? ""
        case .exitCode: return "\(report.status)"
        case .fileName: return report.path ?? ""
        case .headerJSON: return headerJSON
        case .status, .responseCode:
            let code = report.head?.status.code ?? 0
            return String(repeating: "0", count: code == 0 ? 2 : 0) + "\(code)"
        case .httpVersion:
            return switch report.head?.version {
            case .http1_0?: "1.0"
            case .http1_1?: "1.1"
            case .http2?: "2"
            case .http3?: "3"
            default: "0"
            }
        case .json: return json
        case .localAddress: return report.connection?.local.host ?? ""
        case .localPort: return "\(report.connection?.local.port ?? 0)"
        case .method: return (report.request?.hops.last?.method ?? report.method).rawValue
        case .connectionsMade: return "\(report.statistics?.connectionsMade ?? 0)"
        case .headerCount: return "\(report.head?.headerFields.count ?? 0)"
        case .redirectCount: return "\(report.redirects.count)"
        case .redirectURL: return redirectURL
        case .referer: return report.referer
        case .remoteAddress: return report.connection?.peer.host ?? ""
        case .remotePort: return "\(report.connection?.peer.port ?? 0)"
        case .scheme: return (effectiveURL.utf8.starts(with: "https".utf8) ? "HTTPS" : "HTTP")
        case .downloadSize: return "\(report.statistics?.responseBodyBytes ?? 0)"
        case .headSize: return "\(report.statistics?.responseHeadBytes ?? 0)"
        case .requestSize: return "\(report.statistics?.requestHeadBytes ?? 0)"
        case .uploadSize: return "\(report.statistics?.requestBodyBytes ?? 0)"
        case .downloadSpeed: return speed(report.statistics?.responseBodyBytes)
        case .uploadSpeed: return speed(report.statistics?.requestBodyBytes)
        case .secureTime: return seconds(report.times?.secured)
        case .connectTime: return seconds(report.times?.connected)
        case .nameTime: return seconds(report.times?.nameResolved)
        case .preparationTime: return seconds(report.times?.sending)
        case .redirectTime: return seconds(redirectTime)
        case .firstByteTime: return seconds(report.times?.firstByte)
        case .totalTime: return seconds(report.elapsed)
        case .url: return report.job.argument
        case .effectiveURL: return effectiveURL
        case .urlNumber: return "\(report.job.number)"
        }
    }

    private var effectiveURL: String { report.head?.url ?? report.job.url.text }

    /// Where a redirect leads that was not followed.
    private var redirectURL: String {
        guard let head = report.head, head.status.kind == .redirection, let location = head.headerFields[.location]
        else {
            return ""
        }
        return URL(string: location, relativeTo: URL(string: head.url))?.absoluteString ?? ""
    }

    private var redirectTime: Duration {
        guard !report.redirects.isEmpty, let last = report.times?.total else { return .zero }
        return max(.zero, report.elapsed - last)
    }

    private func seconds(_ time: Duration?) -> String { String(format: "%.6f", (time ?? .zero) / .seconds(1)) }

    private func speed(_ bytes: Int64?) -> String {
        let seconds = report.elapsed / .seconds(1)
        return "\(seconds > 0 ? Int64(Double(bytes ?? 0) / seconds) : 0)"
    }

    private var headerJSON: String {
        var names: [String] = []
        var values: [String: [String]] = [:]
        for field in report.head?.headerFields ?? [:] {
            let name = field.name.canonicalName
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(field.value)
        }
        let lines = names.map { "\(Self.quoted($0)):[\((values[$0] ?? []).map(Self.quoted).joined(separator: ","))]" }
        return "{" + lines.joined(separator: ",\n") + "\n}"
    }

    private var json: String {
        let variables = WriteOutVariable.allCases.filter { $0 != .json && $0 != .headerJSON }
        let members = variables.map { variable in
            let text = text(variable)
            let number = variable.isNumber ? text.drop { $0 == "0" && text.utf8.count > 1 && !text.contains(".") } : ""
            return
                "\(Self.quoted(variable.rawValue)):\(variable.isNumber ? String(number.isEmpty ? "0" : number) : Self.quoted(text))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        let data = try? JSONSerialization.data(
            withJSONObject: text,
            options: [.fragmentsAllowed, .withoutEscapingSlashes]
        )
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
