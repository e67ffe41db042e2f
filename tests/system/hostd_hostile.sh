#!/bin/bash
# A switch, or somebody beside it, that sends what it should not (tests/system/eapol_play.c): guests that are in stay in, the others
# come in when it is over, hostd lives and has counted what it threw away.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_hostile
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_hostile: left out: only root may make network namespaces'
	t_end
fi

hostd_world || exit 1
host_add hv1 sw1 p1
hostapd_start sw1 p1 || { cat "$T/sw1.log"; exit 1; }
hostd_make hv1 guests.mac_from=alias pae.auth_period=2s log.level=info
guests=9

# play SECONDS RATE ACT...: towards all guests
play() {
	local seconds=$1 rate=$2
	shift 2
	on_switch sw1 eapol-play p1 "$(mac 1)" "$guests" "$seconds" "$rate" "${SEED:-1}" "$@"
}
# ports FIRST LAST: guests with an alias alone
ports() {
	local n
	for ((n = $1; n <= $2; n++)); do
		printf 'link add t%d type veth peer name gt%d\nlink set gt%d up\n' $n $n $n
		printf 'link set t%d alias "vmprov mac=%s name=vm%d"\nlink set t%d master br0 up\n' $n "$(mac $n)" $n $n
	done | on_host hv1 ip -batch -
}
unports() { for ((n = $1; n <= $2; n++)); do echo "link del t$n"; done | on_host hv1 ip -batch -; }
in_count() {
	local n count=0
	for ((n = $1; n <= $2; n++)); do if auth_is hv1 sw1 "$n"; then count=$((count + 1)); fi; done
	echo $count
}
all_in() { [ "$(in_count "$1" "$2")" = $(($2 - $1 + 1)) ]; }
metric() { on_host hv1 curl -s http://127.0.0.1:8481/metrics | awk -v name="$1" '$1 ~ "^" name "([{]|$)" { n += $2 } END { printf "%d", n }'; }
lives() { hostctl hv1 status >/dev/null && [ "$(hostd_process hv1 guests)" = "$process" ]; }

hostd_start hv1 || exit 1
process=$(hostd_process hv1 guests)
ports 1 4
ok 'four guests are let in' wait_for 10 all_in 1 4

# -- nothing that is not an answer to what they have said moves them
out=$(grep -c AP-STA-DISCONNECTED "$T/sw1.log")
sum=$(play 3 3000 malformed codes success failure)
like 'a switch sends nonsense, and Success and Failure that nobody asked for' "$sum" '^sent [1-9][0-9]{3,}'
ok 'they stay in' all_in 1 4
is 'nor has the switch put any of them out' "$(grep -c AP-STA-DISCONNECTED "$T/sw1.log")" "$out"
ok 'hostd lives' lives
ok 'and has counted what it ignored' [ "$(metric vmprov_hostd_frames_ignored_total)" -gt 1000 ]

# -- guests authenticate amidst all of it
play 4 500 malformed codes success failure mutate >/dev/null &
player=$!
ports 5 9
wait $player
ok 'guests that start amidst such frames are let in at last' wait_for 30 all_in 1 9
ok 'hostd lives' lives

# -- conversations that others begin and nobody ends, all methods, TLS that is none
play 4 300 identity methods tls >/dev/null
ok 'requests of every kind: hostd lives' lives
ok 'when it is over all are in again' wait_for 40 all_in 1 9

# -- as fast as it goes
unports 5 9
like 'a flood' "$(play 3 50000 malformed codes success failure identity methods tls)" '^sent [1-9][0-9]{4,}'
ok 'hostd answers its operator' lives
[ -n "${SAN:-}" ] || ok 'and has not grown' [ "$(awk '/^VmRSS/ {print $2}' "/proc/$process/status")" -lt 60000 ]
ok 'when it is over all are in again' wait_for 40 all_in 1 4

# -- an authenticator that never comes to an end
hostapd_stop sw1
hostctl hv1 reauth --all >/dev/null
like 'a server whose first message has no end' "$(play 6 0 endless)" 'heard [1-9][0-9]'
ok 'hostd lives' lives
[ -n "${SAN:-}" ] || ok 'and has not grown' [ "$(awk '/^VmRSS/ {print $2}' "/proc/$process/status")" -lt 60000 ]
hostapd_start sw1 p1
ok 'a good switch in its place: all are in again' wait_for 40 all_in 1 4
like 'hostd is the one that was started' "$(hostd_process hv1 guests)" "^$process$"
hostd_stop hv1
t_end
