#!/bin/sh
# What `make install` lays down works: names and links, exported symbols,
# needed libraries, a program built by pkg-config with the shared library, with
# the archive, and wholly static.
set -u
cd "$(dirname "$0")/.." || exit 2
place=${1:-$PWD/target/install}
rm -rf "$place"
make -s install DESTDIR= PREFIX="$place" || exit 1
lib=$place/lib
passed=0 failed=0

check () { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$place/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL install: $name"
        sed 's/^/    /' "$place/log" | head -n 20
    fi
}
have () { command -v "$1" >/dev/null 2>&1 || { echo "install: no $1, skipped: $2"; return 1; }; }

for file in include/zmq.h include/zmq_utils.h include/ferrozmq.h lib/libzmq.a lib/pkgconfig/libzmq.pc; do
    check "$file is there" test -f "$place/$file"
done
check "the library is a real file" test ! -L "$(echo "$lib"/libzmq.so.5.*)"
check "libzmq.so.5 leads to it" test "$lib/libzmq.so.5" -ef "$(echo "$lib"/libzmq.so.5.*)"
check "libzmq.so leads to it" test "$lib/libzmq.so" -ef "$(echo "$lib"/libzmq.so.5.*)"

if have nm "symbols and libraries"; then
    nm -D --defined-only "$lib/libzmq.so" | awk '{print $NF}' | sort >"$place/exported"
    grep -o '\bzmq_[a-z0-9_]*(' "$place/include/zmq.h" | tr -d '(' | sort >"$place/declared"
    check "the header declares what is exported, nothing more or less" \
        diff "$place/declared" "$place/exported"
    readelf -d "$lib/libzmq.so" >"$place/dynamic"
    check "SONAME" grep -q 'SONAME.*\[libzmq\.so\.5\]' "$place/dynamic"
    check "needs libc, libm and libgcc_s only" sh -c "! grep NEEDED '$place/dynamic' |
        grep -v -e '\[libc\.so' -e '\[libm\.so' -e '\[libgcc_s\.so' -e '\[ld-linux'"
fi

if have cc "building programs" && have pkg-config "building programs"; then
    PKG_CONFIG_PATH=$lib/pkgconfig
    export PKG_CONFIG_PATH
    cat >"$place/program.c" <<'PROGRAM'
#include <zmq.h>
int main (void)
{
    int major, minor, patch;
    zmq_msg_t msg;
    zmq_version (&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION (major, minor, patch) != ZMQ_VERSION)
        return 1;
    if (zmq_msg_init_size (&msg, 1000) != 0 || zmq_msg_size (&msg) != 1000)
        return 2;
    return zmq_msg_close (&msg);
}
PROGRAM
    mkdir -p "$place/archive"
    cp "$lib/libzmq.a" "$place/archive"
    flags=$(pkg-config --cflags libzmq)
    static=$(pkg-config --static --libs libzmq | sed "s|-L$lib|-L$place/archive|")
    # shellcheck disable=SC2046,SC2086 # flags are lists of words
    check "a program builds with the shared library" \
        cc $flags -o "$place/shared" "$place/program.c" $(pkg-config --libs libzmq)
    check "and runs" env LD_LIBRARY_PATH="$lib" "$place/shared"
    # shellcheck disable=SC2086
    check "a program builds with the archive" \
        cc $flags -o "$place/archived" "$place/program.c" $static
    check "and runs" "$place/archived"
    # shellcheck disable=SC2086
    check "a wholly static program builds" \
        cc -static $flags -o "$place/static" "$place/program.c" $static
    check "and runs" "$place/static"
fi

echo "install: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
