# qrx: thin verbs over CMake and tests/. `make help` lists them.
SHELL := /bin/bash

BUILD    ?= build
# make test SANITIZE=address,undefined (or thread): the same tests on an instrumented build of its own.
SANITIZE ?=
ifneq ($(SANITIZE),)
comma := ,
override BUILD := build-$(subst $(comma),-,$(subst address,asan,$(subst undefined,ubsan,$(subst thread,tsan,$(SANITIZE)))))
endif

PREFIX       ?= /usr/local
DESTDIR      ?=
# One compiler a core: with ninja's own two more, they take the cache from each other (5-8 % slower on two cores).
JOBS         ?= $(shell nproc)
FUZZ_SECONDS ?= 30
# Arguments for tests/run: names or parts of names of tests.
TESTS        ?=

TOOLS := qrx-serve qrx-recv qrx-send qrx-share qrx-scan qrx-screen qrx-show qrx-poster qrx-notify

# Debian packages of the build; needed.txt has their names on other systems, too.
DEPS_BUILD := $(shell awk '!/^\#/ && NF { print $$2 }' cmd/packaging/needed.txt)

# Debian packages of the tests, one a line. "package?command": not needed where the command is there already.
define DEPS_TEST
age
apprise
bindfs
ca-certificates
cage
chromium
clang-format
curl
dbus-daemon?dbus-run-session
exfat-fuse
exfatprogs
faketime
ffmpeg
fish
fonts-dejavu-core
fonts-hack
fonts-liberation2
fonts-noto-mono
fonts-wqy-microhei
foot
gammu-smsd
grim
haproxy
imagemagick
iproute2?ip
libarchive-tools?bsdtar
librsvg2-bin
mandoc
nginx-light?nginx
openssl
pgbouncer
postgresql
procps
prosody
python3
python3-aiosmtpd
python3-gi
python3-pexpect
python3-tuspy
rxvt-unicode
screen
shellcheck
sqlite3
strace
swift-account
swift-container
swift-object
swift-proxy
tmux
unzip
x11-apps
xclip
xfonts-base
xterm
xvfb
xwayland
xxhash
zbar-tools
zsh
endef

# Of those that run for minutes.
define DEPS_TEST_ALL
ceph-common?ceph
ceph-mon
ceph-osd
radosgw
endef

define DEPS_BENCH
curl
magic-wormhole-transit-relay
nginx-light?nginx
openssl
python3
python3-magic-wormhole-mailbox-server
rsync
wormhole-william
wrk
endef

define DEPS_FUZZ
clang
libclang-rt-dev
endef

define DEPS_LINT
clang-format
cppcheck
mandoc
shellcheck
endef

# Object files are shared between checkouts and build directories where ccache is installed.
CCACHE := $(shell command -v ccache 2>/dev/null)
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
# Warnings are errors where the gate asks for it (make check), not for people who build.
# Empty: as CMakeLists.txt decides by the compiler.
WERROR ?=
CMAKE_FLAGS = -G Ninja $(if $(WERROR),-DQRX_WERROR=$(WERROR)) $(if $(CCACHE),-DCMAKE_CXX_COMPILER_LAUNCHER=$(CCACHE))

.DEFAULT_GOAL := all
# The libraries of the pages, by their lock file; an installed lock file is newer than ours when it is up to date.
WEB_INSTALLED := src/web/node_modules/.package-lock.json
NPM_CI := npm ci --fetch-retries=1 --fetch-retry-mintimeout=2000 --ignore-scripts --no-audit --no-fund --loglevel=error
$(WEB_INSTALLED): src/web/package-lock.json
	@cd src/web && if $(NPM_CI) </dev/null; then touch node_modules/.package-lock.json; rm -f ../../$(BUILD)/web/web_data.cpp; else \
	  echo "WARNING: the pages are built without their scripts: npm ci in src/web needs npm and a way to an npm registry." >&2; fi

.PHONY: all configure deps deps-build deps-test run test test-all check sanitize bench bench-cluster fuzz format lint install deb dist portability clean help

all: configure  ## build everything into build/ (bin/ holds the tools)
	@cmake --build $(BUILD) -j $(JOBS) </dev/null

configure: $(WEB_INSTALLED)
	@[ -f $(BUILD)/build.ninja ] && grep -qs 'QRX_WERROR:BOOL=$(WERROR)' $(BUILD)/CMakeCache.txt || \
	  { cmd/packaging/missing --programs && mkdir -p $(BUILD) && rm -f $(BUILD)/missing.txt && \
	    cmake -S . -B $(BUILD) $(CMAKE_FLAGS) -DQRX_SANITIZE=$(SANITIZE) </dev/null >$(BUILD)/configure.log 2>&1; } || \
	  { cat $(BUILD)/missing.txt 2>/dev/null || cat $(BUILD)/configure.log 2>/dev/null; exit 1; } >&2

deps: deps-build deps-test  ## install what the build and the tests need (Debian packages; sudo when not root)

deps-build:
	@tests/support/debian-packages $(strip $(DEPS_BUILD)) </dev/null

deps-test: deps-build
	@tests/support/debian-packages $(strip $(DEPS_TEST)) </dev/null

run: deps-build configure  ## build, then receive a file: shows a QR code with a server of its own
	@cmake --build $(BUILD) -j $(JOBS) --target $(TOOLS) </dev/null
	@$(BUILD)/bin/qrx-recv || [ $$? -eq 130 ] # ^C is how one ends it

