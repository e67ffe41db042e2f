#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# coa.sh: how long it takes until the NAS hears of a change in policy.db.
#
# Method
#   policyd runs as its processes, on loopback, with presets, from a scratch directory.  The NASes are das: it
#   answers each Disconnect or CoA with an ACK, and writes down when each request came.  Sessions are written
#   into session.db by sqlite3, as ones that were authorized with the policy before and have started.
#   Policies are changed by sqlite3 as an administrator would.  Times begin before sqlite3 is started and so
#   include it, and end when the NAS has read the request.  policyd looks for changes ten times a second.
#
#   edit    the vlan of one VM with a session, one VM after the other, at random moments.
#   one     the vlan of a COI: all its members, 10,000, have sessions on one NAS.
#   ten     the same with the sessions on ten NASes, a thousand each.
#           first, half, last: until so many VMs' requests have come; done: until the last answer is durable in
#           policy.db.  The preset rate of policyd, which this cannot beat on one NAS, is printed.
#   again   requests for a VM that had come before: retransmissions, and Disconnects after a CoA.
#   CPU     of the store and of the coa process for each session [us].
#
# Options: --quick (under a minute), --edits N, --vms N, --rounds N.  Environment: BUILD (results), B (our
#   programs, build/current), BENCH_PORT (first of some ports, 28220).
# Output: a table; build/bench-coa.tsv (medians), build/bench/coa-rounds.tsv (each measurement).

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RESULTS=$(realpath -m "${BUILD:-$REPO/build}")
B=${B:-$REPO/build/current}
# shellcheck source=tests/system/lib.sh
. "$REPO/tests/system/lib.sh"
# shellcheck source=tests/system/daemon.sh
. "$REPO/tests/system/daemon.sh"
# shellcheck source=tests/bench/common.sh
. "$REPO/tests/bench/common.sh"
BENCH_PORT=${BENCH_PORT:-28220}
DAS_PORT=$((BENCH_PORT + 2))
DAS_SECRET=testing123
ROUNDS=3
EDITS=50
VMS=10000
SPREAD=10
FIRST_MAC=525400000000
EDIT_MAC=525401000000
VLAN=99

declare -A OPTIONS=([--edits]=EDITS [--vms]=VMS [--rounds]=ROUNDS)
option_quick() { ROUNDS=1 EDITS=30; }

# -- the scene ----------------------------------------------------------------------------------------

das_start() {
	local i args=()
	for ((i = 0; i < SPREAD; i++)); do args+=(--listen "127.0.0.$((i + 2)):$DAS_PORT"); done
	das "${args[@]}" --secret "$DAS_SECRET" --do ack --log "$T/das.log" &
	DAS_PID=$!
	T_CLEANUP+=(das_stop)
	wait_for 5 test -e "$T/das.log" || die "das does not start"
}

das_stop() { kill "$DAS_PID" 2>/dev/null; }

# COI `bench` of all who are changed at once, COI `edit` of those who are changed one by one.
vms_csv() {
	local n
	echo mac,name,cois
	for ((n = 0; n < VMS; n++)); do printf '%012x,vm%d,bench\n' $((0x$FIRST_MAC + n)) "$n"; done
	for ((n = 0; n < EDITS; n++)); do printf '%012x,edit%d,edit\n' $((0x$EDIT_MAC + n)) "$n"; done
}

policy_make() {
	local i
	vmprov --store "$POLICYD_STORE" init &&
		sql "INSERT INTO coi (name, vlan) VALUES ('bench', 99), ('edit', 99)" &&
		vms_csv >"$T/vms.csv" &&
		vmprov --store "$POLICYD_STORE" import "$T/vms.csv" || return 1
	for ((i = 0; i < SPREAD; i++)); do
		vmprov --store "$POLICYD_STORE" nas add "leaf$i" "address=127.0.0.$((i + 2))" dialect=rfc "coa_port=$DAS_PORT" || return 1
	done
	[ "$(id -u)" != 0 ] || chown -R daemon "$T/policyd/state"
}

