# smsbridge.  B names the build folder, so that several builds can stand side by side.
#   make demo        the main job, shown running
#   make check       every test, in under 20 minutes         make check-all   and again under the sanitizers
#   make fuzz        every fuzz target, FUZZ_SECONDS each    make bench       figures, never a judgement
#   make lint        what the style can check by itself      make install     PREFIX, DESTDIR
#   make deb         a Debian package in build/deb    make check-deb   and what it does to a bare Debian
#   make check-vm    modems plugged into a virtual machine with a kernel and udev of its own
# check*, fuzz, bench and demo first install the Debian packages that are missing (packaging/deps.sh).
B            ?= build
ifeq ($(origin CC),default)
CC           := gcc
endif
CLANG        ?= clang
WERROR       ?= $(if $(CI),-Werror)
SAN          ?=
OPT          ?= -O2
PREFIX       ?= /usr/local
SYSCONFDIR   ?= /etc
DESTDIR      ?=
PYTHON       ?= /usr/bin/python3
FUZZ_SECONDS ?= 60
VERSION      := 0.1.0

PKGS := libserialport libudev libmicrohttpd sqlite3 libcurl jansson inih libpsl libidn2 nettle
WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes $(WERROR)

# Asked once a run, and only when something is compiled: `make deps` must work before the packages are there.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -g $(OPT) $(WARN) $(SAN) -pthread -fstack-protector-strong -MMD -MP \
             -Iinclude -DSMSBRIDGE_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS   = $(LDFLAGS) $(SAN) -pthread $(PKG_LIBS)

