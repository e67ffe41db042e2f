#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# coi.sh: what communities cost: beside the same WireGuard, configured by hand.
#
# Method
#   Namespaces on one bridge, as in tests/system/coi.sh: policyd, machines with coid, and two machines with the same wireguard-go and
#   a preshared key, but neither coid nor its routes and tables.  All share the machine's processors; what is compared, is compared
#   within one run, in turn, and each round has each of them twice.  Medians; a ratio is the median of the ratios within each round.
#   Below 10 % it is noise on a machine that does anything else.
#
#   stream    iperf3 over TCP and IPv6 inside, one stream, so many seconds each.  CPU: of coid, wireguard-go and iperf3, at both ends,
#             for each MiB that came; it suffers less from whatever else the machine does.
#   latency   ping, 200 a second; the median of each round.
#   change    a flow of 1,000 packets a second to a member that policy.db takes out of the community, and in again.  out: from before
#             sqlite3 starts to the last packet that came; in: to the first one.  What sqlite3 itself takes is in it.
#   rotate    the keys of the community are changed once a second under 1,000 packets a second each way; by hand: the preshared key
#             at the one end, then at the other.  Packets that have not come.
#   fleet     so many machines, each talking with the next two; then a new epoch.  From before `vmprov coi rotate` starts to the last
#             end that has agreed on a key of it, by the machines' logs, and to half of them.  Then one of them talks to all others:
#             VmRSS of its coid and of its wireguard-go before and after.  Processes of all machines share the processors.
#             Each wireguard-go takes one of fs.inotify.max_user_instances (128), which all of root's processes share.
#   memory    VmRSS of a coid that knows so many machines.
#
# Options: --quick (a minute), --rounds N, --seconds S (each), --fleet N, --known "10 1000 10000", --only "stream latency change rotate
#   fleet memory".  Environment: BUILD (results), B (our programs, build/current).  Needs root: without it, it says so and does
#   nothing.
# Output: a table; build/bench-coi.tsv (medians), build/bench/coi-rounds.tsv (each measurement).

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Kept when the bench runs again in namespaces: lib.sh gives BUILD another meaning.
export RESULTS=${RESULTS:-$(realpath -m "${BUILD:-$REPO/build}")}
B=${B:-$REPO/build/current}
# shellcheck source=tests/system/lib.sh
. "$REPO/tests/system/lib.sh"
# shellcheck source=tests/system/daemon.sh
. "$HERE/daemon.sh"
# shellcheck source=tests/system/nas.sh
. "$HERE/nas.sh"
# shellcheck source=tests/system/virt.sh
. "$HERE/virt.sh"
# shellcheck source=tests/system/coi.sh
. "$HERE/coi.sh"
# shellcheck source=tests/bench/common.sh
. "$REPO/tests/bench/common.sh"
ROUNDS=5
SECONDS_EACH=3
CHANGES=9
FLEET=100
KNOWN='10 1000 10000'
TOGETHER=8
ONLY='stream latency change rotate fleet memory'
# shellcheck disable=SC2034 # options() goes by it
declare -A OPTIONS=([--rounds]=ROUNDS [--seconds]=SECONDS_EACH [--fleet]=FLEET [--known]=KNOWN [--only]=ONLY)
option_quick() { ROUNDS=3 SECONDS_EACH=1 CHANGES=3 FLEET=20 KNOWN='10 1000 5000'; }

row() { (IFS=$'\t' && echo "$*") >>"$ROUNDS_FILE"; }
wanted() { [[ " $ONLY " == *" $1 "* ]]; }
# memory PID [KiB]
memory() { awk '$1 == "VmRSS:" {print $2}' "/proc/$1/status"; }
# The process of this name that runs there.
process_of() {
	local net
	net=$(readlink "/proc/${MACHINE_PID[$1]}/ns/net")
	for pid in $(pgrep -x "$2"); do [ "$(readlink "/proc/$pid/ns/net")" != "$net" ] || echo "$pid"; done | head -n 1
}

