# shellcheck shell=bash
# The demo's and `make run`'s server: the sample store, our raddb, loopback.  Sourced.
. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
. "$HERE/server.sh"

# sample_make DIR PORT: a store with the sample records, and the server's configuration.
sample_make() {
	vmprov --store "$1/policy.db" init >/dev/null &&
		sqlite3 -bail "$1/policy.db" ".read $TOP/tests/demo/sample.sql" &&
		radius_make "$1" "$2"
}
