# wirecut: everything that can be made. `make help` lists it.
SHELL := /bin/bash
VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
PKGS := libnl-3.0 libnl-route-3.0 libfyaml jansson libxml-2.0 libarchive
APT := build-essential pkg-config libnl-3-dev libnl-route-3-dev libfyaml-dev libjansson-dev \
	libxml2-dev libarchive-dev check iproute2 curl
# Servers that scenarios run: unpacked, for as installed packages they would run as services. What is
# installed for them is only libraries (those of the server, by the clients' package).
APT_UNPACKED := redis-server redis-tools
APT_UNPACKED_LIBS := redis-tools
# Only for the virtual clock: large, and nothing else needs them.
APT_VIRTUAL := qemu-system-x86 kmod
APT_GO := golang-go
APT_CHECK := python3-jsonschema python3-yaml groff-base tmux $(APT_GO) cpio tshark
APT_LINT := clang clang-format clang-tidy cppcheck shellcheck valgrind

CPPFLAGS += -I. -D_GNU_SOURCE -DWIRECUT_VERSION=\"$(VERSION)\"
CFLAGS ?= -O2 -g
# Sign conversions are left out: a count of bytes meets ssize_t, int and size_t in nearly every
# system call, and the casts would hide the conversions that do matter.
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wvla $(WERROR)
ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARN) $(SANFLAGS) $(shell pkg-config --cflags $(PKGS) check)
LDFLAGS += -Wl,--as-needed
LDLIBS = $(shell pkg-config --libs $(PKGS)) -lm
SAN := BUILD=build/san CFLAGS="-O1 -g" \
	SANFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"

# The harness with the faults is one program; the reference app shares no code with it.
CORE_SRC := $(wildcard harness/base/*.c harness/data/*.c harness/parse/*.c harness/build/*.c \
	harness/run/*.c harness/judge/*.c harness/report/*.c harness/doctor/*.c harness/virtual/*.c \
	harness/guest/*.c harness/attach/*.c faults/*.c faults/wire/*.c faults/netem/*.c) \
	$(filter-out harness/cli/main.c,$(wildcard harness/cli/*.c))
CLI_SRC := harness/cli/main.c
APP_SRC := $(wildcard reference-app/*.c)
APP_MAIN := reference-app/ref-server.c reference-app/ref-client.c
# Small programs of the kernel's scenarios: each tcp-*.c is one, and all share service.c.
KERNEL_MAIN := $(wildcard scenarios/kernel/programs/tcp-*.c)
KERNEL_SRC := $(wildcard scenarios/kernel/programs/*.c)
# Those of the examples of faults: each is one by itself.
EXAMPLE_SRC := $(wildcard scenarios/faults/programs/*.c)
# What hosts run in tests alone: each is one, both share connect.c, and neither shares anything else.
PROBE_MAIN := $(addprefix harness/tests/guest-programs/,udp-probe.c tcp-bulk.c)
PROBE_SRC := $(PROBE_MAIN) harness/tests/guest-programs/connect.c
TEST_SRC := $(wildcard harness/tests/test_*.c faults/tests/test_*.c)
FUZZ_SRC := $(wildcard harness/tests/fuzz_*.c faults/tests/fuzz_*.c)
TEST_AID := $(filter-out $(TEST_SRC) $(FUZZ_SRC) \
	$(wildcard harness/tests/bench_*.c faults/tests/bench_*.c), \
	$(wildcard harness/tests/*.c faults/tests/*.c))
# A fuzz target with a main() of its own, for builds without libFuzzer: it is a test there.
APP_FUZZ_SRC := $(wildcard reference-app/tests/fuzz_*.c)
APP_TEST_SRC := $(wildcard reference-app/tests/test_*.c) $(APP_FUZZ_SRC)
APP_BENCH_SRC := $(wildcard reference-app/tests/bench_*.c)
APP_TEST_AID := $(filter-out $(APP_TEST_SRC) $(APP_BENCH_SRC),$(wildcard reference-app/tests/*.c))
BENCH_SRC := $(wildcard harness/tests/bench_*.c faults/tests/bench_*.c)
PRELOAD_SRC := $(wildcard harness/tests/preload/*.c)

# Every one that was fetched.
GUEST_KERNELS = $(sort $(shell ls build/guest-kernel/[0-9]*/vmlinuz))

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SRC) $(APP_TEST_SRC))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(BENCH_SRC))
APP_BENCHES := $(patsubst %.c,$(BUILD)/%,$(APP_BENCH_SRC))
KERNEL_PROGRAMS := $(addprefix $(BUILD)/bin/,$(basename $(notdir $(KERNEL_MAIN))))
EXAMPLE_PROGRAMS := $(addprefix $(BUILD)/bin/,$(basename $(notdir $(EXAMPLE_SRC))))
APP_PROGRAMS := $(addprefix $(BUILD)/bin/,ref-server ref-client) $(KERNEL_PROGRAMS) \
	$(EXAMPLE_PROGRAMS)
