# shellcheck shell=bash
# The demo's and `make run`'s servers: the sample store, our raddb, policyd, loopback; and how the demo shows what it does.  Sourced.
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

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' good=$'\e[32m' bad=$'\e[31m' off=$'\e[0m'; else bold='' dim='' good='' bad='' off=''; fi

head_line() { printf '\n%s%s%s\n' "$bold" "$1" "$off"; }
note() { printf '%s   %s%s\n' "$dim" "$1" "$off"; }

# expect DESCRIPTION REPLY REGEX: show a reply as a person reads it, and whether it is the right one.
expect() {
	local what=$1 reply=$2 regex=$3
	head_line "$what"
	printf '%s\n' "$reply" | sed -e 's/:0 = / = /' -e '1!s/^/   /' -e '1s/^/   /'
	if [[ ${reply//$'\n'/ } =~ $regex ]]; then
		passed=$((passed + 1))
		printf '   %sas it should be%s\n' "$good" "$off"
	else
		failed=$((failed + 1))
		printf '   %sWRONG: expected %s%s\n' "$bad" "$regex" "$off"
	fi
}
