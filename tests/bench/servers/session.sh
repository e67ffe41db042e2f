# shellcheck shell=bash
# rlm_vmprov with its dialect as shipped, Class included: `session` keeps session.db, on the disk that has build/bench, and
# `nosession` does not.

session_available() { vmprov_available; }
nosession_available() { vmprov_available; }

SESSIONS=$WORK/run/session/session.db

# session_data VMS DIR: no guest is there yet.
session_data() {
	vmprov_data "$@"
	rm -f "$SESSIONS"*
}
nosession_data() { vmprov_data "$@"; }

session_dialect() {
	mkdir -p "$1/dialects-class"
	cp "$REPO/raddb/mods-config/vmprov/dialects/rfc" "$1/dialects-class/rfc"
}

# session_modules DIR
session_modules() {
	session_dialect "$1"
	vmprov_config "$1" "$1/dialects-class" "$SESSIONS"
	printf 'detail {\n\tfilename = "%s/detail"\n}\n' "${SESSIONS%/*}" # accounting that is not a guest's
}
nosession_modules() {
	session_dialect "$1"
	vmprov_config "$1" "$1/dialects-class" ''
}

session_policies() { vmprov_policies; }
session_authorize() { vmprov_authorize; }
session_post_auth() { vmprov_post_auth; }
session_preacct() { echo vmprov_preacct; }
session_accounting() { echo vmprov_accounting; }
nosession_policies() { vmprov_policies; }
nosession_authorize() { vmprov_authorize; }
nosession_post_auth() { vmprov_post_auth; }
