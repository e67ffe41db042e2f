# shellcheck shell=bash
# The demo's and `make run`'s servers: the sample store, our raddb, policyd, loopback.  Sourced.
. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
. "$HERE/server.sh"
. "$HERE/daemon.sh"

# sample_make DIR PORT: a store with the sample records, and both servers' configuration.
sample_make() {
	vmprov --store "$1/policy.db" init >/dev/null &&
		sqlite3 -bail "$1/policy.db" ".read $TOP/tests/demo/sample.sql" &&
		servers_make "$1" "$2"
}

# policyd writes the store and radiusd reads it: what SQLite makes beside it belongs to radiusd's group.
servers_make() {
	radius_make "$1" "$2" && policyd_make "$1" $(($2 + 10)) "$1/policy.db" || return 1
	if [ "$(id -u)" = 0 ] && id freerad >/dev/null 2>&1; then
		chown daemon:freerad "$1" && chmod 2755 "$1"
	fi
}
