# make            the library: target/release/libzmq.so.5
# make demo       the example programs, on the system's libzmq and on ours
# make test       everything that can fail: unit, protocol, loom, C, install
# make fuzz       [TARGET=name] [SECONDS=60]  the fuzz targets, one after the other
# make diff       [N=100000] random sequences of calls on both libraries, compared
# make lint       format, clippy, documentation, header drift
# make bench      [CELL=glob]... [PAIRS=5] ours and the system's libzmq in turn
# make bench-rival  builds omq-libzmq, to be measured as a third
# make guard      [WRITE=1] the instructions of the hot paths against the committed figures
# make bench-crypto  the boxes of CURVE beside those of libsodium
# make compat     other people's programs on the system's libzmq and on ours (compat/);
#                 compat-NAME: one of them, compat-quick: some, in a few minutes
# make install    [PREFIX=/usr/local] [DESTDIR=] [LIBDIR=] [INCLUDEDIR=] [MANDIR=]
# make uninstall  takes it away again
# make deb        [OUT=target/debian] Debian packages in place of libzmq5, libzmq3-dev
# make draft      the library with the draft API: target/draft/release/libzmq.so.5
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
MANDIR     ?= $(PREFIX)/share/man
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CMAKEDIR     ?= $(LIBDIR)/cmake/ZeroMQ
QUICK      ?=

