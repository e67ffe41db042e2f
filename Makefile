# vmprov: one make process; each folder's module.mk says what it is made of.
#
#   make            the module, the vmprov command and the tests' tools, under build/
#   make deps       install the Debian packages that this needs (as root)
#   make demo       the main job on real input, on loopback, and stops
#   make run        the same server in the foreground, until interrupted
#   make check      all tests; SAN=1 with ASan and UBSan; T=name one system test
#   make bench      speed, as ratios within one run; make bench-quick in six minutes
#   make fuzz       T=name TIME=seconds: one fuzz target, or all for a while
#   make lint format install uninstall clean
#
# V=1 shows commands.  CC=clang works.  FREERADIUS_INCLUDE= takes headers from elsewhere.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
RADDB      ?= $(SYSCONFDIR)/freeradius/3.0
STATEDIR   ?= /var/lib/vmprov
DESTDIR    ?=
SAN        ?=
V          ?=

VERSION := 0.1.0
B       := build/$(if $(SAN),san,$(if $(filter clang%,$(CC)),clang,gcc))
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-6s %s\n' "$(1)" "$(2)")

PKG_CONFIG ?= pkg-config
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wold-style-definition -Werror
CFLAGS   ?= -O2 -g
HARDEN   := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) $(HARDEN) -fPIC -Ilib -D_GNU_SOURCE -DVMPROV_VERSION='"$(VERSION)"' \
	-DVMPROV_STORE='"$(STATEDIR)/policy.db"' -DVMPROV_RADDB='"$(RADDB)"' $(EXTRA_CFLAGS)
ALL_LDFLAGS := -Wl,-z,relro -Wl,-z,now -Wl,--as-needed $(LDFLAGS)
ifdef SAN
ALL_CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=address,undefined
endif

.PHONY: all
all:

PROGRAMS := vmprov
modules := lib schema rlm_vmprov policyd vmprov raddb tests docs
-include $(modules:%=%/module.mk)

# -- building ------------------------------------------------------------------------------------
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

$(B)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$(firstword $(subst /, ,$*))) -MMD -MP -c -o $@ $<

# $(call program,name,sources,libraries): a program under $(B)/bin
define program
$(B)/bin/$(1): $(call objects,$(2)) $(B)/libvmprov.a
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ $(3) $$(lib_LIBS)
-include $(patsubst %.c,$(B)/obj/%.d,$(2))
endef

$(foreach p,$(PROGRAMS),$(eval $(call program,$(p),$($(p)_SRCS),$($(p)_LIBS))))
all: $(B)/libvmprov.a $(MODULE_SO) $(PROGRAMS:%=$(B)/bin/%)
	$(Q)ln -sfn $(notdir $(B)) build/current

# -- the rest -----------------------------------------------------------------------------------
.PHONY: deps demo run check bench bench-quick fuzz lint format install uninstall clean
deps:
	$(Q)sh .ci/deps

demo: all
	$(Q)B=$(B) tests/demo/demo.sh

run: all
	$(Q)B=$(B) tests/demo/run.sh

clean:
	rm -rf build

# The other compiler first: its warnings are errors too.
lint:
	$(Q)$(MAKE) --no-print-directory CC=clang all
	$(Q)bash tests/lint.sh

format:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i