# The same records where nobody watches, and a session: what a NAS is told with a given VLAN.
shadow_make() {
	mkdir "$T/shadow" && sql ".backup $T/shadow/policy.db" && cp "${POLICYD_STORE%/*}/session.db" "$T/shadow/" &&
		SESSIONS=$T/shadow/session.db sessions_add "$FIRST_MAC" 1 1 99 1
}

# told VLAN: the digest of the policy, as session.db has it
told() {
	local hex
	sqlite3 "$T/shadow/policy.db" "UPDATE coi SET vlan = $1"
	hex=$(vmprov --store "$T/shadow/policy.db" --json session show vm0 | sed -n '/"now":/,/}/ s/.*"policy": *"\([0-9a-f]*\)".*/\1/p')
	[ -n "$hex" ] || die "vmprov session show does not tell the policy"
	echo $((16#$hex))
}

# All that came before is followed: what is measured has the daemon to itself.
followed() {
	[ "$(sql "SELECT (SELECT change_id FROM coa_follow) = (SELECT max(id) FROM change) AND NOT EXISTS (SELECT 1 FROM coa_scan)
		AND NOT EXISTS (SELECT 1 FROM coa_job WHERE finished_at IS NULL)")" = 1 ]
}

settled() { wait_for 30 followed || die "policyd does not follow the changes: $(tail -n 2 "$POLICYD_LOG")"; }

scene_make() {
	port_free "$BENCH_PORT" tcp udp && port_free $((BENCH_PORT + 1)) tcp udp && port_free "$DAS_PORT" tcp udp ||
		die "port $BENCH_PORT or one of the next two is in use: set BENCH_PORT"
	policyd_make "$T/policyd" "$BENCH_PORT"
	(umask 077 && printf '[default]\nsecret = %s\n' "$DAS_SECRET" >"$T/policyd/nas-secrets.conf")
	{ policy_make && shadow_make; } >"$T/setup" 2>&1 || die "the store cannot be set up: $(tail -n 3 "$T/setup")"
	das_start
	policyd_start "$T/policyd" || die "policyd does not start"
	SESSIONS=${POLICYD_STORE%/*}/session.db
}

# sessions_add FIRST COUNT NASES VLAN DIGEST: as after an Access-Accept and a Start, each on a port of its own.
sessions_add() {
	sqlite3 -bail -cmd '.timeout 10000' "$SESSIONS" >/dev/null <<-EOF || die "no sessions can be written"
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2),
		m(i, mac, text) AS (SELECT i, $((0x$1)) + i, printf('%012x', $((0x$1)) + i) FROM n)
		INSERT OR REPLACE INTO session (mac, state, token, nas, nas_port, nas_ip, user_name, calling_station_id, acct_session_id,
			vlan, policy, authorized_at, since, updated_at)
		SELECT mac, 'started', abs(random()), '127.0.0.' || (2 + i % $3), i, '127.0.0.' || (2 + i % $3), text,
			upper(substr(text, 1, 2) || '-' || substr(text, 3, 2) || '-' || substr(text, 5, 2) || '-' || substr(text, 7, 2) || '-' ||
			substr(text, 9, 2) || '-' || substr(text, 11, 2)),
			'S' || text, $4, $5, unixepoch(), unixepoch(), unixepoch() FROM m;
	EOF
}

# -- measuring ----------------------------------------------------------------------------------------

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

row() { (IFS=$'\t' && echo "$*") >>"$ROUNDS_FILE"; }

station() { printf '%012X' "$1" | sed 's/../&-/g; s/-$//'; }

bench_edit() {
	local n mac began line
	note "edits: $EDITS"
	settled
	sessions_add "$EDIT_MAC" "$EDITS" 1 99 "$(told 99)"
	for ((n = 0; n < EDITS; n++)); do
		sleep "0.$((RANDOM % 200 + 100))"
		mac=$((0x$EDIT_MAC + n))
		began=$(now_ms)
		sql "UPDATE vm SET vlan = $((1000 + n)) WHERE mac = $mac" || die "the VM's vlan cannot be changed"
		wait_for 10 grep -q "Calling-Station-Id=$(station "$mac") " "$T/das.log" || die "no request came for an edit"
		line=$(grep -m 1 "Calling-Station-Id=$(station "$mac") " "$T/das.log")
		[ "${line%% *}" -ge "$began" ] || die "a request came before its edit"
		row edit "$((n + 1))" $((${line%% *} - began))
	done
}

# ticks PROCESS: of CPU, user and system
ticks() {
	local stat
	read -r stat <"/proc/$(policyd_process "$1")/stat"
	read -ra stat <<<"${stat##*) }"
	echo $((stat[11] + stat[12]))
}

# all_done JOB: waits until VMS jobs behind it are finished; asks seldom, because that takes the CPU too.
all_done() {
	local tries=0
	until [ "$(sql "SELECT count(*) FROM coa_job WHERE finished_at IS NOT NULL AND id > $1")" -ge "$VMS" ]; do
		((++tries < 400)) || return 1
		sleep 0.25
	done
}

# When each VM's first request came, from the line FROM of das's log on: first, half and last [ms after BEGAN], VMs, again.
arrivals() {
	tail -n "+$1" "$T/das.log" | awk -v began="$2" -v want="$VMS" '
		{ station = ""; for (i = 1; i <= NF; i++) if ($i ~ /^Calling-Station-Id=/) station = $i }
		station == "" { next }
		station in seen { again++; next }
		{ seen[station]; at = $1 - began; if (++n == 1) first = at; if (n <= want / 2) half = at; last = at }
		END { printf "%d %d %d %d %d", first, half, last, n, again }'
}

# storm LABEL NASES ROUND
storm() {
	local began from job hertz store coa done_ms result
	hertz=$(getconf CLK_TCK)
	settled
	sessions_add "$FIRST_MAC" "$VMS" "$2" "$VLAN" "$(told "$VLAN")"
	job=$(sql 'SELECT coalesce(max(id), 0) FROM coa_job')
	from=$(($(wc -l <"$T/das.log") + 1))
	store=$(ticks store) coa=$(ticks coa) began=$(now_ms)
	sql "UPDATE coi SET vlan = $((++VLAN)) WHERE name = 'bench'" || die "the COI's vlan cannot be changed"
	all_done "$job" || die "$1: not all is done after two minutes: $(tail -n 2 "$POLICYD_LOG")"
	done_ms=$(($(now_ms) - began))
	store=$((($(ticks store) - store) * 1000000 / hertz / VMS)) coa=$((($(ticks coa) - coa) * 1000000 / hertz / VMS))
	read -ra result < <(arrivals "$from" "$began"; echo)
	[ "${result[0]}" -ge 0 ] || die "$1: a request came before the edit"
	[ "${result[3]}" -eq "$VMS" ] || die "$1: requests came for ${result[3]} of $VMS VMs"
	row "$1" "$3" "${result[@]}" "$done_ms" "$store" "$coa"
}

bench_storm() {
	local round
	for ((round = 1; round <= ROUNDS; round++)); do
		note "one COI edit, $VMS sessions on one NAS, then on $SPREAD: round $round of $ROUNDS"
		storm one 1 "$round"
		storm ten "$SPREAD" "$round"
	done
}

main() {
	local what
	options "$@"
	for what in policyd das vmprov sqlite3 curl; do
		command -v "$what" >/dev/null || die "$what is missing: run make bench"
	done
	ROUNDS_FILE=$RESULTS/bench/coa-rounds.tsv
	mkdir -p "$RESULTS/bench"
	: >"$ROUNDS_FILE"
	t_begin bench
	scene_make
	bench_edit
	bench_storm
	awk -v vms="$VMS" -v rate="$(sed -n 's/.*NUM("coa", "rate".*, "\([0-9]*\)".*/\1/p' "$REPO/policyd/config.c")" \
		-v tsv="$RESULTS/bench-coa.tsv" -f "$REPO/tests/bench/coa.awk" "$ROUNDS_FILE"
}

main "$@"
