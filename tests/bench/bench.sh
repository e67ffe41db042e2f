#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench.sh: what an authorization by rlm_vmprov costs, beside other ways to do it.
#
# Method
#   Four servers run on this machine, on loopback, from configurations made in build/bench: `static`
#   (the same six reply attributes for everybody, no look-up: the ceiling), `files` (rlm_files), `sql`
#   (rlm_sql_sqlite, stock schema and queries) and `vmprov`.  All have the settings that raddb/ ships,
#   read from there, so that only the look-up differs.  radload sends requests as switches do for MAC
#   authentication, for uniformly random MACs of the whole range in a closed loop, and checks every
#   reply.  The servers are loaded one at a time in alternation (static files sql vmprov, static files
#   ...), so that a slow spell of the machine meets all of them.  Printed are medians over the rounds;
#   a ratio is the median of the ratios to `static` within each round.  Below 10 % it is noise.
#
#   CPU     the server's user and system time [us/request = 0.1 s per 100,000 requests].  On loopback
#           the kernel's receive path runs in the sender: the generator's packets are charged to
#           radload, the replies to the server.
#   RSS     resident memory after the load, files mapped and touched included.
#   start   from fork to the first right reply, by asking every 2 ms.
#
#   The generator shares the machine: with two cores, it and the server's threads compete.  That is
#   the same for all four.  Ratios can be compared between machines, absolute figures cannot.
#
#   Cliff: FreeRADIUS keeps each (source port, identifier) for cleanup_delay seconds to detect
#   duplicates, and drops new requests above max_requests.  Many NASes reach that at a modest rate:
#   512 source ports are loaded at fixed rates, with stock and with shipped settings.
#
# Options: --quick (under two minutes), --sizes "1000 100000", --rounds N, --seconds S (a round),
#   --kinds "static vmprov", --no-cliff.  Environment: BENCH_PORT (first of four UDP ports, 28120),
#   BUILD (data and results), B (our programs, build/current), RADLOAD, RADIUSD, LIBDIR, RADDB.  Data
#   is kept in build/bench/data and made only once: remove it after a change of the schema.
# Output: a table; build/bench.tsv (medians), build/bench/rounds.tsv (each measurement).

set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$HERE/../.." && pwd)
BUILD=${BUILD:-$REPO/build}
B=$(realpath -m "${B:-$BUILD/current}")
WORK=$(realpath -m "$BUILD/bench")
RADLOAD=${RADLOAD:-$B/bin/radload}
BENCH_PORT=${BENCH_PORT:-28120}
KINDS="static files sql vmprov"
SIZES="1000 100000 1000000"
ROUNDS=5
SECONDS_EACH=4
CLIFF=yes
CLIFF_SECONDS=12
CLIFF_PORTS=512
WINDOW=128
PORTS=8

# shellcheck source=tests/bench/lib.sh
. "$HERE/lib.sh"
for file in "$HERE"/servers/*.sh; do
	# shellcheck source=/dev/null
	. "$file"
done

declare -A OPTIONS=([--sizes]=SIZES [--rounds]=ROUNDS [--seconds]=SECONDS_EACH [--kinds]=KINDS)
option_quick() { SIZES="1000 100000" ROUNDS=3 SECONDS_EACH=2 CLIFF_SECONDS=8; }
option_no_cliff() { CLIFF=no; }

# Leave out what is not installed, and say so.
kinds_check() {
	local kind present=()
	for kind in $KINDS; do
		declare -F "${kind}_modules" >/dev/null || die "there is no server kind \"$kind\""
		if "${kind}_available"; then present+=("$kind"); else note "$kind is not available here, left out"; fi
	done
	KINDS=${present[*]}
}

# compare VMS: start one server of each kind, then load them in turn.
compare() {
	local vms=$1 kind round port=$BENCH_PORT
	settings_shipped
	for kind in $KINDS; do
		mkdir -p "$WORK/data/$vms"
		note "$vms VMs: data for $kind"
		"${kind}_data" "$vms" "$WORK/data/$vms"
		server_start "$kind" "$kind" "$vms" $((port++))
		load "$kind" "$vms" --seconds 1 --window "$WINDOW" --ports "$PORTS" >/dev/null # warm up
	done
	for ((round = 1; round <= ROUNDS; round++)); do
		note "$vms VMs: round $round of $ROUNDS"
		for kind in $KINDS; do
			measure look-up "$kind" "$kind" "$vms" shipped "$round" \
				--seconds "$SECONDS_EACH" --window "$WINDOW" --ports "$PORTS" --seed "$round"
		done
	done
	servers_stop
}

# cliff KIND: a data centre's worth of NASes, stock settings beside ours.
cliff() {
	local kind=$1 settings rate
	for settings in stock shipped; do
		for rate in 10000 30000; do
			note "cliff: $kind, $settings settings, $rate/s from $CLIFF_PORTS ports"
			"settings_$settings"
			server_start cliff "$kind" 1000 "$BENCH_PORT"
			measure "cliff-$rate" "$kind" cliff 1000 "$settings" 1 \
				--seconds "$CLIFF_SECONDS" --rate "$rate" --ports "$CLIFF_PORTS"
			server_stop cliff
		done
	done
}

main() {
	local vms kinds
	options "$@"
	find_server
	kinds_check
	trap servers_stop EXIT
	trap 'exit 130' INT TERM
	mkdir -p "$WORK"
	link_modules
	: >"$WORK/rounds.tsv"
	for vms in $SIZES; do compare "$vms"; done
	kinds=" $KINDS "
	if [ "$CLIFF" = yes ]; then
		if [[ $kinds == *" vmprov "* ]]; then cliff vmprov; else cliff static; fi
	fi
	awk -v tsv="$BUILD/bench.tsv" -f "$HERE/report.awk" "$WORK/rounds.tsv"
}

main "$@"
