# ferrozmq(7) from COMPAT.md, in which all is said that differs from libzmq. A table's
# row becomes a paragraph that its first cell heads.

# A row of a table; the first of them names the columns.
function row(line,    cells, count, i, said) {
    line = trim(line)
    gsub(/^\||\|$/, "", line)
    count = split(line, cells, "|")
    if (line ~ /^[-| :]+$/ && line ~ /-/)
        return
    if (!in_table) {
        in_table = 1
        for (i = 1; i <= count; i++)
            names[i] = trim(cells[i])
        return
    }
    print ".TP"
    print text(trim(cells[1]))
    said = ""
    for (i = 2; i <= count; i++)
        if (trim(cells[i]) != "")
            said = said (said == "" ? "" : ";\n") \
                (names[i] == "" || names[i] == "here" || names[i] == "what happens" ? "" : \
                 "\\fI" text(names[i]) "\\fR: ") text(trim(cells[i]))
    print (said == "" ? "\\&" : said ".")
}
BEGIN {
    print ".\\\" Made from COMPAT.md by packaging/man/build."
    print ".TH FERROZMQ 7 \"\" \"ferrozmq " version "\" \"ferrozmq\""
    print ".SH NAME"
    print "ferrozmq \\- in place of libzmq: what is the same, what differs and why"
}
/^<!--/ { next }
/^# / { print ".SH DESCRIPTION"; fresh = 1; next }
/^## / { in_table = 0; fresh = 1; print ".SH " text(toupper(substr($0, 4))); next }
/^### / { in_table = 0; fresh = 1; print ".SS " text(substr($0, 5)); next }
# The table of contents, whose links lead nowhere on paper.
/^- \[[^]]*\]\(#/ { next }
/^[ \t]*\|/ { row($0); next }
/^- / { in_table = blank = 0; print ".IP \\(bu 2"; print text(substr($0, 3)); next }
/^[ \t]*$/ { blank = !in_table && !fresh; in_table = 0; next }
{
    if (blank && $0 !~ /^ /)
        print ".PP"
    else if (blank)
        print ".IP"
    blank = fresh = 0
    print text(trim($0))
}
END {
    print ".SH SEE ALSO"
    print ".BR zmq (7),"
    print "and the comments in"
    print ".IR zmq.h ."
}