GROUND_OBJ := $(patsubst %,$(B)/src/%.o,err log buf clock text pulse metrics)
MODEM_OBJ  := $(patsubst %.c,$(B)/%.o,$(wildcard modem/*.c))
CTL_OBJ    := $(patsubst %.c,$(B)/%.o,$(wildcard src/ctl.c src/ctl_*.c))
# What doctor shares with the daemon: the configuration, and a dialogue with a modem.
CTL_SHARED := $(patsubst %,$(B)/src/%.o,config config_check config_keys config_value) \
              $(patsubst %,$(B)/modem/%.o,at at_lex at_args at_trace)
DAEMON_OBJ := $(filter-out $(CTL_OBJ),$(patsubst %.c,$(B)/%.o,$(wildcard src/*.c)))
SIM_OBJ    := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*.c))

.PHONY: all
all: $(B)/smsbridged $(B)/smsbridge $(B)/modemsim

$(B)/smsbridged: $(DAEMON_OBJ) $(MODEM_OBJ)
	@echo "ld $@"; $(CC) -o $@ $^ $(ALL_LIBS)
$(B)/smsbridge: $(CTL_OBJ) $(CTL_SHARED) $(GROUND_OBJ)
	@echo "ld $@"; $(CC) -o $@ $^ $(LDFLAGS) $(SAN) $(shell pkg-config --libs libcurl jansson inih)
$(B)/modemsim: $(SIM_OBJ)
	@echo "ld $@"; $(CC) -o $@ $^ $(LDFLAGS) $(SAN) -pthread $(shell pkg-config --libs libcurl)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $<"; $(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/src/api_web.o: $(wildcard web/*)

# ---- tests ----
# A unit test is tests/unit/NAME_test.c, the objects that NAME_test_OBJ names, and the ground floor.
# A fuzz target is tests/fuzz/NAME_fuzz.c with NAME_fuzz_OBJ; `check` replays its corpus through replay.c.
-include tests/unit/unit.mk tests/fuzz/fuzz.mk
UNIT   := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))
TARGET := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
REPLAY := $(TARGET:%=$(B)/replay/%)
# Most of an end to end test is waiting, too.
E2E_JOBS ?= 4
UNIT_JOBS ?= 4
E2E_ARGS ?=
VM_ARGS  ?=

.SECONDEXPANSION:
$(B)/unit/%: $(B)/tests/unit/%.o $$(addprefix $(B)/,$$($$*_OBJ)) $(GROUND_OBJ)
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) -o $@ $(sort $(filter %.o,$^)) $(ALL_LIBS) -lcmocka
$(B)/replay/%: $(B)/tests/fuzz/%_fuzz.o $(B)/tests/fuzz/replay.o $$(addprefix $(B)/,$$($$*_fuzz_OBJ)) $(GROUND_OBJ)
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) -o $@ $(sort $(filter %.o,$^)) $(ALL_LIBS)
$(B)/fuzz/%: $(B)/tests/fuzz/%_fuzz.o $$(addprefix $(B)/,$$($$*_fuzz_OBJ)) $(GROUND_OBJ)
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) -o $@ $(sort $(filter %.o,$^)) $(ALL_LIBS) -fsanitize=fuzzer

# docs/configuration.md and the example come from the table in src/config_keys.c.
.PHONY: docs check-docs
docs: $(B)/smsbridged
	packaging/config-doc.sh $(B)/smsbridged > docs/configuration.md
	$(B)/smsbridged --help-config > packaging/smsbridged.conf
check-docs: $(B)/smsbridged check-man
	packaging/config-doc.sh $(B)/smsbridged | diff docs/configuration.md -
	$(B)/smsbridged --help-config | diff packaging/smsbridged.conf -

.PHONY: tests check check-all check-unit check-corpora check-e2e check-asan check-tsan check-vm check-deb deb lint deps fuzz bench demo
PRELOAD := $(patsubst tests/e2e/%.c,$(B)/%.so,$(wildcard tests/e2e/preload_*.c))
tests: all $(UNIT) $(REPLAY) $(PRELOAD)
$(B)/preload_%.so: tests/e2e/preload_%.c
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) -std=c17 -D_GNU_SOURCE -O1 $(filter-out -Wmissing-prototypes -Wstrict-prototypes,$(WARN)) -shared -fPIC -o $@ $<

deps:
	@packaging/deps.sh
check: deps
	$(MAKE) lint check-docs
	$(MAKE) -j2 tests
	$(MAKE) check-unit check-corpora check-e2e
# Most of a unit test's time is waiting for modems and disks that are slow on purpose: several at once.
check-unit: $(UNIT)
	@printf '%s\n' $(UNIT) | xargs -P $(UNIT_JOBS) -I{} sh -c \
	    'timeout 600 {} >{}.log 2>&1 && echo "passed $$(basename {})" || { cat {}.log; echo "FAILED $$(basename {})"; exit 1; }'
check-corpora: $(REPLAY)
	@set -e; for t in $(TARGET); do timeout 300 $(B)/replay/$$t tests/fuzz/corpus/$$t; done
check-e2e: all $(PRELOAD)
	SMSBRIDGE_BUILD=$(abspath $(B)) timeout 3000 $(PYTHON) -m pytest -q --durations=8 -n $(E2E_JOBS) --dist loadscope \
	    -p no:cacheprovider tests/e2e $(E2E_ARGS)

# The whole suite again, compiled with the sanitizers; a finding ends the program, and so the test.
# SMSBRIDGE_SLOW: how much longer a test may wait.  SMSBRIDGE_ROUNDS: what part of their kills, faults and messages the long ones do.
SAN_ENV := ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
           TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$(CURDIR)/tests/tsan.supp \
           SMSBRIDGE_SLOW=4 SMSBRIDGE_ROUNDS=0.1
check-asan: deps
	$(MAKE) -j2 B=$(B)/asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" OPT=-O1 tests
	$(SAN_ENV) $(MAKE) B=$(B)/asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" OPT=-O1 check-unit check-corpora check-e2e
check-tsan: deps
	$(MAKE) -j2 B=$(B)/tsan SAN="-fsanitize=thread" OPT=-O1 tests
	$(SAN_ENV) $(MAKE) B=$(B)/tsan SAN="-fsanitize=thread" OPT=-O1 check-unit check-e2e
check-all: check check-vm check-deb check-asan check-tsan
# A kernel and udev of its own, in QEMU without KVM; what it needs is downloaded and unpacked, not installed (build/vm).
check-vm: deps
	@packaging/deps.sh vm
	$(MAKE) -j2 all
	SMSBRIDGE_BUILD=$(abspath $(B)) timeout 900 $(PYTHON) -m pytest -q -rP --durations=0 -p no:cacheprovider tests/vm $(VM_ARGS)

# A package for this Debian; then a bare Debian that installs, upgrades and purges it (as root).
deb: deps
	@packaging/deps.sh deb
	packaging/deb.sh $(VERSION) $(B)/deb
check-deb: deb
	timeout 600 tests/package/check.sh $(B)/deb/smsbridge_$(VERSION)_*.deb

lint:
	$(PYTHON) tests/lint.py

fuzz: deps
	$(MAKE) -j2 B=$(B)/fuzzing CC=$(CLANG) OPT=-O1 SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" \
	    $(TARGET:%=$(B)/fuzzing/fuzz/%)
	@set -e; for t in $(TARGET); do echo "== $$t"; mkdir -p $(B)/fuzzing/found/$$t; \
	    $(B)/fuzzing/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
	    -artifact_prefix=$(B)/fuzzing/found/ $(B)/fuzzing/found/$$t tests/fuzz/corpus/$$t; done

bench: deps
	$(MAKE) -j2 all $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
	SMSBRIDGE_BUILD=$(abspath $(B)) $(PYTHON) tests/bench/bench.py
$(B)/bench/%: $(B)/tests/bench/%.o $$(addprefix $(B)/,$$($$*_OBJ)) $(GROUND_OBJ)
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) -o $@ $(sort $(filter %.o,$^)) $(ALL_LIBS)

demo:
	@packaging/deps.sh
	@$(MAKE) -j2 --no-print-directory -s all
	@SMSBRIDGE_BUILD=$(abspath $(B)) $(PYTHON) tests/demo.py

# ---- install ----
# Man pages: what packaging/man says, and what the programs say of themselves.
MAN := $(patsubst packaging/man/%.in,$(B)/man/%,$(wildcard packaging/man/*.in))
.PHONY: man check-man install uninstall clean
man: $(MAN)
$(B)/man/smsbridged.conf.5: packaging/man/smsbridged.conf.5.in $(B)/smsbridged packaging/man.sh
	@mkdir -p $(@D)
	@packaging/man.sh $(VERSION) $< $(B)/smsbridged --help-config > $@
$(B)/man/%: packaging/man/%.in $(B)/smsbridged $(B)/smsbridge $(B)/modemsim packaging/man.sh
	@mkdir -p $(@D)
	@packaging/man.sh $(VERSION) $< $(B)/$(basename $*) --help > $@
check-man: $(MAN)
	@set -e; for page in $(MAN); do mandoc -Tlint -Wwarning $$page; \
	    test -z "$$(MANWIDTH=80 man --warnings -l $$page 2>&1 >/dev/null | tee /dev/stderr)"; done

# Where each thing goes; uninstall takes away the same list.  Configuration and data stay.
LIB := $(PREFIX)/lib
INSTALLED = sbin/smsbridged bin/smsbridge bin/modemsim lib/systemd/system/smsbridge.service lib/sysusers.d/smsbridge.conf \
    lib/tmpfiles.d/smsbridge.conf $(patsubst udev/%,lib/udev/rules.d/%,$(wildcard udev/*.rules)) \
    share/bash-completion/completions/smsbridge share/zsh/site-functions/_smsbridge \
    share/smsbridge/alerts.yml share/smsbridge/grafana-dashboard.json share/smsbridge/openapi.json \
    $(foreach page,$(notdir $(MAN)),share/man/man$(subst .,,$(suffix $(page)))/$(page))
install: all man
	install -D -m 755 $(B)/smsbridged $(DESTDIR)$(PREFIX)/sbin/smsbridged
	install -D -m 755 $(B)/smsbridge $(DESTDIR)$(PREFIX)/bin/smsbridge
	install -D -m 755 $(B)/modemsim $(DESTDIR)$(PREFIX)/bin/modemsim
	install -d $(DESTDIR)$(LIB)/systemd/system $(DESTDIR)$(SYSCONFDIR)/smsbridge/quirks.d
	install -m 644 packaging/quirks.d/example.conf.txt $(DESTDIR)$(SYSCONFDIR)/smsbridge/quirks.d/
	sed 's,/usr/local/,$(PREFIX)/,' packaging/smsbridge.service > $(DESTDIR)$(LIB)/systemd/system/smsbridge.service
	install -D -m 644 packaging/smsbridge.sysusers $(DESTDIR)$(LIB)/sysusers.d/smsbridge.conf
	install -D -m 644 packaging/smsbridge.tmpfiles $(DESTDIR)$(LIB)/tmpfiles.d/smsbridge.conf
	for rules in $(wildcard udev/*.rules); do install -D -m 644 -t $(DESTDIR)$(LIB)/udev/rules.d $$rules; done
	for page in $(MAN); do install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page; done
	install -D -m 644 packaging/completion/smsbridge.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/smsbridge
	install -D -m 644 packaging/completion/_smsbridge $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_smsbridge
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/smsbridge packaging/alerts.yml packaging/grafana-dashboard.json web/openapi.json
	test -e $(DESTDIR)$(SYSCONFDIR)/smsbridge/smsbridged.conf || \
	    install -m 640 packaging/smsbridged.conf $(DESTDIR)$(SYSCONFDIR)/smsbridge/smsbridged.conf
	test -n "$(DESTDIR)" || packaging/installed.sh $(LIB)
uninstall:
	test -n "$(DESTDIR)" || packaging/installed.sh --gone
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,$(INSTALLED)) $(DESTDIR)$(SYSCONFDIR)/smsbridge/quirks.d/example.conf.txt
	rm -f $(DESTDIR)$(SYSCONFDIR)/smsbridge/quirks.d/example.conf.txt
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(SYSCONFDIR)/smsbridge/quirks.d $(DESTDIR)$(PREFIX)/share/smsbridge
	@echo "what is yours stays: $(DESTDIR)$(SYSCONFDIR)/smsbridge, /var/lib/smsbridge, and the user smsbridge"
clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
