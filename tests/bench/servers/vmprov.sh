# shellcheck shell=bash
# rlm_vmprov with the module configuration and policies that we ship.  No VM has values of its own: the
# six attributes come from the COI all of them belong to, so that the whole rule is worked through.

vmprov_available() { [ -e "$B/rlm_vmprov.so" ] && [ -x "$B/bin/vmprov" ]; }

# vmprov_data VMS DIR
vmprov_data() {
	if [ -e "$2/policy.db" ]; then
		"$B/bin/vmprov" --store "$2/policy.db" migrate >/dev/null
		return
	fi
	rm -f "$2"/{policy.new,session.db}* # init makes both
	"$B/bin/vmprov" --store "$2/policy.new" init >/dev/null
	sqlite3 -bail "$2/policy.new" <<-'EOF'
		INSERT INTO coi (name, vlan, cos, session_timeout_s) VALUES ('bench', 100, 3, 3600);
	EOF
	awk -v n="$1" -v step="$MAC_STEP" 'BEGIN {
		print "mac,name,cois"
		for (i = 0; i < n; i++) printf "525400%06x,vm%d,bench\n", i * step, i
	}' >"$2/vms.csv"
	"$B/bin/vmprov" --store "$2/policy.new" import "$2/vms.csv" >/dev/null
	rm -f "$2/vms.csv"
	sqlite3 "$2/policy.new" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	mv "$2/policy.new" "$2/policy.db"
}

# vmprov_config DIR DIALECTS SESSIONS: the module as shipped; "" for SESSIONS: none are kept.
vmprov_config() {
	local rcode
	for rcode in ok reject handled; do printf 'always %s {\n\trcode = %s\n}\n' "$rcode" "$rcode"; done
	sed -e "/^[[:space:]]*session {/,/}/ s|^\([[:space:]]*filename = \).*|\1\"$3\"|" \
		-e "s|^\([[:space:]]*filename = \)/.*|\1$1/policy.db|" -e "s|\${confdir}|$REPO/raddb|" \
		-e "s|\${modconfdir}/vmprov/dialects/|$2/|" "$REPO/raddb/mods-available/vmprov"
}

# vmprov_modules DIR
vmprov_modules() {
	# The same six attributes as the others: the dialect as shipped, but for Class, which has no value then.
	mkdir -p "$1/dialects"
	sed 's/:= &VMProv-Class/:= \&VMProv-Quarantine-VLAN/' "$REPO/raddb/mods-config/vmprov/dialects/rfc" >"$1/dialects/rfc"
	vmprov_config "$1" "$1/dialects" ''
}

vmprov_policies() { echo "\$INCLUDE $REPO/raddb/policy.d/vmprov"; }
vmprov_authorize() { echo vmprov_authorize; }
vmprov_post_auth() { echo vmprov_post_auth; }
