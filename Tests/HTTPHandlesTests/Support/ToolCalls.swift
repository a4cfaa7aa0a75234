/// Calls for curl and for the tool. `U` is the server's URL, `H` is the same without the scheme.
enum ToolCalls {
    /// Each option once, and each result, in as few calls as possible.
    static let usual = [
        // URLs and output
        "-s 'U/{a,b}/[1-2]' --output-dir dir --create-dirs -o 'out_#1_#2'",
        "-sZ --parallel-max 3 -G -d a=1 --data-urlencode 'b=c d' 'U/[1-5]?z=0' -o 'out#1'",
        "-sOJ --remote-name-all U/named --url U/file.bin", "-sIL U/redirect/301",
        "-q -# -N --no-progress-meter --no-silent -K conf -K - -D heads -o - H/stdin",
        // Failures
        "-sSf -w '%{exitcode}%{onerror} yes ' -o 1 -o 2 -o 3 U/status/404 U/cut U/echo http://127.0.0.1:1/",
        "-sf --fail-early -w @format U/status/500 U/echo", "-sS --fail-with-body -o out U/status/500",
        // The request
        "-sgi --path-as-is -X DELETE -H 'X-A: b' -H 'Accept:' -H 'X-Empty;' -H @headers -A agent/1 -e http://r/ -b a=b "
            + "'U/{a}/../b'",
        "-s --basic -u ann:secret --raw -r -3 U/range", "-s --oauth2-bearer token --compressed U/coded",
        "-sn -z 20190101 U/dated",
        "-s --netrc-optional --netrc-file logins -m 3600 --connect-timeout 3600 --limit-rate 1G --max-filesize 3 U/echo",
        // Bodies
        "-s --post301 --post302 --post303 -d a=1 --data-raw @x --data-binary @file --data-ascii @file "
            + "--data-urlencode 'n=x y' U/redirect/301 U/redirect/302 U/redirect/303",
        "-s --no-location --json '{' --json '}' U/redirect/302",
        "-s -F a=b -F 'f=@file;type=text/csv;filename=n.csv' -F 't=<file' --form-string 'b=@;c' U/echo",
        "-s -T file U/folder/ -T - U/echo",
        // Redirects, retries, conditions
        #"-s --max-redirs 3 -w '%{size_download} %{num_redirects} %{url_effective} %header{x-b}\n' U/loop U/redirect/302"#,
        "-s --retry 1 --retry-delay 1 --retry-max-time 3600 --retry-connrefused --retry-all-errors -o out U/flaky",
        "-s --etag-compare tag -o out U/tagged", "-s --etag-save tag2 U/tagged",
    ]

