#!/bin/bash
# Messages between members that are lost, repeated, altered, replayed and forged, machines that start anew at either end, clocks that
# are wrong, and a policyd that is gone.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coi_trouble
if [ "$(id -u)" != 0 ]; then
	echo 'coi_trouble: left out: only root may make network namespaces'
	t_end
fi
MESSAGES=$((COI_PORT + 1))
endpoint_of() { wg_field "$1" "$2" endpoints; }
refused() { coid_metric "$1" vmprov_coi_messages_dropped_total; }
refused_more() { [ "$(refused "$1")" -gt "$2" ]; }
received() { coid_metric "$1" vmprov_coi_messages_received_total; }
received_more() { [ "$(received "$1")" -ge $(($2 + 100)) ]; }
# state PEERS...: what must not change: keys and addresses of web1 and app1
state() { echo "$(psk_of web1 app1) $(psk_of app1 web1) $(endpoint_of web1 app1) $(endpoint_of app1 web1) $(coid_peer app1 web1 state)"; }

coi_world || exit 1
machine_add web1 web && machine_add app1 app && machine_add web2 web && machine_add app2 app && machine_add db1 db && machine_add web3 web && machine_add web4 web || exit 1
coid_start web1 app1 web2 app2 db1 || exit 1

# -- half of them are lost
for name in web1 app1; do impair $name 50; done
ok 'half of the messages are lost: they agree' wait_for 15 pings web1 app1
flow_start lossy web1 app1 200
flow_up lossy
for epoch in 2 3; do
	vmprov --store "$POLICYD_STORE" coi rotate app >/dev/null
	ok "also on epoch $epoch" wait_for 20 coid_peer_is app1 web1 epoch $epoch
	ok 'both have it' wait_for 20 coid_peer_is web1 app1 epoch $epoch
	ok 'with one key' wait_for 10 same_psk web1 app1
done
ok 'messages were lost' test "$(on_machine app1 nft list table inet impair | sed -n 's/.*counter packets \([0-9]*\).*/\1/p')" -gt 0
for name in web1 app1; do impair $name 0; done
ok 'the flow goes on' flow_on lossy

# -- replayed, altered, from elsewhere
capture_start seen "udp port $MESSAGES"
vmprov --store "$POLICYD_STORE" coi rotate app >/dev/null
wait_for 10 coid_peer_is web1 app1 epoch 4
wait_for 10 coid_peer_is app1 web1 epoch 4
wait_for 5 same_psk web1 app1
capture_stop seen
still=$(state)
like 'all that was said, a hundred times' "$(coi-play replay "$T/seen.pcap" --port $MESSAGES --interface br0 --times 100)" '^sent [1-9][0-9][0-9]'
is 'changes nothing' "$(state)" "$still"
like 'the same from another machine' "$(coi-play replay "$T/seen.pcap" --port $MESSAGES --interface br0 --times 20 --source "$(under web2)")" '^sent [1-9][0-9]'
is 'changes nothing' "$(state)" "$still"
n=$(refused app1)
like 'with one bit altered, a hundred times' "$(coi-play replay "$T/seen.pcap" --port $MESSAGES --interface br0 --times 100 --flip)" '^sent [1-9][0-9][0-9]'
ok 'is refused' wait_for 3 refused_more app1 "$n"
is 'and changes nothing' "$(state)" "$still"

# -- forged
knows web2 # of both communities of web1, and of app1's
knows db1  # shares db with app1, and nothing with web1
for attacker in web2 db1; do
	for pair in 'web1 app1' 'app1 web1'; do
		read -r from to <<<"$pair"
		n=$(received "$to")
		like "$attacker says it was $from, to $to" "$(on_machine "$attacker" coi-play forge --world "$T/$attacker.world" --from "$from" --to "$to" --address "$(under "$to"):$MESSAGES" --times 20)" '^sent [1-9][0-9][0-9]'
		ok 'which comes' wait_for 3 received_more "$to" "$n"
		is 'and changes nothing' "$(state)" "$still"
	done
done
like 'db1 in its own name, to web1' "$(on_machine db1 coi-play forge --world "$T/db1.world" --from db1 --to web1 --address "$(under web1):$MESSAGES" --times 20)" '^sent [1-9][0-9][0-9]'
ok 'is no peer of it' has_no_peer web1 db1
for size in 1 48 100 512 1400; do
	on_machine db1 bash -c "head -c $size /dev/urandom > /dev/udp/$(under web1)/$MESSAGES"
done
is 'noise changes nothing' "$(state)" "$still"
ok 'the flow goes on' flow_on lossy
flow_stop lossy
is 'it has lost nothing in all that time' "$(flow_lost lossy)" 0

# -- started anew
for who in web1 app1; do
	flow_start again web1 app1 200
	flow_up again
	old=$(psk_of web1 app1)
	coid_stop $who KILL
	ok "coid of $who is killed: the flow goes on" flow_on again 3
	coid_start $who
	ok 'and agrees on a new key' wait_for 10 psk_is_not web1 app1 "$old"
	ok 'the flow goes on' flow_on again 3
	flow_stop again
	is 'nothing is lost' "$(flow_lost again)" 0
	rm "$T/again.flow"
	flow_start again web1 app1 200
	flow_up again
	coid_stop $who
	ok "coid of $who is stopped: the flow ends" wait_for 3 flow_silent again 500
	coid_start $who
	at=$(now_us)
	ok 'and starts' wait_for 10 flow_first_is again "$at"
	took=$((($(flow_first again "$at") - at) / 1000))
	ok "packets come within 3 s: $took ms" test "$took" -lt 3000
	flow_stop again
	rm "$T/again.flow"
done
flow_start both web1 app1 200
flow_up both
for name in web1 app1; do coid_stop $name KILL; done
coid_start web1 app1
ok 'both at once: one key' wait_for 15 same_psk web1 app1
ok 'and a flow' flow_on both
flow_stop both
is 'without loss' "$(flow_lost both)" 0

# -- clocks
# The sanitizers' runtime wants to come first.
clock="LD_PRELOAD=$([ -e "$B/nodeepbind.so" ] && echo "$(gcc -print-file-name=libasan.so):")/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 DONT_FAKE_MONOTONIC=1"
COID_ENV="$clock FAKETIME=+3m" coid_start web3
ok 'a clock that is three minutes fast' wait_for 5 pings web3 app1
coid_stop web3
COID_ENV="$clock FAKETIME=-3m" coid_start web3
ok 'and slow' wait_for 5 pings web3 app1

# -- without policyd
flow_start alone web1 app1 200
flow_up alone
policyd_stop
ok 'policyd is gone: two that have not talked before do' wait_for 5 pings web2 app2
coid_stop app1 KILL
coid_begin app1
coid_begin web4
policyd_start "$T" || exit 1
ok 'it comes again, and a coid that was started meanwhile with it' coid_wait app1
ok 'one key' wait_for 10 same_psk web1 app1
ok 'so does one that had no certificate yet' coid_wait web4
ok 'and it talks' wait_for 5 pings web4 app1
ok 'the flow goes on' flow_on alone
flow_stop alone
is 'without loss' "$(flow_lost alone)" 0
for name in web1 app1 web2 app2 db1 web3 web4; do coid_stop $name; done
t_end
