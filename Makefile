# vmprov: one make process; each folder's module.mk says what it is made of.
#
#   make            the module, the vmprov command and the tests' tools, under build/
#   make deps       install the Debian packages that this needs (as root)
#   make demo       the main job on real input, on loopback, and stops
#   make run        the same server in the foreground, until interrupted
#   make check      all tests; SAN=1 with ASan and UBSan; T=name one system test
#   make bench      speed, as ratios within one run; make bench-quick in seven minutes
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
modules := lib evlib member schema rlm_vmprov policyd coid gatewayd relayd hostd hostctl vmprov raddb tests docs
-include $(modules:%=%/module.mk)

# -- building ------------------------------------------------------------------------------------
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

$(B)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$(firstword $(subst /, ,$*))) -MMD -MP -c -o $@ $<

# $(call program,name,sources,libraries,archives): a program under $(B)/bin; the archives go before the library that they need
define program
$(B)/bin/$(1): $(call objects,$(2)) $(4) $(B)/libvmprov.a
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ $(3) $$(lib_LIBS)
-include $(patsubst %.c,$(B)/obj/%.d,$(2))
endef

$(foreach p,$(PROGRAMS),$(eval $(call program,$(p),$($(p)_SRCS),$($(p)_LIBS),$($(p)_ARCHIVES))))
all: $(B)/libvmprov.a $(MODULE_SO) $(PROGRAMS:%=$(B)/bin/%)
	$(Q)ln -sfn $(notdir $(B)) build/current

# -- installing daemons -------------------------------------------------------------------------
# A folder that appends itself to DAEMONS says in NAME_CONFS which configuration it has, as FILE:MODE:PLACE, in NAME_SECRET which
# file for secrets, and in NAME_UNITS what goes from its systemd/ to where, as FILE:PLACE.  raddb/ and docs/ have recipes of their
# own.
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
etc_DIR      = $(DESTDIR)$(SYSCONFDIR)/vmprov
shipped_DIR  = $(DESTDIR)$(PREFIX)/share/vmprov
in_etc       = $(foreach f,$(1),$(f):0644:$(SYSCONFDIR)/vmprov/$(f))
places       = sed -e 's|/var/lib/vmprov|$(STATEDIR)|g' -e 's|/etc/vmprov|$(SYSCONFDIR)/vmprov|g' -e 's|@bindir@|$(BINDIR)|g' \
	-e 's|^vmprov-|$(BINDIR)/vmprov-|' -e 's|@statedir@|$(STATEDIR)|g' -e 's|@sysconfdir@|$(SYSCONFDIR)|g' \
	-e 's|@group@|$(FREERADIUS_GROUP)|g'

# A configuration that somebody changed stays, and the new one is put beside it, as with FreeRADIUS's (raddb/module.mk).  A file
# for secrets is there to be changed.
install-daemon-%:
	$(call say,INST,$(etc_DIR): $*)
	$(Q)set -eu; new=$$(mktemp); trap 'rm -f "$$new"' EXIT; \
	for f in $($*_CONFS); do \
		to=$(DESTDIR)$${f##*:}; mode=$${f#*:}; f=$${f%%:*}; shipped=$(shipped_DIR)/$$f; \
		$(places) $*/$$f > "$$new"; \
		if [ ! -e "$$to" ] || cmp -s "$$shipped" "$$to" || cmp -s "$$new" "$$to"; then \
			install -D -m "$${mode%%:*}" "$$new" "$$to"; rm -f "$$to$(raddb_NEW)"; \
		else \
			install -m 0644 "$$new" "$$to$(raddb_NEW)"; \
			echo "kept $$to, which differs; the new one is $$to$(raddb_NEW)"; \
		fi; \
		install -D -m 0644 "$$new" "$$shipped"; \
	done; \
	for f in $($*_SECRET); do \
		[ -e $(etc_DIR)/$$f ] || install -m 0600 $*/$$f $(etc_DIR)/$$f; \
		install -m 0644 $*/$$f $(shipped_DIR)/$$f; \
	done; \
	for f in $($*_UNITS); do \
		$(places) $*/systemd/$${f%%:*} > "$$new"; \
		install -D -m 0644 "$$new" "$(DESTDIR)$${f#*:}"; \
	done

uninstall-daemon-%:
	$(Q)set -eu; for f in $($*_UNITS); do rm -f "$(DESTDIR)$${f#*:}"; done; \
	for f in $($*_CONFS) $(foreach f,$($*_SECRET),$(f)::$(SYSCONFDIR)/vmprov/$(f)); do \
		to=$(DESTDIR)$${f##*:}; shipped=$(shipped_DIR)/$${f%%:*}; \
		rm -f "$$to$(raddb_NEW)"; \
		if cmp -s "$$shipped" "$$to"; then rm -f "$$to"; \
		elif [ -e "$$to" ] && [ -e "$$shipped" ]; then echo "kept $$to, which was changed"; fi; \
		rm -f "$$shipped"; \
	done; \
	for d in $(etc_DIR) $(shipped_DIR); do \
		[ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d"; \
	done

install: $(DAEMONS:%=install-daemon-%)
uninstall: $(DAEMONS:%=uninstall-daemon-%)

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
