import HTTPHandlesCore
import HTTPHandlesDriver

extension [OptionSetting] {
    /// Checks the options of a request that is to be made.
    func requireUsable(in tree: HandleTree) throws(HandleError) {
        guard !isEmpty else { return }
        for setting in self { try CurlLibrary.requireKnown(setting.row, for: .openRequest) }
        var values = OptionValues()
        try values.apply(self, on: .request, for: .openRequest)
        tree.note(values)
    }
}
