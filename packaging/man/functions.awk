# A page of section 3 for every function of zmq.h, from its comment: what it does, its
# arguments, what it returns and which errno values there are.

function page(    name, file, head, brief, i, line, section) {
    name = prototype
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    file = folder "/" name ".3"
    head = comment[1]
    for (i = 2; i <= lines && comment[i] != ""; i++)
        head = head " " comment[i]
    brief = head
    sub(/\.( .*)?$/, "", brief)
    print ".\\\" Made from zmq.h by packaging/man/build." >file
    print ".TH " toupper(name) " 3 \"\" \"ferrozmq " version "\" \"ferrozmq\"" >file
    print ".SH NAME\n" name " \\- " text(tolower(substr(brief, 1, 1)) substr(brief, 2)) >file
    print ".SH SYNOPSIS\n.nf" >file
    if (draft)
        print ".B #define ZMQ_BUILD_DRAFT_API" >file
    print ".B #include <zmq.h>\n.PP" >file
    print ".B " synopsis(prototype) "\n.fi\n.SH DESCRIPTION" >file
    print text(head) >file
    if (draft)
        print ".PP\nOf the draft API: only in a library that was built with it." >file
    section = "DESCRIPTION"
    for (; i <= lines; i++) {
        line = comment[i]
        if (line == "") {
            gap = 1
            continue
        }
        if (line ~ /^- / && section == "DESCRIPTION") {
            section = "ARGUMENTS"
            print ".SH ARGUMENTS" >file
        } else if (line ~ /^Returns /) {
            section = "RETURN VALUE"
            print ".SH RETURN VALUE" >file
        } else if (gap && line !~ /^- /)
            print ".PP" >file
        gap = 0
        if (line ~ /^- /) {
            colon = index(line, ": ")
            print ".TP\n" text(substr(line, 3, colon - 3)) "\n" text(substr(line, colon + 2)) >file
        } else {
            sub(/^ +/, "", line)
            print text(line) >file
        }
    }
    print ".SH SEE ALSO\n.BR ferrozmq (7)" >file
    close(file)
}
# A prototype without the macro, on one line.
function synopsis(line) {
    gsub(/[ \t\n]+/, " ", line)
    sub(/^ ?ZMQ_EXPORT ?/, "", line)
    return line
}
/^#ifdef ZMQ_BUILD_DRAFT_API/ { draft = 1 }
/^#endif .*ZMQ_BUILD_DRAFT_API/ { draft = 0 }
/^\/\*\*$/ { lines = gap = 0; inside = 1; next }
/^ \*\/$/ && inside { inside = 0; prototype = ""; follows = 1; next }
inside { sub(/^ \* ?/, ""); comment[++lines] = $0; next }
follows {
    prototype = prototype "\n" $0
    if (/;$/) {
        follows = 0
        page()
    }
}
