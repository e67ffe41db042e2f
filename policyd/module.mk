# policyd: one program, three processes (proc.c has the table).
policyd_SRCS := $(sort $(wildcard policyd/*.c policyd/*/*.c))
policyd_LIBS := -levent_openssl -levent -lssl -lcrypto -ljansson -linih -lseccomp
CFLAGS_policyd = -Ipolicyd -DVMPROV_STATEDIR='"$(STATEDIR)"' -DPOLICYD_CONFIG='"$(SYSCONFDIR)/vmprov/policyd.conf"'
PROGRAMS += policyd

# -- make install, make uninstall: configuration, unit, users.  docs/module.mk has the program and its pages. ----------
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
policyd_CONF    = $(DESTDIR)$(SYSCONFDIR)/vmprov/policyd.conf
policyd_SHIPPED = $(DESTDIR)$(PREFIX)/share/vmprov/policyd.conf
policyd_places  = sed -e 's|/var/lib/vmprov|$(STATEDIR)|g' -e 's|@bindir@|$(BINDIR)|g' -e 's|@statedir@|$(STATEDIR)|g' \
	-e 's|@sysconfdir@|$(SYSCONFDIR)|g' -e 's|@group@|$(FREERADIUS_GROUP)|g'

.PHONY: install-policyd uninstall-policyd
install: install-policyd
uninstall: uninstall-policyd

# A configuration that somebody changed stays, and the new one is put beside it, as with FreeRADIUS's (raddb/module.mk).
install-policyd:
	$(call say,INST,$(policyd_CONF))
	$(Q)set -eu; new=$$(mktemp); trap 'rm -f "$$new"' EXIT; \
	$(policyd_places) policyd/policyd.conf > "$$new"; \
	if [ ! -e $(policyd_CONF) ] || cmp -s $(policyd_SHIPPED) $(policyd_CONF) || cmp -s "$$new" $(policyd_CONF); then \
		install -D -m 0644 "$$new" $(policyd_CONF); rm -f $(policyd_CONF)$(raddb_NEW); \
	else \
		install -m 0644 "$$new" $(policyd_CONF)$(raddb_NEW); \
		echo "kept $(policyd_CONF), which differs; the new one is $(policyd_CONF)$(raddb_NEW)"; \
	fi; \
	install -D -m 0644 "$$new" $(policyd_SHIPPED); \
	$(policyd_places) policyd/systemd/vmprov-policyd.service > "$$new"; \
	install -D -m 0644 "$$new" $(DESTDIR)$(UNITDIR)/vmprov-policyd.service; \
	$(policyd_places) policyd/systemd/vmprov.sysusers.conf > "$$new"; \
	install -D -m 0644 "$$new" $(DESTDIR)$(SYSUSERSDIR)/vmprov.conf; \
	$(policyd_places) policyd/systemd/vmprov.tmpfiles.conf > "$$new"; \
	install -D -m 0644 "$$new" $(DESTDIR)$(TMPFILESDIR)/vmprov.conf

uninstall-policyd:
	$(Q)set -eu; rm -f $(policyd_CONF)$(raddb_NEW) $(DESTDIR)$(UNITDIR)/vmprov-policyd.service \
		$(DESTDIR)$(SYSUSERSDIR)/vmprov.conf $(DESTDIR)$(TMPFILESDIR)/vmprov.conf; \
	if cmp -s $(policyd_SHIPPED) $(policyd_CONF); then rm -f $(policyd_CONF); \
	elif [ -e $(policyd_CONF) ] && [ -e $(policyd_SHIPPED) ]; then echo "kept $(policyd_CONF), which was changed"; fi; \
	rm -f $(policyd_SHIPPED); \
	for d in $(dir $(policyd_CONF)) $(dir $(policyd_SHIPPED)); do \
		[ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d"; \
	done
