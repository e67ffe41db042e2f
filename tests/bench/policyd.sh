#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# policyd.sh: what policyd's work costs, beside its bare steps.
#
# Method
#   policyd runs as its three processes, on loopback, with presets, from a scratch directory.  Beside it
#   runs estbare: one process that does the bare steps, with plain OpenSSL calls as OpenSSL's manual has
#   them: TLS 1.3 handshake (P-256, no tickets), request's signature, certificate with the same
#   extensions; no HTTP library, no JSON, no other process, no policy.  estload sends the same octets to
#   both, from one thread, and checks every answer.  Keys and requests are made, VMs started and enrolled
#   as far as need be, before the clock starts.  The sides are loaded in turn, so that a slow spell of the
#   machine meets both.  Printed are medians over the rounds; a ratio is the median of the ratios within
#   each round.  Below 10 % it is noise.
#
#   CPU     the server's user and system time for one operation, of all its processes [us]; on loopback
#           the kernel's receive path runs in the sender, the same for both sides.
#   ratio   bare CPU / policyd's CPU: 1.0 would be no cost but the bare steps.
#   bare, bare-each, bare-group   without a commit; with a durable one (WAL, synchronous=FULL) for each
#           certificate; with one for up to 64.  policyd always commits before it answers.
#
#   The generator shares the machine: with two cores, it and the servers compete.  Ratios can be compared
#   between machines, absolute figures cannot.
#
#   Directory: 1,000 VMs wait in the long poll; one member's endpoint changes; latencies are from that
#   request's sending.  policyd looks for changes ten times a second.
#   Storm: 10,000 VMs within a minute (--quick: 1,500 in 10 s), by the clock, whatever the server does:
#   each is started by one of 100 hosts, enrols on a new connection, and fetches its COI keys on another one with
#   its certificate.  Latencies include the time that a request waits to be sent.
#   Idle: memory of the net process for connections that have made one request and stay.
#
# Options: --quick, --rounds N, --only "enrol renew keys directory idle storm sqlite".  Environment: BUILD
#   (results), B (our programs, build/current), BENCH_PORT (first of some TCP ports, 28200).
# Output: a table; build/bench-policyd.tsv (medians), build/bench/policyd-rounds.tsv (each measurement).

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RESULTS=${BUILD:-$REPO/build}
B=${B:-$REPO/build/current}
# shellcheck source=tests/system/lib.sh
. "$REPO/tests/system/lib.sh"
# shellcheck source=tests/system/daemon.sh
. "$REPO/tests/system/daemon.sh"
# shellcheck source=tests/bench/common.sh
. "$REPO/tests/bench/common.sh"
WORK=$RESULTS/bench
BENCH_PORT=${BENCH_PORT:-28200}
ROUNDS=5
ENROLMENTS=3000
KEYS=3000
VMS=1000
CHANGES=3
IDLE="1000 5000"
STORM_VMS=10000
STORM_SECONDS=60
STORM_HOSTS=100
LOOP_SECONDS=2
ONLY="enrol renew keys directory idle storm sqlite"
FIRST=1
bares=0

declare -A OPTIONS=([--rounds]=ROUNDS [--only]=ONLY)
option_quick() { ROUNDS=3 ENROLMENTS=600 KEYS=600 IDLE=1000 STORM_VMS=1500 STORM_SECONDS=10 LOOP_SECONDS=1; }

wanted() { [[ " $ONLY " == *" $1 "* ]]; }

# -- servers ------------------------------------------------------------------------------------------

declare -A PID_OF=() PORT_OF=()


policyd_up() {
	policyd_start "$T/policyd" || die "policyd does not start"
	PORT_OF[policyd]=$POLICYD_PORT
}

# One host that starts VMs of two templates: `bench` is in two COIs, `fan` in one that all share.
policyd_new() {
	port_free "$BENCH_PORT" tcp tcp6 && port_free $((BENCH_PORT + 1)) tcp tcp6 || die "TCP port $BENCH_PORT or the next is in use: set BENCH_PORT"
	policyd_make "$T/policyd" "$BENCH_PORT"
	policyd_up
	{
		vmprov --store "$POLICYD_STORE" coi add bench-1 &&
			vmprov --store "$POLICYD_STORE" coi add bench-2 &&
			vmprov --store "$POLICYD_STORE" coi add fan &&
			vmprov --store "$POLICYD_STORE" template add bench cois=bench-1,bench-2 auto_create=yes &&
			vmprov --store "$POLICYD_STORE" template add fan cois=fan auto_create=yes &&
			vmprov --store "$POLICYD_STORE" host add hv1 &&
			host_enrol hv1
	} >"$T/setup" 2>&1 || die "policyd cannot be set up: $(tail -n 3 "$T/setup")"
	sleep 0.5 # the COIs' first keys
}

# bare_start NAME OPTION...
bare_start() {
	local name=$1 port=$((BENCH_PORT + 2 + bares++))
	shift
	port_free "$port" tcp tcp6 || die "TCP port $port is in use: set BENCH_PORT"
	mkdir -p "$T/$name"
	estbare serve --port "$port" --dir "$T/$name" "$@" >"$T/$name/ready" &
	PID_OF[$name]=$! PORT_OF[$name]=$port
	wait_for 10 grep -q ready "$T/$name/ready" || die "estbare does not start"
}

bare_stop() {
	[ -n "${PID_OF[$1]:-}" ] || return 0
	kill "${PID_OF[$1]}"
	wait "${PID_OF[$1]}" 2>/dev/null
	unset "PID_OF[$1]"
}

