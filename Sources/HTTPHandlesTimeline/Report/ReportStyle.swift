/// The style sheet of a report.
package enum ReportStyle {
    /// For the policy of the page: no other style is applied. A test compares it with `text`.
    package static let hash = "sha256-UrzRzvP3HnAUUOijs7CmFUyqTVIQdOJq4GCJdWnGAe0="

    package static let text = """
        :root{color-scheme:light dark;--text:#1f2430;--back:#fff;--line:#dde1e8;--note:#616a7c}
        @media(prefers-color-scheme:dark){:root{--text:#dfe3ea;--back:#171a21;--line:#343a46;--note:#98a1b3}}
        body{font:14px/1.45 system-ui,sans-serif;color:var(--text);background:var(--back);margin:24px auto;max-width:1200px;padding:0 16px}
        h1{font-size:20px;margin:0}h2{font-size:16px;margin:28px 0 8px}h3{font-size:13px;margin:12px 0 4px}
        .note{color:var(--note);margin:4px 0}
        code{font:12px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
        table{border-collapse:collapse;width:100%}
        th,td{text-align:left;padding:3px 8px 3px 0;border-bottom:1px solid var(--line);vertical-align:top}
        th{font-weight:600;color:var(--note);font-size:12px}
        .waterfall td:last-child{width:40%;padding-right:0}
        .waterfall td:nth-child(4),.events td:first-child{white-space:nowrap;font-variant-numeric:tabular-nums}
        .fields td:first-child{width:25%}
        .events td:nth-child(2){white-space:nowrap}
        svg{display:block;width:100%;height:18px;background:linear-gradient(90deg,var(--line) 1px,transparent 1px) 0 0/25% 100%}
        .legend span{margin-right:14px;white-space:nowrap}
        .legend i{display:inline-block;width:11px;height:11px;margin-right:5px;border-radius:2px}
        details{border-top:1px solid var(--line);padding:6px 0}summary{cursor:pointer}
        .p-queue{fill:#a3abba;background:#a3abba}.p-name{fill:#2a9d8f;background:#2a9d8f}
        .p-connect{fill:#f09a3e;background:#f09a3e}.p-secure{fill:#9b5de5;background:#9b5de5}
        .p-send{fill:#3f8efc;background:#3f8efc}.p-wait{fill:#57b77b;background:#57b77b}
        .p-receive{fill:#215a9e;background:#215a9e}
        .c-new{fill:#f09a3e}.c-reused{fill:#57b77b}
        """
}
