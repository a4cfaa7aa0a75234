/// A drawing as SVG, readable in light and in dark mode.
struct Drawing {
    /// Code is in a font of fixed width, so that its width is known here.
    enum Style: String {
        case title, code, small, note, label

        var size: Int {
            switch self {
            case .title: 16
            case .code, .label: 13
            case .small, .note: 12
            }
        }

        /// The width of a character in hundredths of the size; that of other fonts is at most this for usual texts.
        var characterWidth: Int { self == .code || self == .small ? 61 : 58 }
    }

    enum Anchor: String { case start, middle, end }

    /// What is used for shapes: a handle, the same with emphasis, what runs for some time, something beside the matter.
    enum Fill: String { case handle, strong, bar, total, plain }

    let width: Int
    let height: Int
    /// The texts that do not fit into the drawing.
    private(set) var overflows: [String] = []
    private var elements: [String] = []

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    mutating func text(_ text: String, _ x: Int, _ y: Int, _ style: Style = .note, _ anchor: Anchor = .start) {
        let length = text.count * style.size * style.characterWidth / 100
        let start =
            switch anchor {
            case .start: x
            case .middle: x - length / 2
            case .end: x - length
            }
        if start < 8 || start + length > width - 8 || y > height - 6 { overflows.append(text) }
        elements.append(
            "<text class=\"\(style)\" x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(Self.escaped(text))</text>"
        )
    }

    mutating func box(_ x: Int, _ y: Int, _ width: Int, _ height: Int, _ fill: Fill, radius: Int = 6) {
        elements.append(
            "<rect class=\"\(fill)\" x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" rx=\"\(radius)\"/>"
        )
    }

    mutating func dot(_ x: Int, _ y: Int) {
        elements.append("<circle class=\"dot\" cx=\"\(x)\" cy=\"\(y)\" r=\"4\"/>")
    }

    mutating func line(_ path: String) {
        elements.append("<path class=\"line\" d=\"\(path)\"/>")
    }

    mutating func arrow(_ path: String) {
        elements.append("<path class=\"line\" d=\"\(path)\" marker-end=\"url(#tip)\"/>")
    }

    var svg: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)">
        <style>
        text { font-family: "Helvetica Neue", Arial, "Liberation Sans", sans-serif; font-size: 12px; fill: #1f2328; }
        .title { font-size: 16px; font-weight: bold; }
        .code, .small { font-family: Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; }
        .code, .label { font-size: 13px; }
        .small, .note { fill: #59636e; }
        .page { fill: #ffffff; }
        .handle, .strong { fill: #ddf4ff; stroke: #0969da; }
        .strong { stroke-width: 2; }
        .bar { fill: #54aeff; }
        .total { fill: #d4a72c; }
        .plain { fill: #f6f8fa; stroke: #d1d9e0; }
        .line { fill: none; stroke: #818b98; stroke-width: 1.5; }
        .dot, .tip { fill: #59636e; }
        @media (prefers-color-scheme: dark) {
        text { fill: #f0f6fc; }
        .small, .note { fill: #b7bdc8; }
        .page { fill: #0d1117; }
        .handle, .strong { fill: #0c2d6b; stroke: #58a6ff; }
        .bar { fill: #1f6feb; }
        .total { fill: #9e6a03; }
        .plain { fill: #151b23; stroke: #3d444d; }
        .line { stroke: #9198a1; }
        .dot, .tip { fill: #b7bdc8; }
        }
        </style>
        <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">
        <path class="tip" d="M0,0 L10,5 L0,10 z"/></marker></defs>
        <rect class="page" width="\(width)" height="\(height)"/>
        \(elements.joined(separator: "\n"))
        </svg>

        """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