# As wait_for, for what takes a while to ask.
until_clock() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# -- the scene ----------------------------------------------------------------------------------------
# Of `by hand`: addresses fd77::N.  wireguard-go is in a session of its own, as coid starts it: the kernel shares its processors out
# between sessions.
hand_make() {
	local name
	wg genpsk >"$T/psk"
	for name in hand1 hand2; do
		machine_space $name && machine_link $name || return 1
		on_machine $name sh -c 'mkdir -p /run/wireguard && setsid wireguard-go vmprov0 >/dev/null 2>&1' || return 1
		wg genkey >"$T/$name/private"
		on_machine $name wg set vmprov0 private-key "$T/$name/private" listen-port "$COI_PORT" || return 1
		printf '%s\n' "address add $(hand_at $name)/64 dev vmprov0 nodad" 'link set vmprov0 mtu 1420 up' | on_machine $name ip -batch - || return 1
	done
	hand_key hand1 hand2 && hand_key hand2 hand1
}
hand_at() { echo "fd77::${MACHINE_N[$1]}"; }
hand_key() {
	on_machine "$1" wg set vmprov0 peer "$(wg_key "$2")" preshared-key "$T/psk" endpoint "$(under "$2"):$COI_PORT" \
		allowed-ips "$(hand_at "$2")/128"
}
# As coid does: the one end, then the other.
hand_rotate() {
	wg genpsk >"$T/psk"
	hand_key hand2 hand1
	hand_key hand1 hand2
}

scene_make() {
	coi_world coi.grace=2s && hand_make || return 1
	machine_add vm1 admin log.level=debug && machine_add vm2 admin log.level=debug && coid_start vm1 vm2 || return 1
	pings vm1 vm2 10
}

# Who sends, to which address: FROM and AT of coid or hand.
ends() {
	case $1 in
	coid) FROM=vm1 TO=vm2 AT=$(inner vm2) ;;
	hand) FROM=hand1 TO=hand2 AT=$(hand_at hand2) ;;
	esac
}
# both ROUND COMMAND: COMMAND coid, COMMAND hand, and once more the other way round, so that what drifts is the same for both.
both() {
	local who
	for who in coid hand hand coid; do "$2" $who "$1"; done
}

