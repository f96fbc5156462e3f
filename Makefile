# SPDX-License-Identifier: GPL-2.0-only
#
#   make demo            install what is missing, build, show the main job (root)
#   make check           install what is missing, build, run every test (root)
#   make                 build everything into build/
#   make check-unit      unit tests; no root
#   make check-bpf       the kernel programs, packet by packet; CAP_BPF
#   make check-e2e       network namespaces end to end; root
#   make check-peers     10,000 requests by each client and proxy in use; root
#   make check-loss      packets lost, doubled and reordered; root
#   make check-ledger    kill -9 at 1,000 usage reports a second, 50 times; root
#   make check-flips     1,000 policies under a flood, 200 agents killed; root
#   make check-kernels   BPF tests, conformance, peers, loss, VLANs and bonds on
#                        other kernels, under qemu; root
#   make fuzz            fuzz the parsers (FUZZ_SECONDS=60 each)
#   make bench           ns per packet of both programs; CAP_BPF
#   make bench-request   the request plane against nginx by itself; root
#   make bench-decision  nginx asking portcullis against nginx asking nginx; root
#   make bench-address   the address plane against an LPM trie, xdp-filter,
#                        nftables and ipset; root
#   make lint            format, style and static checks
#   make format          rewrite the sources with clang-format
#   make install         honours DESTDIR and PREFIX
#   make uninstall clean dist help
#
# V=1 shows commands.  ASAN=1 builds the agent and tests with sanitizers.
# WERROR=1 makes warnings errors.

PREFIX     ?= /usr/local
SBINDIR    ?= $(PREFIX)/sbin
DESTDIR    ?=

CC         ?= cc
CLANG      ?= clang
BPFTOOL    ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
CLANG_FORMAT ?= clang-format
FUZZ_SECONDS ?= 60
REQUESTS   ?= 10000

# Sanitized objects live apart, so switching flavours never mixes them.
O := build$(if $(ASAN),/asan)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wpointer-arith -Wcast-qual $(if $(WERROR),-Werror)
HARDEN := $(if $(ASAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
# Ours, after the user's, so that CFLAGS=-O0 on the command line still builds.
PC_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) $(HARDEN) -Iinclude -Ibpf -Iagent \
	-isystem $(O) -MMD -MP
BPF_CFLAGS := -g -O2 -mcpu=v3 -Wall -Wextra $(if $(WERROR),-Werror) -target bpf \
	-Iinclude -Ibpf -MMD -MP \
	-idirafter /usr/include/$(shell $(CC) -print-multiarch)
PC_LDFLAGS := -pie -Wl,-z,relro,-z,now
LIBS := libbpf jansson zlib libcrypto libmicrohttpd sqlite3 liburcu-qsbr liburcu-cds libmnl
FUZZ_CFLAGS := -g -O1 -fsanitize=address,undefined -std=gnu11 -D_GNU_SOURCE \
	-Itests -Iinclude -Ibpf -Iagent -MMD -MP
LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS))

ifdef ASAN
PC_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
PC_LDFLAGS += -fsanitize=address,undefined
endif

ifeq ($(V),1)
Q :=
say =
else
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
endif

