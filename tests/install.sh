#!/bin/sh
# What `make install` lays down works: names and links, exported symbols, needed
# libraries, programs built by pkg-config and by CMake with the shared library, with
# the archive, and wholly static; the manual page; and all of it goes again.
set -u
cd "$(dirname "$0")/.." || exit 2
place=${1:-$PWD/target/install}
rm -rf "$place"
make -s install DESTDIR= PREFIX="$place" || exit 1
lib=$place/lib
work=$place/work
mkdir -p "$work"
suite=install log=$work/log
. tests/checks.sh

# The files below a folder, by their names from there.
files () { (cd "$1" && find . ! -type d ! -path './work/*' | sort); }

for file in include/zmq.h include/zmq_utils.h include/ferrozmq.h lib/libzmq.a lib/pkgconfig/libzmq.pc \
    lib/cmake/ZeroMQ/ZeroMQConfig.cmake lib/cmake/ZeroMQ/ZeroMQConfigVersion.cmake \
    share/man/man7/ferrozmq.7 share/man/man3/zmq_send.3; do
    check "$file is there" test -f "$place/$file"
done
check "the library is a real file" test ! -L "$(echo "$lib"/libzmq.so.5.*)"
check "libzmq.so.5 leads to it" test "$lib/libzmq.so.5" -ef "$(echo "$lib"/libzmq.so.5.*)"
check "libzmq.so leads to it" test "$lib/libzmq.so" -ef "$(echo "$lib"/libzmq.so.5.*)"
check "nothing in them is left to be filled in" sh -c "! grep -r '@[A-Z_]*@' '$place/lib/pkgconfig' \
    '$place/lib/cmake' '$place/share'"

# The functions that a header declares.
functions () { sed -n 's/^[^*].*[ *]\(zmq_[a-z0-9_]*\)[(].*/\1/p'; }
functions <"$place/include/zmq.h" >"$work/functions"
if have nm "symbols and libraries"; then
    nm -D --defined-only "$lib/libzmq.so" | awk '{print $NF}' | sort >"$work/exported"
    sed '/^#ifdef ZMQ_BUILD_DRAFT_API/,/^#endif .*ZMQ_BUILD_DRAFT_API/d' "$place/include/zmq.h" |
        functions | sort >"$work/declared"
    check "the header declares what is exported, nothing more or less" \
        diff "$work/declared" "$work/exported"
    readelf -sW "$lib/libzmq.a" | awk '$5 == "GLOBAL" && $7 != "UND" {print $8}' | sort >"$work/names"
    check "the archive has these names and no others" diff "$work/exported" "$work/names"
    readelf -d "$lib/libzmq.so" >"$work/dynamic"
    check "SONAME" grep -q 'SONAME.*\[libzmq\.so\.5\]' "$work/dynamic"
    check "needs libc, libm and libgcc_s only" sh -c "! grep NEEDED '$work/dynamic' |
        grep -v -e '\[libc\.so' -e '\[libm\.so' -e '\[libgcc_s\.so' -e '\[ld-linux'"
    check "ldd finds them all" sh -c "! ldd '$lib/libzmq.so' | grep 'not found'"
fi

# Exchanges messages over tcp and inproc, with CURVE, and ends.
cat >"$work/program.c" <<'PROGRAM'
#include <zmq.h>
#include <string.h>

static int exchange (void *context, const char *endpoint)
{
    char where[256], text[8] = "";
    size_t size = sizeof where;
    int curve = 1, rc = 0;
    char public_key[41], secret_key[41];
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    rc |= zmq_curve_keypair (public_key, secret_key);
    rc |= zmq_setsockopt (pull, ZMQ_CURVE_SERVER, &curve, sizeof curve);
    rc |= zmq_setsockopt (pull, ZMQ_CURVE_SECRETKEY, secret_key, 41);
    rc |= zmq_setsockopt (push, ZMQ_CURVE_SERVERKEY, public_key, 41);
    rc |= zmq_setsockopt (push, ZMQ_CURVE_PUBLICKEY, public_key, 41);
    rc |= zmq_setsockopt (push, ZMQ_CURVE_SECRETKEY, secret_key, 41);
    rc |= zmq_bind (pull, endpoint);
    rc |= zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, where, &size);
    rc |= zmq_connect (push, where);
    rc |= zmq_send (push, "hello", 5, 0) != 5;
    rc |= zmq_recv (pull, text, sizeof text, 0) != 5 || memcmp (text, "hello", 5);
    return rc | zmq_close (push) | zmq_close (pull);
}