bares_stop() {
	local name
	for name in "${!PID_OF[@]}"; do bare_stop "$name"; done
}

# -- measuring ----------------------------------------------------------------------------------------

# measure SIDE ROUND MODE OPTION...: rows to the file of rounds.  Every call has VMs of its own.
measure() {
	local side=$1 round=$2 out status args=()
	shift 2
	if [ "$side" = policyd ]; then
		local name
		for name in net store signer; do args+=(--pid "$name=$(policyd_process "$name")"); done
		args+=(--pid "parent=$POLICYD_PID" --host-cert "$T/policyd/hv1.pem" --host-key "$T/policyd/hv1.key")
	else
		args=(--bare --pid "net=${PID_OF[$side]}")
	fi
	out=$(estload "$@" --server "127.0.0.1:${PORT_OF[$side]}" --first "$FIRST" --tsv "${args[@]}")
	status=$?
	FIRST=$((FIRST + 20000))
	rows "$side" "$round" "$out"
	[ "$status" -eq 0 ] || die "$side, $1: not everything was served$([ "$side" != policyd ] || tail -n 2 "$POLICYD_LOG")"
}

# rows SIDE ROUND LINES
rows() {
	local side=$1 round=$2 label rest
	while IFS=$'\t' read -r label rest; do
		[ -z "$label" ] || printf '%s\t%s\t%s\t%s\n' "$label" "$side" "$round" "$rest"
	done <<<"$3" >>"$ROUNDS_FILE"
}

# Octets in an answer that policyd gave, of the last row of LABEL.
octets() { awk -F'\t' -v label="$1" '$1 == label && $2 == "policyd" { n = $17 } END { printf "%d", n }' "$ROUNDS_FILE"; }

# in_turn WHAT SIDES MODE OPTION...
in_turn() {
	local what=$1 sides=$2 round side
	shift 2
	for ((round = 1; round <= ROUNDS; round++)); do
		note "$what: round $round of $ROUNDS"
		for side in $sides; do measure "$side" "$round" "$@"; done
	done
}

bench_enrol() { in_turn "first enrolments" "policyd bare bare-each bare-group" enrol --count "$ENROLMENTS"; }

bench_renew() {
	in_turn renewals "policyd bare" renew --count "$ENROLMENTS"
	in_turn "renewals, kept connections" "policyd bare" renew --kept --count "$ENROLMENTS"
}

bench_keys() {
	local round
	for ((round = 1; round <= ROUNDS; round++)); do
		note "COI keys: round $round of $ROUNDS"
		measure policyd "$round" keys --count "$KEYS"
		rows bare "$round" "$(estbare cms --dir "$T" --seconds "$LOOP_SECONDS")"
	done
}

bench_directory() {
	local args=(fan --count "$VMS" --changes "$CHANGES" --template fan)
	note "directory: $VMS VMs wait, $CHANGES changes"
	measure policyd 1 "${args[@]}"
	bare_start bare-fan --answer "$(octets directory)"
	measure bare-fan 1 "${args[@]}"
	[ "$ROUNDS" -le 3 ] || {
		measure policyd 2 "${args[@]}"
		measure bare-fan 2 "${args[@]}"
	}
	bare_stop bare-fan
}

# Each on a server that has just started.
bench_idle() {
	local n side certs
	for n in $IDLE; do
		for certs in '' --certs; do
			note "idle: $n connections${certs:+ with certificates}"
			policyd_stop
			policyd_up
			bare_stop bare
			bare_start bare
			# shellcheck disable=SC2086 # nothing, or one option
			for side in policyd bare; do measure "$side" 1 idle --count "$n" --vms 64 $certs; done
		done
	done
}

bench_storm() {
	note "storm: $STORM_VMS VMs in $STORM_SECONDS s"
	policyd_stop
	policyd_up
	measure policyd 1 storm --count "$STORM_VMS" --hosts "$STORM_HOSTS" --rate "$(awk "BEGIN { print $STORM_VMS / $STORM_SECONDS }")"
}

bench_sqlite() {
	local round
	for ((round = 1; round <= ROUNDS; round++)); do
		note "SQLite: round $round of $ROUNDS"
		rm -f "$T"/bare.db*
		rows bare "$round" "$(estbare sqlite --dir "$T" --seconds "$LOOP_SECONDS")"
	done
}

main() {
	local what
	options "$@"
	for what in policyd estload estbare vmprov sqlite3 curl openssl; do
		command -v "$what" >/dev/null || die "$what is missing: run make bench"
	done
	ulimit -n "$(ulimit -Hn)"
	mkdir -p "$WORK"
	ROUNDS_FILE=$WORK/policyd-rounds.tsv
	: >"$ROUNDS_FILE"
	t_begin bench
	T_CLEANUP+=(bares_stop)
	policyd_new
	measure policyd 0 enrol --count 200 # warm up; and how long an answer is
	what=$(octets enrol)
	: >"$ROUNDS_FILE"
	bare_start bare --answer "$what"
	bare_start bare-each --answer "$what" --commit each
	bare_start bare-group --answer "$what" --commit group
	for what in enrol renew keys directory storm idle sqlite; do
		! wanted "$what" || "bench_$what"
	done
	awk -v tsv="$RESULTS/bench-policyd.tsv" -f "$REPO/tests/bench/policyd.awk" "$ROUNDS_FILE"
}

main "$@"
