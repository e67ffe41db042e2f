#!/bin/bash
# Two uplinks, each with a bridge of its own, towards two switches; and one that goes down, is deleted and made again, changes its
# bridge.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_uplinks
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_uplinks: left out: only root may make network namespaces'
	t_end
fi

hostd_world sw1 sw2 || exit 1
host_add hv1 sw1 p1
# The second uplink of the same host.
second() {
	on_switch sw2 ip link add p2 type veth peer name uplink1 netns "$(host_pid hv1)"
	on_switch sw2 ip link set p2 up
	on_host hv1 ip link set uplink1 master br1 up
}
on_host hv1 ip link add br1 type bridge stp_state 0 forward_delay 0
on_host hv1 ip link set br1 up
second
switch_gate sw2 p2
hostapd_start sw1 p1 && hostapd_start sw2 p2 || exit 1
hostd_make hv1 guests.mac_from=alias 'uplink uplink1.window=8'
# port N BRIDGE
port() {
	on_host hv1 ip link add "t$1" type veth peer name "gt$1"
	alias_set hv1 "t$1" "vmprov mac=$(mac "$1") name=vm$1"
	on_host hv1 ip link set "gt$1" up
	on_host hv1 ip link set "t$1" master "$2" up
}
guest_is_in() { ok "$1" wait_for "${4:-8}" auth_is hv1 "$2" "$3"; }
lives() { hostctl hv1 status >/dev/null && [ "$(hostd_process hv1 guests)" = "$process" ]; }
waits() { ! nic_is hv1 "$1" authorized; }
token() { sessions "SELECT token FROM session WHERE mac = $(guest "$1")"; }
anew() { [ "$(token "$1")" != "$2" ]; }
fenced() { on_host hv1 nft list ruleset | grep -c 0x888e; }

hostd_start hv1 || exit 1
process=$(hostd_process hv1 guests)
port 1 br0
port 2 br1
guest_is_in 'a guest of the first bridge is let in by the first switch' sw1 1
guest_is_in 'one of the second by the second' sw2 2
ok 'and by no other' sta_out sw2 1
ok 'and by no other' sta_out sw1 2
like 'its uplink is the one of its bridge' "$(nic_field hv1 2 uplink)" '^uplink1$'

# -- down and up
before=$(token 2)
on_switch sw2 ip link set p2 down
ok 'the second uplink loses its carrier: hostd lives' lives
ok 'the first is not touched' auth_is hv1 sw1 1
on_switch sw2 ip link set p2 up
ok 'it is back: its guest authenticates anew' wait_for 15 anew 2 "$before"
guest_is_in 'and is in' sw2 2

# -- a guest changes its bridge
on_host hv1 ip link set t1 master br1
guest_is_in 'a guest goes from one bridge to the other: its new switch lets it in' sw2 1
ok 'and the old one has it no more' wait_for 5 sta_out sw1 1
on_host hv1 ip link set t1 master br0
guest_is_in 'and back' sw1 1 20

# -- deleted and made again
hostapd_stop sw2
on_host hv1 ip link del uplink1
ok 'the second uplink is deleted: its guest is not in' wait_for 5 waits 2
ok 'hostd lives' lives
guest_is_in 'the first is not touched' sw1 1
second
on_switch sw2 ip link set p2 master sw
on_switch sw2 bridge link set dev p2 locked on learning off
hostapd_start sw2 p2
guest_is_in 'it is made again: its guest comes in' sw2 2 20

# -- it leaves its bridge
on_host hv1 ip link set uplink0 nomaster
ok 'the first uplink leaves its bridge: hostd lives' lives
on_host hv1 ip link set uplink0 master br0
guest_is_in 'it is a port again: its guest is in' sw1 1 20
ok 'the fence stands' [ "$(fenced)" -gt 0 ]
before=$(token 1)
on_host hv1 ip link set br0 down
on_host hv1 ip link set br0 up
guest_is_in 'the bridge goes down and up: its guest is in' sw1 1 20
hostd_stop hv1
is 'hostd is stopped: the fence is gone' "$(fenced)" 0
t_end