int main (void)
{
    int major, minor, patch;
    void *context = zmq_ctx_new ();
    zmq_version (&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION (major, minor, patch) != ZMQ_VERSION)
        return 1;
    if (exchange (context, "tcp://127.0.0.1:*") || exchange (context, "inproc://here"))
        return 2;
    return zmq_ctx_term (context);
}
PROGRAM

if have cc "building programs" && have pkg-config "building programs"; then
    PKG_CONFIG_PATH=$lib/pkgconfig
    export PKG_CONFIG_PATH
    # The archive by itself, so that the linker has no choice.
    mkdir -p "$work/archive"
    cp "$lib/libzmq.a" "$work/archive"
    flags=$(pkg-config --cflags libzmq)
    static=$(pkg-config --static --libs libzmq | sed "s|-L$lib|-L$work/archive|")
    check "pkg-config knows the version" pkg-config --exact-version=4.3.5 libzmq
    check "and takes it for that of libzmq" pkg-config --atleast-version=4.3.4 libzmq
    # shellcheck disable=SC2046,SC2086 # flags are lists of words
    check "a program builds with the shared library" \
        cc $flags -o "$work/shared" "$work/program.c" $(pkg-config --libs libzmq)
    check "and runs" env LD_LIBRARY_PATH="$lib" "$work/shared"
    # shellcheck disable=SC2086
    check "a program builds with the archive" \
        cc $flags -o "$work/archived" "$work/program.c" $static
    check "and runs" "$work/archived"
    check "without the shared library" sh -c "! ldd '$work/archived' | grep libzmq"
    # shellcheck disable=SC2046,SC2086
    check "a position-independent one, too" cc -static-pie $flags -o "$work/static" \
        "$work/program.c" $(pkg-config --static --libs libzmq)
    check "and runs" "$work/static"
    # shellcheck disable=SC2046,SC2086
    check "a wholly static program builds" cc -static $flags -o "$work/static" "$work/program.c" \
        $(pkg-config --static --libs libzmq)
    check "and runs" "$work/static"
fi

if have cmake "find_package (ZeroMQ)"; then
    mkdir -p "$work/cmake"
    cp "$work/program.c" "$work/cmake/program.c"
    cat >"$work/cmake/program.cpp" <<'PROGRAM'
#include <zmq.hpp>
#include <zmq_addon.hpp>

int main ()
{
    zmq::context_t context;
    zmq::socket_t pull (context, zmq::socket_type::pull), push (context, zmq::socket_type::push);
    pull.bind ("tcp://127.0.0.1:*");
    push.connect (pull.get (zmq::sockopt::last_endpoint));
    zmq::message_t first, second;
    push.send (zmq::str_buffer ("first"), zmq::send_flags::sndmore);
    push.send (zmq::str_buffer ("second"), zmq::send_flags::none);
    if (!pull.recv (first) || !first.more () || !pull.recv (second))
        return 1;
    return first.to_string () == "first" && second.to_string () == "second" ? 0 : 2;
}
PROGRAM
    cat >"$work/cmake/CMakeLists.txt" <<'PROJECT'
cmake_minimum_required (VERSION 3.10)
project (installed C CXX)
find_package (ZeroMQ 4.3.4 REQUIRED)
# Again, as when several parts of a program ask for it.
find_package (ZeroMQ CONFIG REQUIRED)
if (NOT ZeroMQ_VERSION VERSION_EQUAL 4.3.5)
    message (FATAL_ERROR "version ${ZeroMQ_VERSION}")
endif ()
foreach (file IN ITEMS "${ZeroMQ_INCLUDE_DIR}/zmq.h" "${ZeroMQ_LIBRARY}" "${ZeroMQ_STATIC_LIBRARY}")
    if (NOT EXISTS "${file}")
        message (FATAL_ERROR "no file ${file}")
    endif ()
endforeach ()
add_executable (shared program.c)
target_link_libraries (shared libzmq)
add_executable (archived program.c)
target_link_libraries (archived libzmq-static)
if (CPPZMQ)
    find_package (cppzmq REQUIRED)
    add_executable (cpp program.cpp)
    target_link_libraries (cpp cppzmq)
    add_executable (cpp-archived program.cpp)
    target_link_libraries (cpp-archived cppzmq-static)
endif ()
PROJECT
    mkdir -p "$work/newer"
    cat >"$work/newer/CMakeLists.txt" <<'PROJECT'
cmake_minimum_required (VERSION 3.19)
project (newer C)
find_package (ZeroMQ 4.4 QUIET)
if (ZeroMQ_FOUND)
    message (FATAL_ERROR "4.3.5 is no 4.4")
endif ()
find_package (ZeroMQ 4.0...<4.3.5 QUIET)
if (ZeroMQ_FOUND)
    message (FATAL_ERROR "4.3.5 is not below itself")