    /// All of them.
    static let all = [
        // URLs
        "-s U/echo", "-s H/echo", "-s U/a/../b", "-s --path-as-is U/a/../b", "-s U/one U/two",
        "-s --url U/one --url U/two",
        "-s 'U/{a,b}/[1-2]'", "-s 'U/[08-10]'", "-s 'U/[a-c:2]'", "-sg 'U/{a,b}'", #"-s 'U/\{a\}'"#, "-s 'U/[1-'",
        "-s 'U/{a,b}' -o 'out_#1'", "-sZ -o 1 -o 2 U/one U/two", "-sZ 'U/[1-20]' -o 'out#1'",
        "-s U/one -o 1 U/two -o 2", "-s --no-silent -s U/echo",
        // Output
        "-s -o out U/echo", "-s U/echo -o -", "-sO U/file.bin", "-s -O 'U/a/b.txt?x=1'", "-sOO U/a U/b", "-s -O U/",
        "-s --remote-name-all U/a U/b", "-sOJ U/named", "-sJO U/echo", "-sOJ U/named U/named -O", "-s -OJ U/file.txt",
        "-s --create-dirs -o a/b/c U/echo", "-s --output-dir dir --create-dirs -O U/x.txt", "-s -o nodir/x U/echo",
        "-si U/echo", "-sI U/echo", "-sIL U/redirect/301", "-s --include U/redirect/302", "-s -I -o head U/echo",
        "-s -D heads U/redirect/302", "-s -D - U/echo", "-s -D heads U/one U/two", "-# -sN --no-progress-meter U/echo",
        // Failures
        "-sf U/status/404", "-s U/status/404", "-s --fail-with-body U/status/500", "-sf -o out U/status/404",
        "-sf U/status/404 U/echo", "-s U/echo U/status/404 -f", "-sf --fail-early U/status/404 U/echo",
        "-s http://127.0.0.1:1/", "-sS http://127.0.0.1:1/", "-s http://name.invalid/", "-s U/cut", "-s -o out U/cut",
        "-s nosuch://127.0.0.1:1/", "-s 'http://a b/'",
        // Usage
        "-s", "-s -X", "-s -I -d a=1 U/echo", "-s -d a -F b=c U/echo", "-s --nosuch U/echo", "-s -T file -d a U/echo",
        "-s -m x U/echo", "-s -F a U/echo",
        // The request
        "-s -X DELETE U/echo", "-sXPUT -d x=1 U/echo", "-s -X OPTIONS U/echo",
        "-s -H 'X-A: b' -H 'Accept: text/plain' U/echo",
        "-s -H 'Accept:' U/echo", "-s -H 'X-Empty;' U/echo", "-s -A x -H 'User-Agent:' U/echo",
        "-s -H 'Host: other.example' U/echo", "-s -H @headers U/echo", "-s -A agent/1 U/echo", "-s -A '' U/echo",
        "-s -e http://ref.example/ U/echo", "-s -b a=b U/echo", "-s -u ann:secret U/echo", "-s http://ann:s%40c@H/echo",
        "-s -u ann:secret http://bob:x@H/echo", "-s --oauth2-bearer token U/echo", "-s -r 0-4 U/range",
        "-s -r -3 U/range",
        "-s -n U/echo", "-s --netrc-file logins U/echo", "-s --netrc-optional --netrc-file missing U/echo",
        "-s --compressed U/coded", "-s -K conf", "-s -K - U/stdin", "-s -q U/echo",
        // Bodies
        "-s -d a=1 -d b=2 U/echo", "-sd a=1 U/echo", "-s -d@file U/echo", "-s -d @- U/echo", "-s -d '' U/echo",
        "-s --data-raw @x -d y U/echo", "-s -d y --data-raw @x U/echo", "-s --data-binary @file U/echo",
        "-s --data-binary @- U/echo", "-s --data-ascii @file U/echo",
        "-s --data-urlencode 'a b&c' --data-urlencode 'n=x y' --data-urlencode n@file --data-urlencode '=a=b' U/echo",
        #"-s --json '{"a":1}' U/echo"#, "-s --json '{' --json '}' -H 'Accept: x/y' U/echo",
        "-s -G -d a=1 --data-urlencode 'b=c d' 'U/echo?z=0'", "-sI -G -d a=1 U/echo", "-s -G U/echo",
        "-s -d x -H 'Content-Type: text/plain' U/echo", "-s -d x -H 'Content-Type:' U/echo",
        "-s -F a=b -F f=@file.txt U/echo", "-s -F 'f=@file;type=text/csv;filename=n.csv' -F 't=<file' U/echo",
        "-s -F 'a=x;type=application/json' --form-string 'b=@;c' U/echo", "-s -F f=@- U/echo", "-s -F x= U/echo",
        "-s -T file U/echo", "-s -T file U/folder/", "-s -T - U/echo", "-s -T file -X POST U/echo", "-sT file U/a U/b",
        "-s -d a=1 U/redirect/302", "-s -d a=1 U/redirect/307", "-s --post301 -d a=1 U/redirect/301",
        "-s --post302 -d a=1 U/redirect/302", "-s --post303 -d a=1 U/redirect/303",
        // Redirects, time, and conditions
        "-s U/redirect/302", "-s --no-location U/redirect/302", "-s --max-redirs 3 U/loop",
        "-s --max-redirs 0 U/redirect/302",
        "-s -m 3600 --connect-timeout 3600 U/echo", "-s --max-time 3600 U/echo",
        "-s --retry 1 --retry-delay 1 -o out U/flaky",
        "-s --retry 1 -X PATCH -d a=1 --retry-delay 1 -o out U/flaky",
        "-s --retry 1 --retry-delay 1 --retry-max-time 0 -o out U/flaky",
        "-s --limit-rate 1G U/echo", "-s --max-filesize 3 U/echo", "-s --max-filesize 1M U/echo",
        "-s -z 'Mon, 30 Nov 2020 12:00:00 GMT' U/dated", "-s -z 20190101 U/dated", "-s -z old U/dated",
        "-s -z -20300101 U/dated", "-s -z -20300101 -o out U/dated", "-s -z new -o new U/dated",
        "-s -z '30 Nov 2020 13:00:00 +0100' U/dated", "-s --etag-save tag2 U/tagged",
        "-s --etag-compare tag -o out U/tagged",
        "-s --etag-compare none --etag-save none U/tagged",
        // -w
        "-s -w @format U/echo", #"-s -w '%{http_code}\n' -o /dev/null U/status/404"#, "-s -w '%{header_json}' U/echo",
        #"-s -o out -w '%{filename_effective} %header{x-b} %% \t|%{onerror}no\n' U/echo"#,
        "-sf -w '%{exitcode}%{onerror} yes' U/status/500", "-s -w '%{http_code} %{exitcode}' http://127.0.0.1:1/",
        "-s -w '%{size_download} %{content_type} %{num_redirects} %{url_effective} %{method} %{scheme}' U/redirect/302",
        "-s -w '%{response_code} %{http_version} %{remote_ip} %{num_headers} %{size_upload} %{local_ip}' -d a=1 U/echo",
        "-s -w '%{url} %{urlnum} %{referer} %{size_header} %{remote_port}' -e r U/a U/b",
        "-s -w '%{redirect_url}' --no-location U/redirect/302", "-s -w '%{stderr}x' U/echo",
    ]

