#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hostd.sh: how long it takes until a guest that starts has its port, and what that costs the host.
#
# Method
#   Namespaces: a switch (hostapd, driver wired, one process for two ports), a host with hostd and its bridge behind the port p1,
#   wpa_supplicant behind the port p2.  FreeRADIUS with rlm_vmprov and the store are the same for both, as are the host's
#   certificate (EAP-TLS 1.2, P-256) and hostd's settings: the presets, but for guests that are plain ports with an alias.
#   On two cores all of them share these; what is compared, is compared within one run, in turn.
#
#   exchange  a guest with an address that nobody has seen, alone; then wpa_supplicant, started anew, with another such address.
#             wire: from the EAPOL-Start to the EAP-Success, as tcpdump on the switch's port sees them.
#             port: from the EAPOL-Start to hostapd's AP-STA-CONNECTED.
#             start (hostd): from the command that makes the guest a port of the bridge to AP-STA-CONNECTED.
#             took (hostd): what hostd itself says, from EAPOL-Start to EAP-Success.
#   storm     so many guests become ports of the bridge in one go.  done: from the command's begin to the last AP-STA-CONNECTED;
#             half: to that of half of them.  CPU: of hostd's guests process for each authentication.
#   memory    VmRSS of the guests process without a guest, and with so many that are authorized.
#
# Options: --quick (a minute), --rounds N (exchanges), --storms N, --guests N (of a storm), --rest N (for memory).
#   Environment: BUILD (results), B (our programs, build/current).  Needs root: without it, it says so and does nothing.
# Output: a table; build/bench-hostd.tsv (medians), build/bench/hostd-rounds.tsv (each measurement).

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Kept when the bench runs again in namespaces: lib.sh gives BUILD another meaning.
export RESULTS=${RESULTS:-$(realpath -m "${BUILD:-$REPO/build}")}
B=${B:-$REPO/build/current}
# shellcheck source=tests/system/lib.sh
. "$REPO/tests/system/lib.sh"
# shellcheck source=tests/system/daemon.sh
. "$HERE/daemon.sh"
# shellcheck source=tests/system/server.sh
. "$HERE/server.sh"
# shellcheck source=tests/system/nas.sh
. "$HERE/nas.sh"
# shellcheck source=tests/system/virt.sh
. "$HERE/virt.sh"
# shellcheck source=tests/system/hostd.sh
. "$HERE/hostd.sh"
# shellcheck source=tests/bench/common.sh
. "$REPO/tests/bench/common.sh"
ROUNDS=40
STORMS=3
GUESTS=200
REST=1000
# shellcheck disable=SC2034 # options() goes by it
declare -A OPTIONS=([--rounds]=ROUNDS [--storms]=STORMS [--guests]=GUESTS [--rest]=REST)
option_quick() { ROUNDS=20 STORMS=1; }

row() { (IFS=$'\t' && echo "$*") >>"$ROUNDS_FILE"; }

# -- the scene ----------------------------------------------------------------------------------------
# Addresses are used once: hostapd makes one that has logged off, wait.
FIRST=10
fresh() { FIRST=$((FIRST + $1)); }

scene_make() {
	hostd_world || return 1
	world_guests 10 $((10 + 2 * ROUNDS + STORMS * GUESTS + REST))
	host_add hv1 sw1 p1
	on_switch sw1 ip link add p2 type veth peer name gp2 netns $$
	on_switch sw1 ip link set p2 up
	ip link set gp2 up
	hostapd_both || return 1
	hostd_make hv1 guests.mac_from=alias log.level=info pae.start_period= pae.max_start= pae.auth_period= pae.held_period= \
		pae.held_max= pae.silent_period=
}

# hostapd on both ports.
hostapd_both() {
	hostapd_start sw1 p1 || return 1
	hostapd_stop sw1
	sed -e 's/^interface=.*/interface=p2/' -e '/^radius_das/d' "$T/sw1.conf" >"$T/sw1.p2.conf"
	nsenter --net="/proc/${SWITCH_PID[sw1]}/ns/net" -- hostapd -t "$T/sw1.conf" "$T/sw1.p2.conf" >>"$T/sw1.log" 2>&1 &
	HOSTAPD_PID[sw1]=$!
	wait_for 5 hostapd_cli -p "$T/hostapd" -i p2 ping && wait_for 5 hostapd_cli -p "$T/hostapd" -i p1 ping
}

# connected MAC: when hostapd has let it in [s]
connected() { sed -nE "s/^([0-9.]+): p[12]: AP-STA-CONNECTED $1.*/\1/p" "$T/sw1.log" | tail -n 1; }
is_connected() { [ -n "$(connected "$1")" ]; }
connected_count() { grep -c 'p1: AP-STA-CONNECTED' "$T/sw1.log"; }
connected_are() { [ "$(connected_count)" -ge "$1" ]; }

# ports_make FIRST COUNT: of plain guests, not yet of the bridge.  ports_do FIRST COUNT COMMAND WORDS...
ports_make() {
	local n
	for ((n = $1; n < $1 + $2; n++)); do
		printf 'tuntap add dev t%d mode tap\nlink set t%d up alias "vmprov mac=%s name=vm%d"\n' "$n" "$n" "$(mac "$n")" "$n"
	done | on_host hv1 ip -batch -
}
ports_do() {
	local n first=$1 count=$2
	shift 2
	for ((n = first; n < first + count; n++)); do echo "link $1 dev t$n ${*:2}"; done | on_host hv1 ip -batch -
}

