# make            the library: target/release/libzmq.so.5
# make demo       the example programs, on the system's libzmq and on ours
# make test       everything that can fail: unit, protocol, loom, C, install
# make fuzz       [TARGET=name] [SECONDS=60]  the fuzz targets, one after the other
# make diff       [N=100000] random sequences of calls on both libraries, compared
# make lint       format, clippy, documentation, header drift
# make bench      [CELL=glob]... [PAIRS=5] ours and the system's libzmq in turn
# make bench-rival  builds omq-libzmq, to be measured as a third
# make bench-crypto  the boxes of CURVE beside those of libsodium
# make compat-pyzmq  the tests of pyzmq, on the system's libzmq and on ours
# make install    [PREFIX=/usr/local] [DESTDIR=] [LIBDIR=] [INCLUDEDIR=]
# make deps       the Debian packages that the others want
# make header     writes include/zmq.h anew after src/capi/ or cbindgen.toml changed
# make test-fuzz  the fuzz targets, a few seconds each
# make asan tsan  unit and C tests under a sanitizer
#
# QUICK=1 makes demo and bench short. CARGO and CARGOFLAGS are as usual.

CARGO      ?= cargo
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
QUICK      ?=

# The file name of the library, the name it is asked for, and the API it has.
REAL   := libzmq.so.5.2.5
SONAME := libzmq.so.5
VERSION := $(shell sed -n 's/^\#define ZMQ_VERSION_M[AI][JN]OR \([0-9]*\)/\1./p; s/^\#define ZMQ_VERSION_PATCH \([0-9]*\)/\1/p' include/zmq.h | tr -d '\n')

RELEASE := target/release

all: lib

# Programs find the library under target/release by its SONAME too.
lib:
	$(CARGO) build --release $(CARGOFLAGS)
	@ln -sf libzmq.so $(RELEASE)/$(SONAME)

deps:
	@sh packaging/deps

demo: deps lib
	python3 examples/demo.py $(if $(QUICK),--quick)

bench: deps lib
	python3 benches/run.py $(if $(QUICK),--quick) $(foreach cell,$(CELL),--cell '$(cell)') \
	    $(if $(PAIRS),--pairs $(PAIRS)) $(if $(BUDGET),--resume --budget $(BUDGET)) \
	    $(if $(QUICK)$(CELL),,--write)

bench-rival:
	benches/rival

bench-crypto:
	$(CARGO) test --release --lib $(CARGOFLAGS) crypto::bench -- --ignored --nocapture

test: deps lib test-rust test-loom test-c test-sweep test-diff test-interop test-reliability test-install

test-rust:
	$(CARGO) test $(CARGOFLAGS)

# Loom replaces the atomics everywhere, so it has a target folder of its own.
test-loom:
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom \
	    $(CARGO) test --release --lib $(CARGOFLAGS) loom_

test-c: lib
	capi-tests/run

# Random sequences within a minute, the same ones each time, so that a change is what
# makes a difference; `make diff` takes fresh ones, and its time.
test-diff: lib
	capi-tests/diff/run -f 8400000000 -n 3000 -t 45

diff: lib
	capi-tests/diff/run -n $(or $(N),100000)

fuzz:
	fuzz/run -s $(or $(SECONDS),60) $(TARGET)

# What once found something, then new inputs for a few seconds.
test-fuzz:
	fuzz/run -s 2 $(TARGET)

# Every size and boundary of every option, and every handle that is none.
test-sweep: lib
	capi-tests/sweep/run -d $(RELEASE)

# Against the system's libzmq in another process, and JeroMQ 0.3, which speaks
# ZMTP 2.0, where it is installed; FULL=1 for 100 000 messages a cell.
test-interop: lib
	capi-tests/interop/run $(if $(FULL),,--quick) --ours $(RELEASE) --theirs system
	capi-tests/interop/run $(if $(FULL),,--quick) --ours $(RELEASE) --theirs jeromq

# What is sent arrives, through restarts, kills and cuts.
test-reliability: lib
	capi-tests/reliability/run --ours $(RELEASE) --theirs $(RELEASE)

test-install: lib
	sh tests/install.sh

# Downloads and builds pyzmq the first time; FRESH=1 runs it anew on the system's
# libzmq, too.
compat-pyzmq: lib
	@sh packaging/deps python
	compat/pyzmq/run --ours $(RELEASE) $(if $(FRESH),--fresh)

lint:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --all-targets $(CARGOFLAGS) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items $(CARGOFLAGS)
	$(CARGO) test $(CARGOFLAGS) --test header

header:
	FERROZMQ_WRITE_HEADER=1 $(CARGO) build $(CARGOFLAGS)

install: lib
	install -d "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(INCLUDEDIR)"
	install -m 755 $(RELEASE)/libzmq.so "$(DESTDIR)$(LIBDIR)/$(REAL)"
	ln -sf $(REAL) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libzmq.so"
	install -m 644 $(RELEASE)/libzmq.a "$(DESTDIR)$(LIBDIR)/libzmq.a"
	strip -g "$(DESTDIR)$(LIBDIR)/libzmq.a"
	install -m 644 include/zmq.h include/zmq_utils.h include/ferrozmq.h "$(DESTDIR)$(INCLUDEDIR)"
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	    packaging/libzmq.pc.in > "$(DESTDIR)$(LIBDIR)/pkgconfig/libzmq.pc"
	chmod 644 "$(DESTDIR)$(LIBDIR)/pkgconfig/libzmq.pc"

asan: deps
	packaging/sanitize address

tsan: deps
	packaging/sanitize thread

clean:
	$(CARGO) clean

.PHONY: all lib deps demo bench bench-rival bench-crypto test test-rust test-loom test-c test-sweep test-diff diff fuzz test-fuzz \
        test-interop test-reliability test-install compat-pyzmq lint header \
        install asan tsan clean