    /// Calls that are usage errors, with the reason: one of each place that checks.
    static let bad = [
        ("-H 'Name; x' U/", "--header: there is a text after \"Name;\"."),
        ("-K headers U/", "headers:1: there is no option --X-One."),
        ("--limit-rate 0 U/", "The value '0' is invalid for '--limit-rate <bytes/second>'"),
    ]

    static let allBad = [
        ("-H Name U/", "--header: \"Name: value\", \"Name:\" or \"Name;\" is needed."),
        ("-H 'Name; x' U/", "--header: there is a text after \"Name;\"."),
        ("-H Host: U/", "--header: the field host cannot be left out."),
        ("-H 'a b: c' U/", "\"a…\" is not a valid field name"), ("-X 'a b' U/", "\"a b\" is not a valid method."),
        ("-r x U/", "--range: \"x\" is not a range."), ("-e 'x;auto' U/", "--referer: \";auto\" is not supported."),
        ("-F a=@x,y U/", "-F a: several files in one part are not supported; repeat -F."),
        ("-F 'a=b;c' U/", "-F a: \"c\" is not an attribute; see --form-string."),
        ("-F a=@missing U/", "missing cannot be read."), ("-d @missing U/", "missing cannot be read."),
        ("-T missing U/", "missing cannot be read as a regular file; -T - sends standard input."),
        ("-w '%{nosuch}' U/", "--write-out: there is no variable \"nosuch\"."),
        ("-w @missing U/", "missing cannot be read."), ("-K headers U/", "headers:1: there is no option --X-One."),
        ("-H @missing U/", "missing cannot be read."), ("--netrc-file missing U/", "missing cannot be read."),
        ("--netrc-file file U/", "file: a word is not a keyword."), ("--retry -1 U/", "--retry must be at least 0."),
        ("--retry-delay 1 U/", "The other options for retries need --retry."),
        ("--max-redirs -2 U/", "--max-redirs must be at least -1."),
        ("--parallel-max 0 U/", "--parallel-max must be at least 1."),
        ("--etag-save x U/ U/", "-C and --etag-save are for one URL."), ("-X", "-X needs a value."),
        ("--fail --fail-with-body U/", "--fail and --fail-with-body cannot be combined."),
        ("-G -F a=b U/", "-G cannot be combined with -F."),
        ("-F a=b -H Content-Type: U/", "-F needs the field Content-Type."),
        ("-Id a U/", "-I cannot be combined with a body; -G makes data a query."),
        ("--raw --compressed U/", "--raw and --compressed cannot be combined."),
        ("--limit-rate 0 U/", "The value '0' is invalid for '--limit-rate <bytes/second>'"),
    ]
}