# -- measuring ----------------------------------------------------------------------------------------
# wire MAC NAME: from the last EAPOL-Start to the Success after it [ms], and when that Start was [s]
wire() {
	wire_show "$2" "ether host $1" | awk '/start \(1\)/ && !begun { begun = $1 } /Success \(3\)/ && begun && !done { done = $1 }
		END { if (done) printf "%.3f %.6f\n", (done - begun) * 1000, begun }'
}
# tcpdump may lag behind.
wire_whole() { [ -n "$(wire "$1" "$2")" ]; }
wire_wait() { wait_for 5 wire_whole "$1" "$2" || die "tcpdump has not seen the exchange of $1"; }
since() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.3f", (to - from) * 1000 }'; }

# cpu_us PROCESS: that it has used
cpu_us() { awk '{ printf "%d", $1 / 1000 }' "/proc/$1/schedstat"; }

exchange_hostd() {
	local n=$FIRST began wire_ms start_at mac
	mac=$(mac "$n")
	fresh 1
	ports_make "$n" 1
	began=$EPOCHREALTIME
	ports_do "$n" 1 set master br0
	wait_for 10 is_connected "$mac" || die "hostd's guest $mac is not let in: $(tail -n 2 "$T/hv1/hostd.log")"
	wait_for 5 auth_is hv1 sw1 "$n"
	wire_wait "$mac" p1
	read -r wire_ms start_at < <(wire "$mac" p1)
	row exchange hostd "$1" "$wire_ms" "$(since "$start_at" "$(connected "$mac")")" "$(since "$began" "$(connected "$mac")")" \
		"$(nic_field hv1 "$n" took_ms)"
	ports_do "$n" 1 del
}

exchange_wpa() {
	local n=$FIRST wire_ms start_at mac certs=$T/r/raddb/certs
	mac=$(mac "$n")
	fresh 1
	ip link set gp2 address "$mac"
	supplicant_start gp2 'eap=TLS' "identity=\"$mac\"" "ca_cert=\"$T/hv1/radius-ca.pem\"" "client_cert=\"$certs/hv1.pem\"" \
		"private_key=\"$certs/hv1.key\""
	wait_for 10 is_connected "$mac" || die "wpa_supplicant is not let in: $(tail -n 2 "$T/gp2.log")"
	wait_for 5 grep -q EAP-SUCCESS "$T/gp2.log"
	wire_wait "$mac" p2
	supplicant_stop gp2
	read -r wire_ms start_at < <(wire "$mac" p2)
	row exchange wpa_supplicant "$1" "$wire_ms" "$(since "$start_at" "$(connected "$mac")")" '' ''
}

bench_exchange() {
	local round
	note "exchanges: $ROUNDS"
	wire_start p1 "${SWITCH_PID[sw1]}" p1
	wire_start p2 "${SWITCH_PID[sw1]}" p2
	for ((round = 1; round <= ROUNDS; round++)); do
		exchange_wpa "$round"
		exchange_hostd "$round"
	done
	wire_stop p1
	wire_stop p2
}

# storm ROUND
storm() {
	local n=$FIRST had began cpu process times half
	process=$(hostd_process hv1 guests)
	fresh "$GUESTS"
	ports_make "$n" "$GUESTS"
	had=$(connected_count)
	cpu=$(cpu_us "$process")
	began=$EPOCHREALTIME
	ports_do "$n" "$GUESTS" set master br0
	wait_for 60 connected_are $((had + GUESTS)) || die "$(($(connected_count) - had)) of $GUESTS guests were let in within a minute"
	cpu=$((($(cpu_us "$process") - cpu) / GUESTS))
	mapfile -t times < <(sed -nE 's/^([0-9.]+): p1: AP-STA-CONNECTED .*/\1/p' "$T/sw1.log" | tail -n "+$((had + 1))")
	half=${times[$((GUESTS / 2 - 1))]}
	row storm hostd "$1" "$(since "$began" "$half")" "$(since "$began" "${times[-1]}")" "$cpu" "$GUESTS"
	ports_do "$n" "$GUESTS" del
}

bench_storm() {
	local round
	for ((round = 1; round <= STORMS; round++)); do
		note "$GUESTS guests at once: round $round of $STORMS"
		storm "$round"
	done
}

rss() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$(hostd_process hv1 guests)/status"; }
all_rest() { [ "$(host_count hv1 authorized)" = "$REST" ]; }

bench_memory() {
	local empty n=$FIRST left=240
	note "memory: $REST guests"
	hostd_stop hv1
	hostd_start hv1 || die "hostd does not start"
	ports_make "$n" 1
	ports_do "$n" 1 set master br0
	wait_for 10 auth_is hv1 sw1 "$n"
	# What the first authentication takes for all of them, libcrypto's tables above all, is the process's.
	empty=$(rss)
	ports_make $((n + 1)) $((REST - 1))
	ports_do $((n + 1)) $((REST - 1)) set master br0
	until all_rest; do
		((--left > 0)) || die "$(host_count hv1 authorized) of $REST guests were let in within two minutes"
		sleep 0.5
	done
	row memory hostd 1 "$empty" "$(rss)" "$REST"
}

main() {
	local what
	options "$@"
	for what in hostd vmprov-hostctl policyd hostapd wpa_supplicant tcpdump; do
		command -v "$what" >/dev/null || die "$what is missing: run make deps bench"
	done
	ROUNDS_FILE=$RESULTS/bench/hostd-rounds.tsv
	mkdir -p "$RESULTS/bench"
	: >"$ROUNDS_FILE"
	t_begin bench
	scene_make || die "the scene cannot be set up"
	hostd_start hv1 || die "hostd does not start"
	bench_exchange
	bench_storm
	bench_memory
	awk -v tsv="$RESULTS/bench-hostd.tsv" -f "$REPO/tests/bench/hostd.awk" "$ROUNDS_FILE"
}

if [ "$(id -u)" != 0 ]; then
	note 'hostd: left out: only root may make network namespaces'
	exit 0
fi
own_machine "$@"
main "$@"
