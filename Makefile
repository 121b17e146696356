# smsbridge.  B names the build folder, so that several builds can stand side by side.
#   make demo      the main job, shown running      make check      every test in under 20 minutes
#   make check-all check, and again with sanitizers make bench      figures
B       ?= build
CC      ?= gcc
WERROR  ?=
SAN     ?=
OPT     ?= -O2
PREFIX  ?= /usr
DESTDIR ?=
PYTHON  ?= /usr/bin/python3

PKGS := libserialport libmicrohttpd sqlite3 libcurl jansson inih libpsl libidn2 nettle libudev
WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)

# Asked once a run, and only when something is compiled: `make deps` must work before the packages are there.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -g $(OPT) $(WARN) $(SAN) -pthread -fstack-protector-strong -MMD -MP \
             -Iinclude -DSMSBRIDGE_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS   = $(LDFLAGS) $(SAN) -pthread $(PKG_LIBS) -lm

GROUND := err log buf clock text
GROUND_OBJ := $(GROUND:%=$(B)/src/%.o)
MODEM_SRC := $(wildcard modem/*.c)
DAEMON_SRC := $(filter-out src/ctl.c src/ctl_%.c,$(wildcard src/*.c))
CTL_SRC := $(wildcard src/ctl.c src/ctl_*.c)
MODEM_OBJ := $(MODEM_SRC:%.c=$(B)/%.o)
DAEMON_OBJ := $(DAEMON_SRC:%.c=$(B)/%.o)
CTL_OBJ := $(CTL_SRC:%.c=$(B)/%.o)
SIM_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*.c))

.PHONY: all
all: $(B)/smsbridged $(B)/smsbridge $(B)/modemsim

$(B)/smsbridged: $(DAEMON_OBJ) $(MODEM_OBJ)
	$(CC) -o $@ $^ $(ALL_LIBS)
$(B)/smsbridge: $(CTL_OBJ) $(GROUND_OBJ)
	$(CC) -o $@ $^ $(LDFLAGS) $(SAN) $(shell pkg-config --libs libcurl jansson)
$(B)/modemsim: $(SIM_OBJ)
	$(CC) -o $@ $^ $(LDFLAGS) $(SAN) -pthread $(shell pkg-config --libs libcurl)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Unit tests: tests/unit/NAME_test.c and the objects it names in NAME_test_OBJ (it may include a .c itself).
include tests/unit/unit.mk
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))
.SECONDEXPANSION:
$(B)/unit/%: $(B)/tests/unit/%.o $$(addprefix $(B)/,$$($$*_OBJ)) $(GROUND_OBJ)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(ALL_LIBS) -lcmocka
.PHONY: unit check-unit
unit: $(UNIT)
check-unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; timeout 300 $$t; done

.PHONY: clean
clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
