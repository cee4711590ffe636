#!/bin/sh
# The Debian packages take the place of libzmq5 and libzmq3-dev and give it back; so
# does what `make install` lays down beside those. What the packages hold is looked at
# first; then they are installed and removed, by apt and by dpkg, in a Debian of their
# own, which debootstrap makes under target/ (it is kept), beside a program of Debian's
# that wants libzmq5. This machine's packages are left alone.
set -u
cd "$(dirname "$0")/.." || exit 2
out=$PWD/target/debian
root=$PWD/target/debian-root
log=$out/log
rm -rf "$out"
mkdir -p "$out"
suite=debian
. tests/checks.sh

have dpkg-shlibdeps "everything" || finish
check "the packages build" packaging/debian/build "$out"
library=$(echo "$out"/libferrozmq5_*.deb)
dev=$(echo "$out"/libferrozmq-dev_*.deb)
says () { # PACKAGE FIELD VALUE
    [ "$(dpkg-deb -f "$1" "$2")" = "$3" ] || { dpkg-deb -f "$1" "$2"; return 1; }
}
holds () { # PACKAGE PATTERN
    dpkg-deb -c "$1" | grep -E "$2"
}
check "the library says what it replaces" says "$library" Provides "libzmq5 (= 4.3.5)"
check "and that both cannot be" says "$library" Conflicts libzmq5
check "the other package does, too" says "$dev" Provides "libzmq3-dev (= 4.3.5)"
check "GSSAPI's library is recommended" says "$library" Recommends libgssapi-krb5-2
check "the library needs what it is linked to" sh -c "dpkg-deb -f '$library' Depends | grep libc6"
check "the library is there" holds "$library" ' \./usr/lib/.*/libzmq\.so\.5\.'
check "so is its SONAME" holds "$library" ' \./usr/lib/.*/libzmq\.so\.5 -> libzmq\.so\.5\.'
for file in include/zmq.h lib/.*/libzmq.a lib/.*/pkgconfig/libzmq.pc \
    lib/.*/cmake/ZeroMQ/ZeroMQConfig.cmake share/man/man7/ferrozmq.7.gz share/man/man3/zmq_send.3.gz; do
    check "$file is there" holds "$dev" " \./usr/$file\$"
done
check "nothing else is the library's" sh -c "! dpkg-deb -c '$library' | grep -v '/$' |
    grep -v -e libzmq.so.5 -e /share/doc/libferrozmq5/ -e /lintian/overrides/libferrozmq5"
check "the same again" sh -c "packaging/debian/build '$out/again' &&
    cmp '$library' '$out/again/$(basename "$library")' &&
    cmp '$dev' '$out/again/$(basename "$dev")'"
if have lintian "whether the packages follow Debian's policy"; then
    # There is no bug in Debian's tracker that asks for these packages, and no place
    # on the web that they come from yet.
    check "lintian finds nothing" lintian --allow-root --fail-on error,warning \
        --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host-in-debian-changelog,bogus-mail-host \
        "$library" "$dev"
fi

