#!/bin/bash
# A host that boots many guests at once: hostd lets none starve, with replies to each guest's address and with replies to the
# group, where one conversation goes on at a time.  How long it takes is the bench's business.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_storm
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_storm: left out: only root may make network namespaces'
	t_end
fi

MANY=200
SOME=30
hostd_world || exit 1
world_guests 10 $((9 + MANY))
host_add hv1 sw1 p1
hostapd_start sw1 p1 || { cat "$T/sw1.log"; exit 1; }
hostd_make hv1 guests.mac_from=alias pae.start_period=3s pae.max_start= pae.auth_period=5s log.level=info
all_in() { [ "$(host_count hv1 authorized)" = "$1" ]; }
open_count() { switch_fdb sw1 | wc -l; }
all_open() { [ "$(open_count)" = "$1" ]; }

# missing N: what is known of those whom the switch does not let pass, to be seen when a test has failed
missing() {
	local n open
	open=$(switch_fdb sw1)
	for ((n = 10; n < 10 + $1; n++)); do
		[[ $open == *"$(mac $n)"* ]] || grep -hi "$(mac $n)" "$T/sw1.log" "$T/hv1/hostd.log" "$T/r/log/radius.log" "$T/policyd.log"
	done | tail -n 20
}

# ports_make N: so many, not yet of the bridge.  ports_do N COMMAND...: with each
ports_make() {
	local n
	for ((n = 10; n < 10 + $1; n++)); do
		printf 'link add port%d type veth peer name gport%d\nlink set gport%d up\n' $n $n $n
		printf 'link set port%d alias "vmprov mac=%s name=vm%d"\n' $n "$(mac $n)" $n
	done | on_host hv1 ip -batch -
}
ports_do() {
	local n last=$((9 + $1))
	shift
	for ((n = 10; n <= last; n++)); do echo "link $1 port$n ${*:2}"; done | on_host hv1 ip -batch -
}

ports_make $MANY || exit 1
hostd_start hv1 || exit 1
ports_do $MANY set master br0 up
ok "$MANY guests that start together are all let in" wait_for 60 all_in $MANY
ok 'as the switch sees it' wait_for 5 all_open $MANY
missing $MANY
is 'each has a session' "$(sessions "SELECT count(*) FROM session WHERE state = 'started' AND vlan = 100")" $MANY

# -- hostd comes again: all of them once more, and none falls out between
before=$(grep -c AP-STA-DISCONNECTED "$T/sw1.log")
stamp=$(sessions 'SELECT max(authorized_at) FROM session')
hostd_stop hv1 KILL
wait_for 2 test "$(date +%s)" -gt "$stamp"
again() { [ "$(sessions "SELECT count(*) FROM session WHERE authorized_at > $stamp")" = $MANY ]; }
hostd_start hv1
ok 'hostd is killed and comes again: all authenticate anew' wait_for 60 again
is 'none was out meanwhile' "$(grep -c AP-STA-DISCONNECTED "$T/sw1.log")" "$before"

# -- an impatient operator: each waits for its turn, is begun, and asked for again
metric() { on_host hv1 curl -s http://127.0.0.1:8481/metrics | awk -v name="$1" '$1 ~ "^" name "([{]|$)" { n += $2 } END { printf "%d", n }'; }
at_rest() { [ "$(metric vmprov_hostd_uplink_running)" = 0 ] && [ "$(metric vmprov_hostd_uplink_queued)" = 0 ]; }
for ((n = 0; n < 20; n++)); do hostctl hv1 reauth --all >/dev/null; done
ok 'all are asked for twenty times: it comes to rest' wait_for 60 at_rest
ok 'with all of them in' wait_for 20 all_in $MANY
# hostapd has 256 identifiers towards RADIUS.  When they run out it closes a port without a word, and hostd begins anew only
# when nobody has answered it for auth_period.
ok 'as the switch sees it' wait_for 60 all_open $MANY

# -- all stop together
ports_do $MANY del
ok 'they stop together: the switch has nobody any more' wait_for 20 all_open 0
none_left() { [ "$(sessions 'SELECT count(*) FROM session')" = 0 ]; }
ok 'no session is left' wait_for 40 none_left
ok 'hostd knows nobody' wait_for 5 all_in 0
like 'hostd lives' "$(hostctl hv1 status --json | tr -d ' \n')" uplink0
hostd_stop hv1

# -- a switch that answers the group
hostapd_stop sw1
HOSTAPD_LINES=use_pae_group_addr=1 hostapd_start sw1 p1
ports_make $SOME
hostd_start hv1
ports_do $SOME set master br0 up
ok "$SOME guests at a switch that answers the group" wait_for 60 all_in $SOME
ok 'are in, as the switch sees it' wait_for 5 all_open $SOME
is 'each with a session of its own' "$(sessions 'SELECT count(DISTINCT mac) FROM session')" $SOME
hostd_stop hv1

# -- limits, for a switch that cannot take many at a time
hostapd_stop sw1
hostapd_start sw1 p1
# limited RATE WINDOW: all of them, with these, and what was on the wire
limited() {
	local name=rate$1
	hostd_stop hv1
	hostd_set hv1 "uplink uplink0.rate=$1" "uplink uplink0.window=$2"
	wire_start "$name" "$(host_pid hv1)" uplink0
	hostd_start hv1
	ok "$SOME guests with a rate of $1 and a window of $2" wait_for 60 all_in $SOME
	wire_stop "$name"
}
limited 20 32
most=$(wire_show rate20 | awk '/start \(1\)/ { at[++n] = $1; while (at[n] - at[first + 1] > 1) first++; if (n - first > most) most = n - first }
	END { print most + 0 }')
ok "about 20 EAPOL-Starts a second: $most" [ "$most" -ge 15 -a "$most" -le 28 ]
limited 1000 4
most=$(wire_show rate1000 | awk '/start \(1\)/ && !($2 in on) { on[$2]; n++ } /Success \(3\)/ && ($3 in on) { delete on[$3]; n-- } n > most { most = n }
	END { print most + 0 }')
is 'four conversations at a time, and no more' "$most" 4
hostd_stop hv1
t_end
