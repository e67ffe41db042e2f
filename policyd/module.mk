# policyd: one program, four processes (proc.c has the table).
policyd_SRCS := $(sort $(wildcard policyd/*.c policyd/*/*.c))
# FreeRADIUS's library is not where the linker looks.
FREERADIUS_LIB ?= /usr/lib/freeradius
FREERADIUS_LIBS = -L$(FREERADIUS_LIB) -Wl,-rpath,$(FREERADIUS_LIB) -lfreeradius-radius -ltalloc
policyd_LIBS = -levent_openssl -levent -lssl -lcrypto -ljansson -linih -lseccomp $(FREERADIUS_LIBS)
CFLAGS_policyd = -Ipolicyd -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DPOLICYD_CONFIG='"$(SYSCONFDIR)/vmprov/policyd.conf"'
PROGRAMS += policyd

# Only this file sees the library's headers (rlm_vmprov/module.mk completes them).
$(B)/obj/policyd/coa/packet.o: CFLAGS_policyd += -isystem $(FREERADIUS_INCLUDE)
$(B)/obj/policyd/coa/packet.o: $(if $(filter build/%,$(FREERADIUS_INCLUDE)),build/freeradius/include/.complete)

# -- make install, make uninstall: configuration, unit, users.  docs/module.mk has the program and its pages. ----------
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
policyd_ETC     = $(DESTDIR)$(SYSCONFDIR)/vmprov
policyd_SHIPPED = $(DESTDIR)$(PREFIX)/share/vmprov
policyd_CONFS   = policyd.conf coa-dialects.conf
policyd_places  = sed -e 's|/var/lib/vmprov|$(STATEDIR)|g' -e 's|/etc/vmprov|$(SYSCONFDIR)/vmprov|g' -e 's|@bindir@|$(BINDIR)|g' -e 's|@statedir@|$(STATEDIR)|g' \
	-e 's|@sysconfdir@|$(SYSCONFDIR)|g' -e 's|@group@|$(FREERADIUS_GROUP)|g'

.PHONY: install-policyd uninstall-policyd
install: install-policyd
uninstall: uninstall-policyd

# A configuration that somebody changed stays, and the new one is put beside it, as with FreeRADIUS's (raddb/module.mk).  The
# file for the NASes' secrets is there to be changed.
install-policyd:
	$(call say,INST,$(policyd_ETC))
	$(Q)set -eu; new=$$(mktemp); trap 'rm -f "$$new"' EXIT; \
	for f in $(policyd_CONFS); do \
		to=$(policyd_ETC)/$$f; shipped=$(policyd_SHIPPED)/$$f; \
		$(policyd_places) policyd/$$f > "$$new"; \
		if [ ! -e "$$to" ] || cmp -s "$$shipped" "$$to" || cmp -s "$$new" "$$to"; then \
			install -D -m 0644 "$$new" "$$to"; rm -f "$$to$(raddb_NEW)"; \
		else \
			install -m 0644 "$$new" "$$to$(raddb_NEW)"; \
			echo "kept $$to, which differs; the new one is $$to$(raddb_NEW)"; \
		fi; \
		install -D -m 0644 "$$new" "$$shipped"; \
	done; \
	[ -e $(policyd_ETC)/nas-secrets.conf ] || install -m 0600 policyd/nas-secrets.conf $(policyd_ETC)/nas-secrets.conf; \
	install -m 0644 policyd/nas-secrets.conf $(policyd_SHIPPED)/nas-secrets.conf; \
	$(policyd_places) policyd/systemd/vmprov-policyd.service > "$$new"; \
	install -D -m 0644 "$$new" $(DESTDIR)$(UNITDIR)/vmprov-policyd.service; \
	$(policyd_places) policyd/systemd/vmprov.sysusers.conf > "$$new"; \
	install -D -m 0644 "$$new" $(DESTDIR)$(SYSUSERSDIR)/vmprov.conf; \
	$(policyd_places) policyd/systemd/vmprov.tmpfiles.conf > "$$new"; \
	install -D -m 0644 "$$new" $(DESTDIR)$(TMPFILESDIR)/vmprov.conf

uninstall-policyd:
	$(Q)set -eu; rm -f $(DESTDIR)$(UNITDIR)/vmprov-policyd.service $(DESTDIR)$(SYSUSERSDIR)/vmprov.conf \
		$(DESTDIR)$(TMPFILESDIR)/vmprov.conf; \
	for f in $(policyd_CONFS) nas-secrets.conf; do \
		to=$(policyd_ETC)/$$f; shipped=$(policyd_SHIPPED)/$$f; \
		rm -f "$$to$(raddb_NEW)"; \
		if cmp -s "$$shipped" "$$to"; then rm -f "$$to"; \
		elif [ -e "$$to" ] && [ -e "$$shipped" ]; then echo "kept $$to, which was changed"; fi; \
		rm -f "$$shipped"; \
	done; \
	for d in $(policyd_ETC) $(policyd_SHIPPED); do \
		[ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d"; \
	done