# The file name of the library, the name it is asked for, and the API it has.
REAL   := libzmq.so.5.2.5
SONAME := libzmq.so.5
VERSION := $(shell sed -n 's/^\#define ZMQ_VERSION_M[AI][JN]OR \([0-9]*\)/\1./p; s/^\#define ZMQ_VERSION_PATCH \([0-9]*\)/\1/p' include/zmq.h | tr -d '\n')
OWN_VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
HEADERS := $(wildcard include/*.h)
# Each has a manual page, from its comment in the header.
paren := (
FUNCTIONS := $(shell sed -n 's/^[^*].*[ *]\(zmq_[a-z0-9_]*\)[$(paren)].*/\1/p' include/zmq.h)

# What the archive is to be linked to.
STATIC_LIBS := pthread dl rt m

# Fills in the templates of packaging/. Paths below PREFIX are told from there, and
# CMake finds the headers from the library, so that an installation may be moved.
FILL = sed -e 's|@PREFIX@|$(PREFIX)|' \
    -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
    -e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
    -e 's|@INCLUDE_FROM_LIB@|$(shell realpath -ms --relative-to="$(LIBDIR)" "$(INCLUDEDIR)")|' \
    -e 's|@VERSION@|$(VERSION)|' -e 's|@REAL@|$(REAL)|' -e 's|@SONAME@|$(SONAME)|' \
    -e 's|@STATIC_FLAGS@|$(STATIC_LIBS:%=-l%)|' \
    -e 's|@STATIC_LIBS@|$(subst $() ,;,$(STATIC_LIBS))|' \
    -e 's|@POINTER_BYTES@|$(shell echo $$(($$(getconf LONG_BIT) / 8)))|'

RELEASE := target/release

all: lib

# Programs find the library under target/release by its SONAME too.
lib:
	$(CARGO) build --release $(CARGOFLAGS)
	@ln -sf libzmq.so $(RELEASE)/$(SONAME)

draft:
	$(CARGO) build --release --features draft --target-dir target/draft $(CARGOFLAGS)
	@ln -sf libzmq.so target/draft/release/$(SONAME)

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

# Counted in valgrind, which no busy machine disturbs. WRITE=1 commits to new figures.
guard: lib
	python3 benches/guard/guard.py --lib $(RELEASE) $(if $(WRITE),--write)

bench-crypto:
	$(CARGO) test --release --lib $(CARGOFLAGS) crypto::bench -- --ignored --nocapture

test: deps lib test-rust test-loom test-c test-draft test-sweep test-diff test-interop test-reliability test-install test-docs guard

test-rust:
	$(CARGO) test $(CARGOFLAGS)

# Loom replaces the atomics everywhere, so it has a target folder of its own.
test-loom:
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom \
	    $(CARGO) test --release --lib $(CARGOFLAGS) loom_

test-c: lib
	capi-tests/run

# Random sequences: the same ones each time, so that a change is what makes a difference,
# then fresh ones. A difference counts when it is there each time that both are asked
# again; it is printed with its seed: capi-tests/diff/run SEED asks once more. One among
# fresh sequences was there before the change, and is to be looked at by itself: only
# several of them fail.
test-diff: lib
	capi-tests/diff/run -f 130970545497 -n 3000 -t 40 -r 2
	capi-tests/diff/run -n 3000 -t 40 -r 2 -a 2

diff: lib
	capi-tests/diff/run -n $(or $(N),100000)

# The functions of the draft API, which the oracle lacks.
test-draft: draft
	CAPI_TESTS_OUT=target/capi-tests/draft capi-tests/run -l ours -d target/draft/release \
	    $(notdir $(basename $(wildcard capi-tests/draft_*.c)))
	$(CARGO) test --features draft --target-dir target/draft --lib --test exports $(CARGOFLAGS) \
	    -- draft they_are poller message pattern

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

test-docs: lib
	python3 tests/docs.py

# Installs the packages of `make deb` in a Debian of their own, made by debootstrap.
test-deb: lib
	@sh packaging/deps debian-test
	sh tests/debian.sh

# Installs each client the first time; writes the table of COMPAT.md. FRESH=1 runs long
# suites anew on the system's libzmq, too.
compat: lib
	compat/all $(if $(FRESH),--fresh)

compat-quick: lib
	compat/all --quick

compat-%: lib
	compat/$*/run $(if $(FRESH),--fresh)

lint:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --all-targets $(CARGOFLAGS) -- -D warnings
	$(CARGO) clippy --features draft $(CARGOFLAGS) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items $(CARGOFLAGS)
	$(CARGO) test $(CARGOFLAGS) --test header

header:
	FERROZMQ_WRITE_HEADER=1 $(CARGO) build $(CARGOFLAGS)

# As root there may be no cargo; then what was built before is installed.
install: $(if $(shell command -v $(CARGO) 2>/dev/null),lib)
	@[ -f $(RELEASE)/libzmq.so ] || { echo "nothing to install yet: run make"; exit 1; }
	install -d "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(PKGCONFIGDIR)" \
	    "$(DESTDIR)$(CMAKEDIR)" "$(DESTDIR)$(MANDIR)"
	install -m 755 $(RELEASE)/libzmq.so "$(DESTDIR)$(LIBDIR)/$(REAL)"
	ln -sf $(REAL) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libzmq.so"
	packaging/archive $(RELEASE)/libzmq.so $(RELEASE)/libzmq.a "$(DESTDIR)$(LIBDIR)/libzmq.a"
	chmod 644 "$(DESTDIR)$(LIBDIR)/libzmq.a"
	install -m 644 $(HEADERS) "$(DESTDIR)$(INCLUDEDIR)"
	$(FILL) packaging/libzmq.pc.in > "$(DESTDIR)$(PKGCONFIGDIR)/libzmq.pc"
	$(FILL) packaging/cmake/ZeroMQConfig.cmake.in > "$(DESTDIR)$(CMAKEDIR)/ZeroMQConfig.cmake"
	$(FILL) packaging/cmake/ZeroMQConfigVersion.cmake.in \
	    > "$(DESTDIR)$(CMAKEDIR)/ZeroMQConfigVersion.cmake"
	chmod 644 "$(DESTDIR)$(PKGCONFIGDIR)/libzmq.pc" "$(DESTDIR)$(CMAKEDIR)"/ZeroMQConfig*.cmake
	packaging/man/build $(OWN_VERSION) "$(DESTDIR)$(MANDIR)"

.PHONY: uninstall deb deps-deb test-docs test-deb

# With the PREFIX, DESTDIR and so on of the installation.
uninstall:
	rm -f "$(DESTDIR)$(LIBDIR)/$(REAL)" "$(DESTDIR)$(LIBDIR)/$(SONAME)" \
	    "$(DESTDIR)$(LIBDIR)/libzmq.so" "$(DESTDIR)$(LIBDIR)/libzmq.a" \
	    $(HEADERS:include/%="$(DESTDIR)$(INCLUDEDIR)/%") "$(DESTDIR)$(PKGCONFIGDIR)/libzmq.pc" \
	    "$(DESTDIR)$(CMAKEDIR)/ZeroMQConfig.cmake" \
	    "$(DESTDIR)$(CMAKEDIR)/ZeroMQConfigVersion.cmake" "$(DESTDIR)$(MANDIR)/man7/ferrozmq.7" \
	    $(FUNCTIONS:%="$(DESTDIR)$(MANDIR)/man3/%.3")
	[ ! -d "$(DESTDIR)$(CMAKEDIR)" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(CMAKEDIR)"

# Debian packages that take the place of libzmq5 and libzmq3-dev.
deb: deps-deb lib
	packaging/debian/build $(or $(OUT),target/debian)

deps-deb:
	@sh packaging/deps debian

asan: deps
	packaging/sanitize address

tsan: deps
	packaging/sanitize thread

clean:
	$(CARGO) clean

.PHONY: all lib draft test-draft deps demo bench bench-rival guard bench-crypto test test-rust test-loom test-c test-sweep test-diff diff fuzz test-fuzz \
        test-interop test-reliability test-install compat compat-quick lint header \
        install asan tsan clean