PROGRAMS := $(BUILD)/bin/wirecut $(APP_PROGRAMS)
PROBES := $(patsubst %.c,$(BUILD)/%,$(PROBE_MAIN))
GO_PROGRAMS := $(patsubst scenarios/close-on-eof/programs/%.go,$(BUILD)/programs/usr/bin/%, \
	$(wildcard scenarios/close-on-eof/programs/*.go))
PRELOADS := $(patsubst %.c,$(BUILD)/%.so,$(PRELOAD_SRC))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
APP_FUZZERS := $(patsubst %.c,$(BUILD)/%,$(APP_FUZZ_SRC))
ALL_C := $(CORE_SRC) $(CLI_SRC) $(APP_SRC) $(KERNEL_SRC) $(EXAMPLE_SRC) $(TEST_SRC) $(TEST_AID) \
	$(APP_TEST_SRC) $(APP_TEST_AID) $(BENCH_SRC) $(APP_BENCH_SRC) $(FUZZ_SRC) $(PRELOAD_SRC) \
	$(PROBE_SRC)
ALL_H := $(wildcard harness/*/*.h harness/tests/guest-programs/*.h faults/*.h faults/*/*.h \
	reference-app/*.h reference-app/*/*.h scenarios/*/programs/*.h)

MAN := $(addprefix $(BUILD)/man/,wirecut.1 wirecut-scenario.5)
DATA = $(DESTDIR)$(PREFIX)/share
COMPLETIONS := $(addprefix $(BUILD)/completion/,bash zsh fish)

.PHONY: all help run run-all run-virtual check check-unit check-full fuzz run-fuzz bench format format-check \
	lint layers man install clean deps deps-check deps-lint deps-virtual programs guest-kernel \
	failing-calls

all: $(PROGRAMS) wirecut ## build everything (./wirecut, and the reference app in build/bin)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: deps ## install what is missing, build, run the scenarios tagged core
	@$(MAKE) --no-print-directory all
	./wirecut run --tag core scenarios

run-all: deps programs ## the whole suite on the real clock
	@$(MAKE) --no-print-directory all
	./wirecut run scenarios

# `--link netem` is an error where a scenario needs wire, and some do: of the suite, what netem can do.
LINK_OF_SUITE = $(patsubst netem,auto,$(LINK))

run-virtual: deps programs guest-kernel ## the whole suite on the virtual clock, on each kernel that was fetched (LINK=netem: on netem what it can do)
	@$(MAKE) --no-print-directory all
	./wirecut run --clock virtual $(if $(LINK),--link $(LINK_OF_SUITE)) \
		$(addprefix --kernel ,$(GUEST_KERNELS)) scenarios
	./wirecut claims

check: deps deps-check guest-kernel failing-calls ## install what is missing, build with ASan and UBSan, run the tests
	@$(MAKE) --no-print-directory $(SAN) check-unit

# A preloaded library and ASan's do not go together, and a sanitized wirecut is too large for a guest:
# what test_failing_calls and the tests of guests run is a plain build.
failing-calls: deps
	@$(MAKE) --no-print-directory BUILD=build build-failing-calls
build-failing-calls: $(PROGRAMS) $(PRELOADS) $(PROBES)

check-unit: $(PROGRAMS) $(TESTS) # the tests of one build
	@BUILD=$(BUILD) harness/tests/run-tests.sh $(TESTS)

check-full: check deps-lint ## also: under valgrind, and the suite again and again under load
	@$(MAKE) --no-print-directory BUILD=build/valgrind all
	@$(MAKE) --no-print-directory BUILD=build/valgrind check-valgrind
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=600
	@$(MAKE) --no-print-directory all build/faults/tests/test_conformance \
		build/harness/tests/test_cable
	WIRECUT_CONFORMANCE_FACTOR=50 build/faults/tests/test_conformance
	WIRECUT_CONFORMANCE_FACTOR=4 build/harness/tests/test_cable
	harness/tests/repeat.sh 20
	@$(MAKE) --no-print-directory guest-kernel
	harness/tests/repeat-virtual.sh 100
	harness/tests/compare-clocks.sh
	harness/tests/compare-links.sh $(addprefix --kernel ,$(GUEST_KERNELS)) scenarios

check-valgrind: $(PROGRAMS) $(TESTS)
	@BUILD=$(BUILD) WRAP="valgrind -q --error-exitcode=9 --leak-check=full" \
		harness/tests/run-tests.sh $(TESTS)

FUZZ_SECONDS ?= 60
fuzz: deps ## fuzz the readers of files, frames and netlink: FUZZ_SECONDS each, or with FUZZ_SEED the same inputs every time
	@harness/tests/deps.sh clang libclang-rt-$$(clang -dumpversion | cut -d. -f1)-dev
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang CFLAGS="-O1 -g -DFUZZ_WITH_LIBFUZZER" \
		SANFLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" \
		run-fuzz
run-fuzz: LDFLAGS += -fsanitize=fuzzer
run-fuzz: $(FUZZERS) $(APP_FUZZERS)
	@harness/tests/run-fuzz.sh $(FUZZ_SECONDS) $(FUZZERS) $(APP_FUZZERS)

bench: deps programs ## the figures, as ratios measured side by side in one run
	@$(MAKE) --no-print-directory all $(BENCHES) $(APP_BENCHES) $(PROBES)
	@for b in $(BENCHES) $(APP_BENCHES); do echo "== $$(basename $$b)"; BUILD=$(BUILD) $$b || exit 1; done

format: ## apply clang-format
	clang-format -i $(ALL_C) $(ALL_H)

format-check: deps-lint
	@echo "clang-format: $(words $(ALL_C) $(ALL_H)) files"
	@clang-format --dry-run --Werror $(ALL_C) $(ALL_H)

# As many jobs as cores, unless the caller has said how many.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))

lint: deps deps-lint format-check layers ## gcc and clang without warnings, clang-tidy, cppcheck
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=build/gcc CC=gcc WERROR=-Werror build-all
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=build/clang CC=clang WERROR=-Werror build-all
	shellcheck .ci/run harness/tests/*.sh harness/doctor/*.sh harness/virtual/*.sh
	@echo "clang-tidy, cppcheck: $(words $(ALL_C)) files"
	@printf '%s\n' $(ALL_C) | xargs -P $$(nproc) -n 4 bash -c \
		'clang-tidy --quiet "$$@" -- -std=gnu17 $(CPPFLAGS) '"$$(pkg-config --cflags $(PKGS) check)" \
		tidy 2> >(grep -v 'warnings* generated' >&2)
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr -j $$(nproc) $(CPPFLAGS) $(ALL_C)

build-all: $(PROGRAMS) $(TESTS) $(BENCHES) $(APP_BENCHES) $(PRELOADS) $(PROBES)

layers: ## check which folder includes which
	harness/tests/layers.sh

man: $(MAN) ## make the manual pages (build/man)

install: all $(MAN) $(COMPLETIONS) ## install under PREFIX (default /usr/local)
	install -D -m 755 $(BUILD)/bin/wirecut $(DESTDIR)$(PREFIX)/bin/wirecut
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/wirecut \
		$(APP_PROGRAMS)
	install -D -m 644 -t $(DATA)/man/man1 $(BUILD)/man/wirecut.1
	install -D -m 644 -t $(DATA)/man/man5 $(BUILD)/man/wirecut-scenario.5
	install -D -m 644 $(BUILD)/completion/bash $(DATA)/bash-completion/completions/wirecut
	install -D -m 644 $(BUILD)/completion/zsh $(DATA)/zsh/site-functions/_wirecut
	install -D -m 644 $(BUILD)/completion/fish $(DATA)/fish/vendor_completions.d/wirecut.fish
	harness/doctor/install-apparmor.sh "$(DESTDIR)" "$(PREFIX)"

clean: ## remove what was built (not the results)
	rm -rf build wirecut

programs: $(BUILD)/programs/usr/bin/redis-server $(GO_PROGRAMS) ## unpack and build the servers that some scenarios run

# Into the folder of unpacked programs: they are not wirecut's own, and not installed with it.
$(GO_PROGRAMS): $(BUILD)/programs/usr/bin/%: scenarios/close-on-eof/programs/%.go | deps
	@harness/tests/deps.sh $(APT_GO)
	@mkdir -p $(@D)
	$(call say,GO)
	$(Q)GOFLAGS= GO111MODULE=off CGO_ENABLED=0 go build -o $@ $<

$(BUILD)/programs/usr/bin/redis-server: | deps
	@harness/tests/deps.sh $(APT_UNPACKED_LIBS)
	@harness/tests/programs.sh $(BUILD)/programs $(APT_UNPACKED)

# One for all builds, found beside the folder of each build's wirecut.
guest-kernel: deps-virtual ## fetch the kernels that guests of the virtual clock boot (unpacked, not installed)
	@harness/virtual/guest-kernel.sh build/guest-kernel
	@[ $(BUILD) = build ] || { mkdir -p $(BUILD) && \
		ln -sfn $(CURDIR)/build/guest-kernel $(BUILD)/guest-kernel; }

deps: ## install the packages that building and running need
	@harness/tests/deps.sh $(APT)

deps-check:
	@harness/tests/deps.sh $(APT_CHECK)

deps-virtual: ## install what the virtual clock needs: QEMU
	@harness/tests/deps.sh $(APT_VIRTUAL)

deps-lint:
	@harness/tests/deps.sh $(APT_LINT)

# --- rules ---

# Quiet by default, as the kernel's build is; `make V=1` shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-3s %s\n' $(1) $@)

wirecut: build/bin/wirecut
	ln -sfn $< $@

$(BUILD)/libwirecut.a: $(call obj,$(CORE_SRC))
$(BUILD)/libreference.a: $(call obj,$(filter-out $(APP_MAIN),$(APP_SRC)))
$(BUILD)/%.a:
	@mkdir -p $(@D)
	$(call say,AR)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/bin/wirecut: $(call obj,$(CLI_SRC)) $(BUILD)/libwirecut.a
$(BUILD)/bin/ref-server $(BUILD)/bin/ref-client: $(BUILD)/bin/%: \
	$(BUILD)/reference-app/%.o $(BUILD)/libreference.a
$(KERNEL_PROGRAMS): $(BUILD)/bin/%: $(BUILD)/scenarios/kernel/programs/%.o \
	$(BUILD)/scenarios/kernel/programs/service.o
$(EXAMPLE_PROGRAMS): $(BUILD)/bin/%: $(BUILD)/scenarios/faults/programs/%.o
$(TEST_SRC:%.c=$(BUILD)/%) $(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(TEST_AID)) \
	$(BUILD)/libwirecut.a
$(PROBES): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/harness/tests/guest-programs/connect.o
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libwirecut.a
$(APP_TEST_SRC:%.c=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(APP_TEST_AID)) \
	$(BUILD)/libreference.a
$(TESTS) $(BENCHES): LDLIBS += $(shell pkg-config --libs check)
$(APP_BENCHES): $(BUILD)/%: $(BUILD)/%.o
$(PROGRAMS) $(PROBES) $(TESTS) $(BENCHES) $(APP_BENCHES) $(FUZZERS):
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(PRELOADS): $(BUILD)/%.so: $(BUILD)/%.o
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -shared -o $@ $<
$(PRELOADS:.so=.o): CFLAGS += -fPIC

# The documents that the program writes of itself; not left half written.
$(MAN): DOCUMENT = man $(@F)
$(COMPLETIONS): DOCUMENT = completion $(@F)
$(MAN) $(COMPLETIONS): $(BUILD)/bin/wirecut
	@mkdir -p $(@D)
	$(call say,DOC)
	$(Q)$< $(DOCUMENT) > $@.tmp && mv $@.tmp $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

.SECONDARY:
-include $(patsubst %.c,$(BUILD)/%.d,$(ALL_C))