# What the tests take from npm, by lock files; an installed lock file is newer than ours when it is up to date. Without a way to
# the npm registry these tests are skipped and say so (in CI they fail).
NPM_FOLDERS   := tests/tus tests/vectors/age tests/web
NPM_INSTALLED := $(NPM_FOLDERS:=/node_modules/.package-lock.json)
$(NPM_INSTALLED): %/node_modules/.package-lock.json: %/package-lock.json | deps-test
	@cd $* && if $(NPM_CI) </dev/null; then touch node_modules/.package-lock.json; else echo "npm ci failed in $*" >&2; fi

test: deps-test configure $(NPM_INSTALLED)  ## run all tests; the last line says how many passed
	@cmake --build $(BUILD) -j $(JOBS) </dev/null
	@QRX_BIN=$(abspath $(BUILD))/bin tests/run $(TESTS) </dev/null

test-all: deps-test configure $(NPM_INSTALLED)  ## all tests, and those that run for minutes
	@tests/support/debian-packages $(strip $(DEPS_TEST_ALL)) </dev/null
	@cmake --build $(BUILD) -j $(JOBS) </dev/null
	@QRX_BIN=$(abspath $(BUILD))/bin tests/run -a $(TESTS) </dev/null

check: WERROR := ON
check: test  ## exactly what CI runs: all tests, with warnings as errors

sanitize:  ## all tests under ASan and UBSan, then under TSan
	$(MAKE) test SANITIZE=address,undefined
	$(MAKE) test SANITIZE=thread

bench: deps-build configure  ## measure beside nginx, rsync and others, and print a table (BENCH="..." for its options)
	@tests/support/debian-packages $(strip $(DEPS_BENCH)) </dev/null
	@cmake --build $(BUILD) -j $(JOBS) </dev/null
	@QRX_BIN=$(abspath $(BUILD))/bin tests/bench/bench $(BENCH) </dev/null

bench-cluster: deps-build deps-test configure  ## measure nodes over PostgreSQL and S3 beside one node and the store alone
	@cmake --build $(BUILD) -j $(JOBS) </dev/null
	@QRX_BIN=$(abspath $(BUILD))/bin tests/bench/cluster.sh </dev/null

fuzz: deps-build  ## run every fuzzer for FUZZ_SECONDS (30)
	@tests/support/debian-packages $(strip $(DEPS_FUZZ)) </dev/null
	@cmake -S . -B build-fuzz $(CMAKE_FLAGS) -DCMAKE_CXX_COMPILER=clang++ -DQRX_FUZZ=ON -DQRX_TESTS=OFF \
	  -DQRX_SANITIZE=address,undefined </dev/null
	@cmake --build build-fuzz -j $(JOBS) --target fuzzers </dev/null
	@tests/fuzz/run build-fuzz/bin $(FUZZ_SECONDS) </dev/null

format:  ## lay out C++ files as .clang-format says (FILES="..." for some of them)
	@tests/support/debian-packages clang-format </dev/null
	@clang-format -i $(or $(FILES),$(shell git ls-files 'cmd/*.cpp' 'src/*.cpp' 'src/*.h' 'tests/*.cpp' 'tests/*.h'))

lint: deps-build configure  ## opinions: clang-format differences, cppcheck, shellcheck, mandoc
	@tests/support/debian-packages $(strip $(DEPS_LINT)) </dev/null
	@tests/support/lint $(BUILD)

install: all  ## install below PREFIX (/usr/local), DESTDIR in front of it
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX) </dev/null

# Packages and tarball are of a build of their own: Release, no tests; without debug information no path of this tree is left.
# SOURCE_DATE_EPOCH is the date of the last commit unless given.
deb dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
RELEASE_FLAGS = -DCMAKE_BUILD_TYPE=Release -DQRX_TESTS=OFF -DCMAKE_EXE_LINKER_FLAGS=-Wl,--strip-debug

deb: deps-build $(WEB_INSTALLED)  ## Debian packages of this system, into build/: qrx and qrx-server
	@tests/support/debian-packages dpkg-dev file </dev/null
	@cmake -S . -B build-deb $(CMAKE_FLAGS) $(RELEASE_FLAGS) -DQRX_PACKAGES=ON -DCMAKE_INSTALL_PREFIX=/usr \
	  -DCMAKE_INSTALL_LIBEXECDIR=libexec </dev/null >/dev/null
	@cmake --build build-deb -j $(JOBS) </dev/null
	@rm -rf build-deb/packages/_CPack_Packages build-deb/packages/*.deb
	@cd build-deb && cpack </dev/null >cpack.log 2>&1 || { cat cpack.log >&2; exit 1; }
	@mkdir -p build && cp build-deb/packages/*.deb build/ && ls build-deb/packages/*.deb | sed 's,.*/,build/,'

dist: deps-build $(WEB_INSTALLED)  ## a tarball for any Linux with the C library of this system or a newer one, into build/
	@tests/support/debian-packages zstd </dev/null
	@cmake -S . -B build-dist $(CMAKE_FLAGS) $(RELEASE_FLAGS) -DQRX_DIST=ON -DCMAKE_INSTALL_LIBEXECDIR=libexec </dev/null >/dev/null
	@cmake --build build-dist -j $(JOBS) </dev/null
	@mkdir -p build && cmd/packaging/dist build-dist build </dev/null

portability:  ## try everything in bare roots of three Debians (by hand: takes an hour or two, needs root and debootstrap)
	@tests/portability/all </dev/null

clean:  ## remove what was built
	rm -rf build build-* src/web/node_modules $(NPM_FOLDERS:=/node_modules)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  \1	\2/p' Makefile | expand -t 17
