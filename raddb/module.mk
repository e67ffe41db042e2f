# make install, make uninstall: the module, FreeRADIUS's configuration, the state folder, the units.
# docs/module.mk has the programs and the man pages.
#
# A package's DESTDIR gets plain modes; on a live system the configuration is for root and the server's group.
FREERADIUS_LIBDIR ?= /usr/lib/freeradius
FREERADIUS_GROUP  ?= freerad
BINDIR            ?= $(PREFIX)/bin
UNITDIR           ?= $(PREFIX)/lib/systemd/system
SYSCTLDIR         ?= $(PREFIX)/lib/sysctl.d

raddb_FILES := vmprov.conf clients-vmprov.conf dictionary.vmprov mods-available/vmprov mods-available/vmprov_eap \
	sites-available/vmprov policy.d/vmprov \
	$(patsubst raddb/%,%,$(sort $(wildcard raddb/mods-config/vmprov/dialects/*)))
# With this at its end a file is never read: FreeRADIUS loads every file of policy.d and dialects whose name has only
# letters, digits, "-", "_" and "."; 3.2.1 does not even leave out .dpkg-dist.
raddb_NEW := .new~
# What was installed last, unchanged: tells the administrator's changes from ours.
raddb_SHIPPED = $(DESTDIR)$(PREFIX)/share/vmprov/raddb

.PHONY: install-module install-raddb install-state install-units
.PHONY: uninstall-module uninstall-raddb uninstall-state uninstall-units
install: install-module install-raddb install-state install-units
uninstall: uninstall-module uninstall-raddb uninstall-state uninstall-units

install-module: $(MODULE_SO)
	$(call say,INST,$(DESTDIR)$(FREERADIUS_LIBDIR)/rlm_vmprov.so)
	$(Q)install -D -m 0644 $< $(DESTDIR)$(FREERADIUS_LIBDIR)/rlm_vmprov.so

uninstall-module:
	rm -f $(DESTDIR)$(FREERADIUS_LIBDIR)/rlm_vmprov.so

# The server's group may read the configuration.  Others may not, where that group is known; secrets never.
raddb_modes = set -eu; group=; mode=0644; \
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && getent group $(FREERADIUS_GROUP) >/dev/null; then \
		group="-g $(FREERADIUS_GROUP)"; mode=0640; \
	fi

raddb_places = sed -e 's|/var/lib/vmprov|$(STATEDIR)|g' -e 's|/etc/freeradius/3\.0|$(RADDB)|g' \
	-e 's|/usr/lib/freeradius|$(FREERADIUS_LIBDIR)|g'

install-raddb:
	$(call say,INST,$(DESTDIR)$(RADDB))
	$(Q)$(raddb_modes); \
	new=$$(mktemp); trap 'rm -f "$$new"' EXIT; \
	for f in $(raddb_FILES); do \
		to=$(DESTDIR)$(RADDB)/$$f; old=$(raddb_SHIPPED)/$$f; m=$$mode; \
		case $$f in clients-*) m=0640 ;; esac; \
		[ -d "$${to%/*}" ] || install -d -m 0755 "$${to%/*}"; \
		$(raddb_places) raddb/$$f > "$$new"; \
		if [ ! -e "$$to" ] || { [ ! -L "$$to" ] && cmp -s "$$old" "$$to" && ! cmp -s "$$new" "$$to"; }; then \
			install -m "$$m" $$group "$$new" "$$to"; \
			rm -f "$$to$(raddb_NEW)"; \
		elif cmp -s "$$new" "$$to"; then \
			rm -f "$$to$(raddb_NEW)"; \
		else \
			install -m "$$m" $$group "$$new" "$$to$(raddb_NEW)"; \
			echo "kept $$to, which differs; the new one is $$to$(raddb_NEW)"; \
		fi; \
		install -D -m 0644 "$$new" "$$old"; \
	done

# What is as it was shipped goes; what somebody changed stays.
uninstall-raddb:
	$(Q)set -eu; [ -d $(raddb_SHIPPED) ] || exit 0; \
	for old in $$(find $(raddb_SHIPPED) -type f); do \
		to=$(DESTDIR)$(RADDB)/$${old#$(raddb_SHIPPED)/}; \
		rm -f "$$to$(raddb_NEW)"; \
		if cmp -s "$$old" "$$to"; then rm -f "$$to"; elif [ -e "$$to" ]; then echo "kept $$to, which was changed"; fi; \
	done; \
	rm -rf $(raddb_SHIPPED); \
	own=$(DESTDIR)$(RADDB)/mods-config/vmprov; \
	for d in $(raddb_SHIPPED:%/raddb=%) $$own/dialects $$own; do \
		[ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d"; \
	done

# The server reads the store and never writes to it.  An existing folder stays as its owner wants it.
install-state:
	$(call say,INST,$(DESTDIR)$(STATEDIR))
	$(Q)$(raddb_modes); [ -d $(DESTDIR)$(STATEDIR) ] || install -d -m 0750 $$group $(DESTDIR)$(STATEDIR)

uninstall-state:
	$(Q)d=$(DESTDIR)$(STATEDIR); [ ! -d "$$d" ] || rmdir "$$d" 2>/dev/null || echo "kept $$d"

# -- systemd --------------------------------------------------------------------------------------
install-units:
	$(call say,INST,$(DESTDIR)$(UNITDIR))
	$(Q)set -eu; tmp=$$(mktemp); trap 'rm -f "$$tmp"' EXIT; \
	sed -e 's|@bindir@|$(BINDIR)|g' -e 's|@statedir@|$(STATEDIR)|g' -e 's|@group@|$(FREERADIUS_GROUP)|g' \
		vmprov/systemd/vmprov-store.service > "$$tmp"; \
	install -D -m 0644 "$$tmp" $(DESTDIR)$(UNITDIR)/vmprov-store.service
	$(Q)install -D -m 0644 vmprov/systemd/freeradius.service.d/vmprov.conf \
		$(DESTDIR)$(UNITDIR)/freeradius.service.d/vmprov.conf
	$(Q)install -D -m 0644 vmprov/systemd/sysctl.d/60-vmprov.conf $(DESTDIR)$(SYSCTLDIR)/60-vmprov.conf

uninstall-units:
	rm -f $(DESTDIR)$(UNITDIR)/vmprov-store.service $(DESTDIR)$(UNITDIR)/freeradius.service.d/vmprov.conf \
		$(DESTDIR)$(SYSCTLDIR)/60-vmprov.conf
	$(Q)d=$(DESTDIR)$(UNITDIR)/freeradius.service.d; [ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d"