endif ()
find_package (ZeroMQ 4.0...4.3.5 REQUIRED)
PROJECT
    cppzmq=OFF
    [ ! -e /usr/share/cmake/cppzmq/cppzmqConfig.cmake ] || cppzmq=ON
    [ "$cppzmq" = ON ] || echo "install: no cppzmq-dev, skipped: cppzmq's CMake package"
    check "CMake finds the package" cmake -S "$work/cmake" -B "$work/cmake/build" \
        -DCMAKE_PREFIX_PATH="$place" -DCPPZMQ=$cppzmq
    check "its targets build" cmake --build "$work/cmake/build"
    check "with the shared library" sh -c "ldd '$work/cmake/build/shared' | grep 'libzmq.so.5 => $lib'"
    check "which runs" "$work/cmake/build/shared"
    check "with the archive" sh -c "! ldd '$work/cmake/build/archived' | grep libzmq"
    check "which runs" "$work/cmake/build/archived"
    if [ "$cppzmq" = ON ]; then
        check "cppzmq's package builds on it" sh -c \
            "ldd '$work/cmake/build/cpp' | grep 'libzmq.so.5 => $lib'"
        check "and runs" "$work/cmake/build/cpp"
        check "and with the archive" "$work/cmake/build/cpp-archived"
    fi
    check "other versions are not taken for it" \
        cmake -S "$work/newer" -B "$work/newer/build" -DCMAKE_PREFIX_PATH="$place"
    # Nothing tells where it was installed.
    mkdir -p "$work/moved"
    cp -a "$place/lib" "$place/include" "$work/moved"
    check "an installation may be moved" cmake -S "$work/cmake" -B "$work/cmake/moved" \
        -DCMAKE_PREFIX_PATH="$work/moved" -DCPPZMQ=OFF
    check "and is found there" grep -r "$work/moved/lib/libzmq" "$work/cmake/moved" --include=link.txt
    rm -rf "$work/moved"
fi

# What COMPAT.md and the header say is in the manual, in a form that all can read.
differences=$place/share/man/man7/ferrozmq.7
for word in zmq_proxy_steerable 'ZMQ_RECONNECT_STOP' 'SEE ALSO' 'EFAULT'; do
    check "the manual tells of $word" grep -q "$word" "$differences"
done
rows=$(grep -c '^ *|.*[^-| :]' COMPAT.md)
check "the manual has a paragraph for each row" test "$(grep -c '^\.TP' "$differences")" -ge $((rows - 20))
while read -r function; do
    page=$place/share/man/man3/$function.3
    [ -f "$page" ] && grep -q "^$function .*- ." "$page" || echo "$function"
done <"$work/functions" >"$work/pageless"
check "every function has a page" diff /dev/null "$work/pageless"
check "and nothing else" test "$(find "$place/share/man/man3" -type f | wc -l)" = "$(wc -l <"$work/functions")"
check "no Markdown is left in the manual" sh -c "! grep -n '\`\|^#\|^|' '$place'/share/man/man?/*"
if have groff "the manual's form"; then
    check "the manual is well-formed" sh -c "
        for page in '$place'/share/man/man?/*; do groff -man -Kutf8 -Tutf8 -ww -z \"\$page\" 2>&1; done |
            { ! grep .; }"
fi

# By DESTDIR and LIBDIR, as packages are made; without cargo, as root may be.
staged=$work/staged
check "it can be staged" make -s install CARGO=no-cargo DESTDIR="$staged" PREFIX=/usr \
    LIBDIR=/usr/lib/here MANDIR=/usr/man
check "where LIBDIR and MANDIR say" test -f "$staged/usr/lib/here/libzmq.so.5" \
    -a -f "$staged/usr/man/man7/ferrozmq.7" -a -f "$staged/usr/include/zmq.h"
check "with no path of the stage in it" sh -c "! grep -r '$staged' '$staged'"
if have pkg-config "the staged libzmq.pc"; then
    check "pkg-config tells LIBDIR" sh -c "PKG_CONFIG_PATH='$staged/usr/lib/here/pkgconfig' \
        pkg-config --variable=libdir libzmq | grep -x /usr/lib/here"
fi
touch "$staged/usr/lib/here/other"
check "it can be taken away" make -s uninstall DESTDIR="$staged" PREFIX=/usr \
    LIBDIR=/usr/lib/here MANDIR=/usr/man
check "and nothing else with it" sh -c "[ \"\$(cd '$staged' && find . ! -type d)\" = ./usr/lib/here/other ]"
check "it can be taken away from its prefix" make -s uninstall DESTDIR= PREFIX="$place"
files "$place" >"$work/left"
check "to the last file" test ! -s "$work/left"
check "and its own folder" test ! -e "$place/lib/cmake/ZeroMQ"

finish