# -- measuring ----------------------------------------------------------------------------------------
# [us] of coid and wireguard-go at both ends
cpu_of() {
	local name program pid
	for name in "$FROM" "$TO"; do
		for program in coid wireguard-go; do
			pid=$(process_of "$name" $program)
			[ -z "$pid" ] || awk -v hertz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) * 1000000 / hertz}' "/proc/$pid/stat"
		done
	done | awk '{us += $1} END {printf "%d\n", us}'
}
# iperf3's own share of the processors is in percent.
stream() {
	local before figures
	ends "$1"
	before=$(cpu_of)
	figures=$(on_machine "$FROM" iperf3 -6 -c "$AT" -t "$SECONDS_EACH" -J | awk -F '[:,]' '
		/"sum_received"/ {at = 1}
		at && /"(seconds|bytes|bits_per_second)"/ {gsub(/[" \t]/, "", $1); v[$1] = $2}
		/"(host|remote)_total"/ {share += $2}
		/"sum_sent"/ {at = 0}
		END {printf "%.1f\t%d\t%d\n", v["bits_per_second"] / 1e6, v["bytes"], share / 100 * v["seconds"] * 1e6}')
	[ "$(cut -f 2 <<<"$figures")" -gt 0 ] || die "iperf3, $1: nothing came"
	row stream "$1" "$2" "$(awk -v us="$(($(cpu_of) - before))" '{printf "%s\t%.2f\n", $1, (us + $3) * 1048576 / $2}' <<<"$figures")"
}
bench_stream() {
	local round name
	for name in vm2 hand2; do machine_run $name iperf3 -6 -s >/dev/null 2>&1; done
	for name in vm2 hand2; do wait_for 5 on_machine $name sh -c "ss -Hltn 'sport = :5201' | grep -q ." || die 'iperf3 does not start'; done
	for ((round = 1; round <= ROUNDS; round++)); do
		note "stream: round $round of $ROUNDS"
		both "$round" stream
	done
}

latency() {
	ends "$1"
	row latency "$1" "$2" "$(on_machine "$FROM" busybox ping -i 0.005 -c $((SECONDS_EACH * 200)) "$AT" |
		sed -nE 's/.*time=([0-9.]+) ms/\1/p' | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)] * 1000, v[int(NR * 0.99 + 0.5)] * 1000}' OFS='\t')"
}
bench_latency() {
	local round
	note "latency: $ROUNDS rounds"
	for ((round = 1; round <= ROUNDS; round++)); do both "$round" latency; done
}

bench_change() {
	local round at out
	note "change: $CHANGES times out and in"
	flow_start change vm1 vm2 1000
	flow_up change || die 'no packet comes'
	for ((round = 1; round <= CHANGES; round++)); do
		at=$(now_us)
		cois vm2
		wait_for 5 flow_silent change 300 || die 'a member that is out still gets packets'
		out=$(($(flow_last change) - at))
		wait_for 5 has_no_peer vm2 vm1
		at=$(now_us)
		cois vm2 admin
		wait_for 10 flow_first_is change "$at" || die 'a member that is in again gets no packets'
		row change coid "$round" "$(awk -v out="$out" -v in_="$(($(flow_first change "$at") - at))" 'BEGIN {printf "%.1f\t%.1f", out / 1000, in_ / 1000}')"
	done
	flow_stop change
}

bench_rotate() {
	local round flow epoch
	note "rotate: $ROUNDS times"
	flow_start there vm1 vm2 1000 && flow_start back vm2 vm1 1000
	FLOW_TO=$(hand_at hand2) flow_start hand_there hand1 hand2 1000
	FLOW_TO=$(hand_at hand1) flow_start hand_back hand2 hand1 1000
	for flow in there back hand_there hand_back; do flow_up $flow || die "flow $flow: no packet comes"; done
	for ((round = 1; round <= ROUNDS; round++)); do
		vmprov --store "$POLICYD_STORE" coi rotate admin >/dev/null
		hand_rotate
		wait_for 10 at_epoch admin vm1 vm2 || die 'a new epoch is not agreed on'
		sleep 1
	done
	for flow in there back hand_there hand_back; do flow_stop $flow; done
	row rotate coid 1 "$(($(flow_lost there) + $(flow_lost back)))" "$(($(flow_count there) + $(flow_count back)))"
	row rotate hand 1 "$(($(flow_lost hand_there) + $(flow_lost hand_back)))" "$(($(flow_count hand_there) + $(flow_count hand_back)))"
}

# -- many ---------------------------------------------------------------------------------------------
fleet_joined() { grep -q '"event":"keys-fetched"' "$T/$1/coid.log"; }
fleet_knows() { [ "$(grep -c ' vm[0-9]' "$T/$1/hosts")" -ge $((FLEET - 1)) ]; }
fleet_wait() { wait_for 60 "$1" "$2" || die "$2 ${1#fleet_} nothing after a minute: $(tail -n 1 "$T/$2/coid.log")"; }
fleet_make() {
	local n
	for ((n = 3; n <= FLEET; n++)); do
		machine_add "vm$n" admin log.level=debug || die "vm$n cannot be made"
		coid_begin "vm$n"
		((n <= 2 + TOGETHER)) || fleet_wait fleet_joined "vm$((n - TOGETHER))"
	done
	for ((n = 1; n <= FLEET; n++)); do fleet_wait fleet_joined "vm$n" && fleet_wait fleet_knows "vm$n"; done
}
fleet_talk() {
	local n k asking=()
	for ((n = 1; n <= FLEET; n++)); do
		for k in 0 1; do
			pings "vm$n" "vm$(((n + k) % FLEET + 1))" 10 &
			asking+=($!)
		done
		[ ${#asking[@]} -lt $TOGETHER ] || { wait "${asking[@]}"; asking=(); }
	done
	[ ${#asking[@]} = 0 ] || wait "${asking[@]}"
}
# When each end agreed under this epoch for the first time [ms since 1970], in order.
fleet_agreed() {
	local n files=()
	for ((n = 1; n <= FLEET; n++)); do files+=("$T/vm$n/coid.log"); done
	grep '"event":"key-agreed"' "${files[@]}" | grep -F "\"epoch\":\"$1\"" |
		sed -E 's|^([^:]*):.*"time":"([^"]*)".*"name":"([^"]*)".*|\2 \1 \3|' | awk '!(($2, $3) in seen) {seen[$2, $3]; print $1}' |
		date -f - +%s%3N | sort -n
}
fleet_all() { [ "$(fleet_agreed "$1" | wc -l)" -ge $((FLEET * 4)) ]; }
bench_fleet() {
	local at began epoch coid wg
	note "fleet: $FLEET machines start"
	fleet_make
	note 'fleet: each talks with the next two'
	fleet_talk
	epoch=$(($(epoch_of admin) + 1))
	began=$(now_us)
	vmprov --store "$POLICYD_STORE" coi rotate admin >/dev/null
	until_clock 60 fleet_all "$epoch" || die "a new epoch: $(fleet_agreed "$epoch" | wc -l) of $((FLEET * 4)) ends agree"
	fleet_agreed "$epoch" | head -n $((FLEET * 4)) | awk -v at="$((began / 1000))" -v n="$FLEET" '{v[NR] = $1 - at} END {print "fleet", "coid", n, v[int(NR / 2)], v[NR]}' OFS='\t' >>"$ROUNDS_FILE"
	note 'fleet: one talks with all'
	coid=$(memory "$(process_of vm1 coid)") wg=$(memory "$(process_of vm1 wireguard-go)") before=$(peers_of vm1 | wc -w)
	for ((at = 2; at <= FLEET; at++)); do pings vm1 "vm$at" 10; done
	row peers coid "$(($(peers_of vm1 | wc -w) - before))" $(($(memory "$(process_of vm1 coid)") - coid)) $(($(memory "$(process_of vm1 wireguard-go)") - wg))
}

# Machines that are in policy.db alone: known_add FIRST LAST.  One that coid has asked nothing of costs it no more than a real one.
known_add() {
	sql "BEGIN;
		CREATE TEMP TABLE new AS WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) SELECT i, 0x020000000000 + i AS mac FROM n;
		INSERT INTO vm (mac, name, tenant_id, enclave_id) SELECT new.mac, 'known' || i, template.tenant_id, template.enclave_id
			FROM new, template WHERE template.name = 'admin';
		INSERT INTO member (mac, coi_id) SELECT mac, coi.id FROM new, coi WHERE coi.name = 'admin';
		INSERT INTO inner4 (mac, address) SELECT mac, 100000 + i FROM new;
		INSERT INTO guest (mac, uuid, template_id, wg_key, endpoint)
			SELECT mac, printf('22222222-2222-4333-8444-%012d', i), template.id, printf('BENCH%037d0=', i), printf('10.200.%d.%d:51820', i / 250, 1 + i % 250)
			FROM new, template WHERE template.name = 'admin';
		COMMIT"
}
known_is() { [ "$(coid_metric vm1 vmprov_coi_machines)" -ge "$1" ]; }
bench_memory() {
	local n had=0
	for n in $KNOWN; do
		note "memory: $n machines"
		known_add $((had + 1)) "$n"
		had=$n
		wait_for 60 known_is "$n" || die "coid does not know $n machines: $(coid_metric vm1 vmprov_coi_machines)"
		coid_stop vm1 # what the way there took is not measured
		coid_start vm1
		wait_for 60 known_is "$n" || die "coid does not know $n machines"
		row memory coid "$n" "$(memory "$(process_of vm1 coid)")"
	done
}

main() {
	local what
	options "$@"
	for what in coid coiflow policyd wireguard-go wg iperf3 busybox vmprov; do
		command -v "$what" >/dev/null || die "$what is missing: run make deps bench"
	done
	ROUNDS_FILE=$RESULTS/bench/coi-rounds.tsv
	mkdir -p "$RESULTS/bench"
	: >"$ROUNDS_FILE"
	umask 077
	t_begin bench
	scene_make || die "the scene cannot be set up"
	for what in stream latency change rotate fleet memory; do
		! wanted $what || bench_$what
	done
	awk -v tsv="$RESULTS/bench-coi.tsv" -f "$REPO/tests/bench/coi.awk" "$ROUNDS_FILE"
}

if [ "$(id -u)" != 0 ]; then
	note 'coi: left out: only root may make network namespaces'
	exit 0
fi
own_machine "$@"
main "$@"
