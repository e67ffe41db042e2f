#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sessions.sh: what it costs to keep session.db: for authorizations, and for durable accounting.
#
# Method
#   As bench.sh: servers on this machine, on loopback, with the settings that raddb/ ships, loaded in
#   alternation; medians over the rounds; a ratio is the median of the ratios within each round.  Below
#   10 % it is noise.  The servers:
#
#   static      the same six reply attributes for everybody, no look-up; accounting is answered and
#               forgotten: the ceiling.
#   nosession   rlm_vmprov as shipped, with no session.db.
#   session     the same with session.db, on the disk that build/bench is on.  Each Access-Accept is
#               written down; each Accounting-Response is sent after the commit (synchronous=FULL).
#
#   First each MAC is authorized once: it has a session from then on, and its Class is kept.  Then
#   uniformly random MACs are authorized again, each at its own port, and accounted for: a Start each,
#   then Interim-Updates, with Class.  128 requests are outstanding, of accounting once more 512
#   (accounting-512): who waits for the same commit is as many at the most.
#
#   lost    authorized: MACs that got an Access-Accept and have no session once the queue is written.  At the
#           end the server is killed with SIGKILL; accounted: MACs that got an Accounting-Response and have no
#           session that accounting has touched; kept: MACs that have no session any more.
#
# Options: --quick (about a minute), --sizes "1000 100000", --rounds N, --seconds S (a round), --window W.
#   Environment: BENCH_PORT (first of some UDP ports, 28140), BUILD (data and results), B (our programs,
#   build/current), RADLOAD, RADIUSD, LIBDIR, RADDB.
# Output: a table; build/bench-sessions.tsv (medians), build/bench/sessions-rounds.tsv (each measurement).

set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$HERE/../.." && pwd)
BUILD=${BUILD:-$REPO/build}
B=$(realpath -m "${B:-$BUILD/current}")
WORK=$(realpath -m "$BUILD/bench")
RADLOAD=${RADLOAD:-$B/bin/radload}
BENCH_PORT=${BENCH_PORT:-28140}
SIZES="1000 100000 1000000"
ROUNDS=5
SECONDS_EACH=4
WINDOW=128
WIDE=512
PORTS=8

# shellcheck source=tests/bench/lib.sh
. "$HERE/lib.sh"
for file in "$HERE"/servers/{static,vmprov,session}.sh; do
	# shellcheck source=/dev/null
	. "$file"
done
ACCT_OFFSET=10

declare -A OPTIONS=([--sizes]=SIZES [--rounds]=ROUNDS [--seconds]=SECONDS_EACH [--window]=WINDOW)
option_quick() { SIZES="1000 100000" ROUNDS=3 SECONDS_EACH=1.2; }

# What radload keeps of each MAC, for each server: in memory where that can be had, since the disk is what is measured.
state_make() {
	local dir=/dev/shm
	[ -w "$dir" ] || dir=$WORK
	STATE=$(mktemp -d "$dir/vmprov-bench.XXXXXX")
}

servers_up() {
	local kind vms=$1 port=$BENCH_PORT
	for kind in static nosession session; do
		mkdir -p "$WORK/data/$vms"
		note "$vms MACs: data for $kind"
		"${kind}_data" "$vms" "$WORK/data/$vms"
		server_start "$kind" "$kind" "$vms" $((port++))
		[ "$kind" = session ] || # the first authorizations are measured
			load "$kind" "$vms" --seconds 1 --window "$WINDOW" --ports "$PORTS" >/dev/null # warm up
	done
}

sessions() { sqlite3 -readonly -cmd '.timeout 5000' "$SESSIONS" "SELECT count(*) FROM session $1"; }

# lost WHAT VMS N WANTED: a row.
lost() {
	printf 'lost-%s\tsession\t%s\tshipped\t1\t%s\t%s\t%s\n' "$1" "$2" "$4" "$3" $(($4 - $3)) >>"$ROUNDS_FILE"
	[ "$3" -eq "$4" ] || note "$2 MACs: $4 $1, but $3 sessions"
}

# The Accepts do not wait for the commits: give them a moment.
everybody() {
	local vms=$1 n tries=0
	note "$vms MACs: each is authorized once"
	measure first session session "$vms" shipped 1 \
		--in-turn --requests "$vms" --state "$STATE/session" --window "$WINDOW" --ports "$PORTS"
	until n=$(sessions '') && [ "$n" -ge "$vms" ]; do
		((++tries < 50)) || break
		sleep 0.1
	done
	lost authorized "$vms" "$n" "$vms"
}

rounds() {
	local vms=$1 round kind args
	for ((round = 1; round <= ROUNDS; round++)); do
		note "$vms MACs: round $round of $ROUNDS"
		args=(--seconds "$SECONDS_EACH" --window "$WINDOW" --ports "$PORTS" --seed "$round")
		for kind in static nosession session; do
			measure authorize "$kind" "$kind" "$vms" shipped "$round" "${args[@]}" --state "$STATE/$kind"
		done
		for kind in static session; do
			LOAD=account measure accounting "$kind" "$kind" "$vms" shipped "$round" "${args[@]}" --state "$STATE/$kind"
			LOAD=account measure "accounting-$WIDE" "$kind" "$kind" "$vms" shipped "$round" "${args[@]}" --state "$STATE/$kind" \
				--window "$WIDE"
		done
	done
}

# The last answers are a moment old.
killed() {
	local vms=$1 macs
	macs=$(awk -F'\t' -v vms="$vms" '$1 ~ /^accounting/ && $2 == "session" && $3 == vms { n = $15 } END { print n }' "$ROUNDS_FILE")
	kill -9 "${PID[session]}"
	wait "${PID[session]}" 2>/dev/null || true
	unset 'PID[session]'
	lost accounted "$vms" "$(sessions "WHERE state IN ('started', 'interim')")" "$macs"
	lost kept "$vms" "$(sessions '')" "$vms"
	[ "$(sqlite3 "$SESSIONS" 'PRAGMA quick_check')" = ok ] || die "session.db is damaged"
}

compare() {
	local vms=$1
	rm -f "$STATE"/*
	servers_up "$vms"
	everybody "$vms"
	rounds "$vms"
	killed "$vms"
	servers_stop
}

main() {
	local vms
	options "$@"
	find_server
	vmprov_available || die "rlm_vmprov is not built"
	trap 'servers_stop; rm -rf "$STATE"' EXIT
	trap 'exit 130' INT TERM
	mkdir -p "$WORK"
	link_modules
	state_make
	settings_shipped
	ROUNDS_FILE=$WORK/sessions-rounds.tsv
	: >"$ROUNDS_FILE"
	for vms in $SIZES; do compare "$vms"; done
	awk -v tsv="$BUILD/bench-sessions.tsv" -f "$HERE/sessions.awk" "$ROUNDS_FILE"
}

main "$@"
