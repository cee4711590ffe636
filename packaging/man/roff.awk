# Text for manual pages: Markdown as it is used here, escaped for roff. Read before
# the script that makes a page of it.

# Inline text: what roff would take for its own is escaped, then Markdown goes.
function text(line,    out, code, before) {
    gsub(/\\/, "\\e", line)
    line = gensub_links(line)
    out = ""
    code = 0
    while ((at = index(line, "`")) > 0) {
        before = substr(line, 1, at - 1)
        out = out (code ? code_text(before) "\\fR" : plain(before) "\\fB")
        code = !code
        line = substr(line, at + 1)
    }
    out = out (code ? code_text(line) "\\fR" : plain(line))
    # A line that begins with one of these would be a request.
    if (out ~ /^[.']/)
        out = "\\&" out
    return out
}
function code_text(part) {
    gsub(/-/, "\\-", part)
    return part
}
function plain(part,    bold) {
    bold = 0
    while (match(part, /\*\*/)) {
        part = substr(part, 1, RSTART - 1) (bold ? "\\fR" : "\\fB") substr(part, RSTART + 2)
        bold = !bold
    }
    while (match(part, /\*[A-Za-z][^*]*\*/))
        part = substr(part, 1, RSTART - 1) "\\fI" substr(part, RSTART + 1, RLENGTH - 2) "\\fR" \
            substr(part, RSTART + RLENGTH)
    return part
}
# [text](where) is its text.
function gensub_links(line,    inner) {
    while (match(line, /\[[^]]*\]\([^)]*\)/)) {
        inner = substr(line, RSTART + 1, RLENGTH - 1)
        sub(/\].*/, "", inner)
        line = substr(line, 1, RSTART - 1) inner substr(line, RSTART + RLENGTH)
    }
    return line
}
function trim(part) {
    gsub(/^[ \t]+|[ \t]+$/, "", part)
    return part
}
