#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# licences.sh: what a licence costs, at the server and at a broker, beside the least that each could do.
#
# Method
#   policyd runs as its processes, and gatewayd as a broker in front of it, on loopback, from a scratch directory.  leaseload is
#   the machines: each has a certificate of its own, and takes a licence, gives it back, and so on.  Every answer is durable
#   before it is sent.  Beside it, in the same round: /healthz of the same process, which is a durable write too, over the same TLS
#   connections; for comparison, without TLS at the status address; durable transactions of one row, and of 64, by
#   SQLite alone; with a new connection for each request, the bare handshake with client certificates, on the same server.
#   Certificates are there, and kept connections open, before the clock starts.
#   Printed are medians over the rounds; a ratio is the median of the ratios within each round.  Below 10 % it is noise.
#
#   The generator shares the machine: with two cores, it and the servers compete.  Ratios can be compared between machines,
#   absolute figures cannot.
#
#   Storm: 10,000 machines (--quick: 2,000) start through one broker, which holds nothing at first, each on a new connection.
#   Trips are the broker's requests to the server.
#
# Options: --quick, --rounds N, --only "server broker storm".  Environment: BUILD (results), B (our programs, build/current).
# Output: a table; build/bench-licences.tsv (medians), build/bench/licences-rounds.tsv (each measurement).

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RESULTS=${BUILD:-$REPO/build}
B=${B:-$REPO/build/current}
# shellcheck source=tests/system/lib.sh
. "$REPO/tests/system/lib.sh"
# shellcheck source=tests/system/daemon.sh
. "$REPO/tests/system/daemon.sh"
# shellcheck source=tests/system/nas.sh
. "$REPO/tests/system/nas.sh"
# shellcheck source=tests/system/licence.sh
. "$REPO/tests/system/licence.sh"
# shellcheck source=tests/bench/common.sh
. "$REPO/tests/bench/common.sh"
WORK=$RESULTS/bench
ROUNDS=5
SECONDS_EACH=4
CLIENTS="1 8 64"
STARTS=10000
ONLY="server broker storm"
FIRST=1

declare -A OPTIONS=([--rounds]=ROUNDS [--only]=ONLY)
option_quick() { ROUNDS=3 SECONDS_EACH=1 STARTS=2000; }

wanted() { [[ " $ONLY " == *" $1 "* ]]; }

# -- servers ------------------------------------------------------------------------------------------

# certs TEMPLATE N: guests of this template; $T/TEMPLATE.certs
certs() {
	note "$2 guests of $1 enrol"
	leaseload certs --server "127.0.0.1:$POLICYD_PORT" --certs "$T/$1.certs" --template "$1" --vms "$2" --first "$FIRST" \
		--host-cert "$T/hv1.pem" --host-key "$T/hv1.key" || die "no certificates: $(tail -n 2 "$POLICYD_LOG")"
	FIRST=$((FIRST + $2))
}

# As shipped, but for addresses and files.
world() {
	licence_world || die "policyd does not start"
	pool bench 1000000 lease_s 3600 grace_s 900
	gateway_add gw1 east broker.lease= broker.refresh= broker.wait= broker.timeout= log.level= || die "the broker cannot be set up"
	gateway_start gw1 || die "gatewayd does not start"
}

pids() {
	local name
	if [ "$1" = broker ]; then
		echo "--pid net=${PID[gw1]}"
		return
	fi
	for name in net store signer; do printf -- '--pid %s=%s ' "$name" "$(policyd_process "$name")"; done
	echo "--pid parent=$POLICYD_PID"
}

# -- measuring ----------------------------------------------------------------------------------------

# measure SIDE CLIENTS ROUND ADDRESS MODE OPTION...: a row to the file of rounds
measure() {
	local side=$1 clients=$2 round=$3 at=$4 out label rest
	shift 4
	# shellcheck disable=SC2046 # options
	out=$(leaseload "$@" --server "127.0.0.1:$at" --window "$clients" --product web-std --tsv $(pids "$side") 2>"$T/said") ||
		die "$side, $1, $clients clients: $(tail -n 3 "$T/said")"
	while IFS=$'\t' read -r label rest; do
		[[ " $* " != *' --plain '* ]] || label=plain
		printf '%s\t%s\t%s\t%s\t%s\n' "$side" "$label" "$clients" "$round" "$rest"
	done <<<"$out" >>"$ROUNDS_FILE"
	RATE=$(tail -n 1 "$ROUNDS_FILE" | cut -f 8)
}

# So many that it takes about as long as it shall, from the rate of a short run.
declare -A RATE_OF=()
timed() {
	local key="$1 $2 $5 $6"
	if [ -z "${RATE_OF[$key]:-}" ]; then
		measure "$1" "$2" 0 "$4" "${@:5}" --count $((200 + 20 * $2))
		RATE_OF[$key]=$RATE
	fi
	measure "$@" --count "$(awk -v rate="${RATE_OF[$key]}" -v s="$SECONDS_EACH" 'BEGIN { printf "%d", rate * s + 100 }')"
}

# rounds SIDE ADDRESS STATUS-ADDRESS CERTS
rounds() {
	local side=$1 at=$2 status=$3 certs=$4 round n
	for ((round = 1; round <= ROUNDS; round++)); do
		note "$side: round $round of $ROUNDS"
		for n in $CLIENTS; do
			timed "$side" "$n" "$round" "$at" toggle --certs "$certs"
			timed "$side" "$n" "$round" "$at" get --certs "$certs"
		done
		timed "$side" 64 "$round" "$status" get --plain
		timed "$side" 64 "$round" "$at" toggle --fresh --certs "$certs"
		timed "$side" 64 "$round" "$at" handshake --certs "$certs"
		rm -f "$T"/bare.db*
		estbare sqlite --dir "$T" --seconds 1 | while IFS=$'\t' read -r label rest; do
			printf '%s\t%s\t%s\t%s\t%s\n' "$side" "$label" 0 "$round" "$rest"
		done >>"$ROUNDS_FILE"
	done
}

bench_server() {
	certs web-lone 64
	rounds server "$POLICYD_PORT" $((POLICYD_PORT + 1)) "$T/web-lone.certs"
}

bench_broker() {
	certs web-east 64
	rounds broker "${PORT[gw1]}" "${PORT[gw1-status]}" "$T/web-east.certs"
}

bench_storm() {
	local before
	certs web-east "$STARTS"
	note "storm: $STARTS starts"
	before=$(gateway_metric gw1 vmprov_broker_requests_total)
	measure broker 64 1 "${PORT[gw1]}" starts --certs "$T/web-east.certs"
	printf 'broker\ttrips\t64\t1\t%s\t%s\n' "$(($(gateway_metric gw1 vmprov_broker_requests_total) - before))" "$STARTS" >>"$ROUNDS_FILE"
}

main() {
	local what
	options "$@"
	for what in policyd gatewayd leaseload estbare vmprov sqlite3 curl openssl; do
		command -v "$what" >/dev/null || die "$what is missing: run make bench"
	done
	ulimit -n "$(ulimit -Hn)"
	mkdir -p "$WORK"
	ROUNDS_FILE=$WORK/licences-rounds.tsv
	: >"$ROUNDS_FILE"
	t_begin bench
	world
	for what in server broker storm; do
		! wanted "$what" || "bench_$what"
	done
	awk -v tsv="$RESULTS/bench-licences.tsv" -f "$REPO/tests/bench/licences.awk" "$ROUNDS_FILE"
}

main "$@"