[ "$(id -u)" -eq 0 ] || { echo "debian: not root, skipped: installing"; finish; }
have debootstrap "installing" || finish
in_root () { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
if [ ! -e "$root/ready" ]; then
    rm -rf "$root"
    echo "debian: making a Debian in target/debian-root"
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    { debootstrap --variant=minbase "$suite" "$root" &&
        in_root apt-get install -qq -y --no-install-recommends python3-zmq libzmq3-dev &&
        touch "$root/ready"; } >"$log" 2>&1 || {
        tail -n 5 "$log"
        echo "debian: cannot make a Debian, skipped: installing"
        finish
    }
fi
cp "$library" "$root/libferrozmq5.deb"
cp "$dev" "$root/libferrozmq-dev.deb"
# What others may say they want of libzmq.
mkdir -p "$out/wanting/DEBIAN"
cat >"$out/wanting/DEBIAN/control" <<CONTROL
Package: wanting-libzmq
Version: 1
Architecture: all
Maintainer: nobody <nobody@ferrozmq.invalid>
Depends: libzmq5 (>= 4.3.4), libzmq3-dev (>= 4.3.4)
Description: wants libzmq
CONTROL
dpkg-deb --root-owner-group --build "$out/wanting" "$root/wanting-libzmq.deb" >"$log"
cat >"$root/round_trip.py" <<'PROGRAM'
import sys
import zmq

context = zmq.Context()
for endpoint in "tcp://127.0.0.1:*", "inproc://here":
    rep, req = context.socket(zmq.REP), context.socket(zmq.REQ)
    rep.bind(endpoint)
    req.connect(rep.get(zmq.LAST_ENDPOINT))
    req.send(b"hello")
    assert rep.recv() == b"hello"
    rep.send(b"world")
    assert req.recv() == b"world"
    rep.close()
    req.close()
context.term()
assert zmq.zmq_version() == sys.argv[1], zmq.zmq_version()
PROGRAM
# What an installation has come to: whose the library is, and what runs on it.
installed () { # LIBRARY DEV API NOT-THESE...
    file=$(in_root sh -c 'readlink -f /usr/lib/*/libzmq.so.5')
    check "$how: the library is of $1" sh -c "chroot '$root' dpkg -S '$file' | grep '^$1:'"
    check "$how: the header is of $2" sh -c "chroot '$root' dpkg -S /usr/include/zmq.h | grep '^$2:'"
    check "$how: Debian's program runs on it" in_root python3 /round_trip.py "$3"
    check "$how: nothing is left to be desired" in_root apt-get check
    check "$how: files are as packaged" in_root dpkg --verify "$1" "$2"
    shift 3
    check "$how: whoever wants libzmq has it" in_root dpkg -s wanting-libzmq
    for gone in "$@"; do
        check "$how: $gone is gone" sh -c "! chroot '$root' dpkg-query -W -f '\${db:Status-Status}\n' \
            $gone 2>/dev/null | grep -x installed"
    done
}
# The lists of packages may be of long ago.
theirs () {
    packages="libzmq5 libzmq3-dev /wanting-libzmq.deb"
    # shellcheck disable=SC2086 # a list of words
    in_root apt-get install -qq -y --no-install-recommends $packages || {
        in_root apt-get update -qq
        in_root apt-get install -qq -y --no-install-recommends $packages
    }
}

how="Debian's"
check "$how can be installed" theirs
their_api=$(in_root dpkg-query -W -f '${Version}' libzmq5 | sed 's/[-+~].*//')
installed libzmq5 libzmq3-dev "$their_api"
how="by apt"
check "$how" in_root apt-get install -qq -y --no-install-recommends /libferrozmq5.deb /libferrozmq-dev.deb
installed libferrozmq5 libferrozmq-dev 4.3.5 libzmq5 libzmq3-dev
how="back by apt"
check "$how" theirs
installed libzmq5 libzmq3-dev "$their_api" libferrozmq5 libferrozmq-dev
how="by dpkg"
check "$how" in_root dpkg -i /libferrozmq-dev.deb /libferrozmq5.deb
installed libferrozmq5 libferrozmq-dev 4.3.5 libzmq5 libzmq3-dev
how="removed"
check "the development files can go, with what wants them" \
    in_root apt-get remove -qq -y libferrozmq-dev
check "Debian's program still runs" in_root python3 /round_trip.py 4.3.5
how="back once more"
check "$how" theirs
installed libzmq5 libzmq3-dev "$their_api" libferrozmq5 libferrozmq-dev
# Beside Debian's, as on other systems.
how="beside Debian's"
check "$how" make -s install CARGO=no-cargo DESTDIR="$root" PREFIX=/usr/local LIBDIR=/usr/local/lib
check "$how: the loader learns of it" in_root ldconfig
check "$how: Debian's program runs on it" in_root python3 /round_trip.py 4.3.5
check "$how: it goes again" make -s uninstall DESTDIR="$root" PREFIX=/usr/local LIBDIR=/usr/local/lib
check "$how: and the loader knows" in_root ldconfig
check "$how: Debian's program runs on Debian's" in_root python3 /round_trip.py "$their_api"
check "nothing of ours is left" sh -c "! find '$root/usr' | grep -i ferrozmq"

finish