BPF_PROGS := pc_xdp pc_address pc_request
SKELS     := $(BPF_PROGS:%=$(O)/%.skel.h)
AGENT     := $(patsubst %.c,$(O)/%.o,$(wildcard agent/*.c))
LIB       := $(filter-out $(O)/agent/main.o,$(AGENT))
UNIT      := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test_*.c))
BPFTEST   := $(patsubst tests/bpf/%.c,$(O)/bpftest/%,$(wildcard tests/bpf/test_*.c))
BENCH     := $(patsubst tests/bench/%.c,$(O)/%,$(wildcard tests/bench/bench_*.c)) $(O)/load
FUZZERS   := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIB  := $(patsubst agent/%.c,build/fuzz/agent/%.o,$(filter-out agent/main.c agent/loader.c,$(wildcard agent/*.c)))
# The longest first: at the end nothing would run beside it.
LONGEST   := tests/e2e/the-kernel-agrees-with-every-conformance-case.sh
E2E       := $(LONGEST) $(filter-out $(LONGEST),$(wildcard tests/e2e/*.sh))
PEERS     := tests/e2e/real-peers-get-every-answer.sh
LOSS      := tests/e2e/streams-survive-a-bad-network.sh
FLIPPED   := tests/e2e/flips-lose-nothing-under-a-flood.sh \
	tests/e2e/killed-flips-leave-one-whole-generation.sh
KILLED    := tests/e2e/acknowledged-usage-survives-kill-9.sh
STYLED    := $(wildcard agent/*.[ch] bpf/*.[ch] include/*.h tests/*/*.[ch])
SCRIPTS   := $(wildcard .ci/run scripts/* tests/e2e/*.sh tests/guest/*.sh tests/*/lib.bash)
# Need a kernel with devices that not every one has.
GUEST     := $(wildcard tests/guest/*.sh)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all bpf bootstrap demo check check-unit check-bpf check-e2e check-peers \
	check-loss check-ledger check-flips check-kernels fuzz bench bench-request \
	bench-decision bench-address \
	lint format install uninstall clean dist help

all: $(O)/portcullis bpf $(O)/loss/impair.bpf.o $(O)/flips/flips
bpf: $(SKELS)

help:
	@sed -n 's/^#   //p' Makefile

bootstrap:
	@scripts/bootstrap

# The two commands of the README start from nothing: what they need is installed
# first, and only then is a second make asked what to build with it.
demo: bootstrap
	@$(MAKE) --no-print-directory all
	@scripts/demo $(O)/portcullis

check: bootstrap
	@$(MAKE) --no-print-directory all tests
	@O=$(O) scripts/check $(UNIT) $(BPFTEST) $(E2E)

.PHONY: tests
tests: $(UNIT) $(BPFTEST) $(BENCH)

check-unit: $(UNIT)
	@O=$(O) scripts/check $^

check-bpf: $(BPFTEST)
	@O=$(O) scripts/check $^

check-e2e: all
	@O=$(O) scripts/check $(E2E)

check-peers: all
	@O=$(O) REQUESTS=$(REQUESTS) LIMIT_E2E_S=1800 scripts/check $(PEERS)

check-loss: REQUESTS = 1000
check-loss: all
	@O=$(O) REQUESTS=$(REQUESTS) BODIES=large WAYS=all \
		LIMIT_E2E_S=1800 scripts/check $(LOSS)

check-ledger: all
	@O=$(O) ROUNDS=50 LIMIT_E2E_S=1800 scripts/check $(KILLED)

check-flips: all
	@O=$(O) FLIPS=1000 ROUNDS=200 LIMIT_E2E_S=1800 scripts/check $(FLIPPED)

check-kernels: all $(BPFTEST)
	@O=$(O) scripts/check-kernels $(BPFTEST) $(PEERS) $(LOSS) $(GUEST)

bench: $(O)/bench_request
	@$<

bench-request: all $(O)/bench_request $(O)/load
	@$(O)/bench_request
	@scripts/bench-request $(O)/portcullis $(O)/load

bench-decision: all $(O)/load
	@scripts/bench-decision $(O)/portcullis $(O)/load

bench-address: all $(O)/bench_address $(O)/bench_flood $(O)/bench_flip
	@scripts/bench-address $(O)/portcullis $(O)

$(O)/portcullis: $(AGENT)
	$(call say,LD,$@)
	$(Q)$(CC) $(PC_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/agent/%.o: agent/%.c | $(SKELS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PC_CFLAGS) -c -o $@ $<

# -MMD leaves out what -isystem finds, and the skeletons are found so.
$(O)/agent/loader.o: $(SKELS)

$(O)/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(O)/%.bpf.o: tests/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F) > $@

$(O)/unit/%: tests/unit/%.c $(LIB)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PC_CFLAGS) -Itests $(PC_LDFLAGS) $(LDFLAGS) -o $@ \
		$< $(LIB) $(LDLIBS) -lcmocka

$(O)/bpftest/%: tests/bpf/%.c $(LIB) $(SKELS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PC_CFLAGS) -Itests $(PC_LDFLAGS) $(LDFLAGS) -o $@ \
		$< $(LIB) $(LDLIBS) -lcmocka

$(O)/bench_%: tests/bench/bench_%.c $(LIB) $(SKELS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PC_CFLAGS) -Itests $(PC_LDFLAGS) $(LDFLAGS) -o $@ \
		$< $(LIB) $(LDLIBS)

# -MMD leaves out what -isystem finds.
$(O)/bench_address $(O)/bench_flood: $(O)/bench/feed.skel.h $(O)/bench/peers.skel.h

$(O)/flips/flips: tests/flips/flips.c $(LIB) $(O)/flips/flood.skel.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PC_CFLAGS) -Itests $(PC_LDFLAGS) $(LDFLAGS) -o $@ \
		$< $(LIB) $(LDLIBS)

$(O)/load: tests/bench/load.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PC_CFLAGS) $(PC_LDFLAGS) $(LDFLAGS) -o $@ $<

# An archive, so that a fuzzer takes in only the modules it calls.
build/fuzz/agent/%.o: agent/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

build/fuzz/libagent.a: $(FUZZ_LIB)
	$(Q)$(RM) $@ && $(AR) rcs $@ $^

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c build/fuzz/libagent.a
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< \
		build/fuzz/libagent.a $(LDLIBS)

# What is found stays in build/fuzz/corpus; what is worth keeping goes to tests.
fuzz: $(FUZZERS)
	$(Q)set -e; for f in $^; do \
		name=$${f##*/fuzz_}; mkdir -p build/fuzz/corpus/$$name; \
		$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			-artifact_prefix=build/fuzz/ build/fuzz/corpus/$$name \
			$$(ls -d tests/fuzz/corpus/$$name 2>/dev/null); \
	done

install: all
	$(INSTALL) -d $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 755 $(O)/portcullis $(DESTDIR)$(SBINDIR)/portcullis

uninstall:
	$(RM) $(DESTDIR)$(SBINDIR)/portcullis

clean:
	$(RM) -r build

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=portcullis/ -o build/portcullis.tar.gz HEAD

lint:
	@scripts/lint $(STYLED) $(SCRIPTS)

format:
	$(CLANG_FORMAT) -i $(STYLED)

-include $(wildcard $(O)/*.d $(O)/*/*.d build/fuzz/agent/*.d)
