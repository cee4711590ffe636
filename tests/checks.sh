# For the shell tests beside it: counts checks, shows the output of those that fail.
# They say who they are in `suite`, and where output goes meanwhile in `log`.
passed=0 failed=0

check () { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $suite: $name"
        sed 's/^/    /' "$log" | tail -n 20
    fi
}
have () { command -v "$1" >/dev/null 2>&1 || { echo "$suite: no $1, skipped: $2"; return 1; }; }
finish () {
    echo "$suite: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
