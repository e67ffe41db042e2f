#!/bin/bash
# What an administrator changes reaches a guest's port, and the guest is back by itself: policyd has the switch take it out, the
# host hears of that and authenticates it again.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_policy
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_policy: left out: only root may make network namespaces'
	t_end
fi

hostd_world sw1 || exit 1
hypervisor_world || exit 1
hypervisor_add hv1 sw1 p1 guests.libvirt=no guests.netlink=yes || exit 1
hostapd_start sw1 p1 || exit 1
hostd_start hv1 || exit 1
port() {
	tap_add hv1 "t$1" "$(mac "$1")" "192.168.77.1$1/24"
	alias_set hv1 "t$1" "vmprov mac=$(mac "$1") name=vm$1 template=web"
}
in_with() { # DESCRIPTION N SECONDS
	ok "$1" wait_for "$3" auth_is hv1 sw1 "$2"
}
vlan_is() { [ "$(sta_vlan sw1 "$1")" = "$2" ]; }
moved() { vlan_is "$1" "$2" && auth_is hv1 sw1 "$1"; }

for n in 1 2; do port $n; done
for n in 1 2; do in_with "guest $n is let in" $n 15; done
is 'where the store says' "$(sta_vlan sw1 1)" 100

sql "UPDATE vm SET vlan = 200 WHERE mac = $(guest 1)"
ok 'its VLAN changes: it is in the new one within seconds' wait_for 5 moved 1 200
like 'since policyd told its host' "$(hostd_log hv1 '"event":"disconnected"')" '"guest":"vm1"'
is 'and no other' "$(hostd_log hv1 '"event":"disconnected"' | grep -c vm2)" 0
session_is 'its session is the new one' "$(lasts 1)" 'started vlan 200 method 3 hv1'
# hostapd forgets a station some seconds after a Disconnect, even one that has come back.
forgotten() { grep -q "AP-STA-DISCONNECTED $(mac 1)" "$T/sw1.log" && [ "$(grep -c "AP-STA-DISCONNECTED $(mac 1)" "$T/sw1.log")" -ge 2 ]; }
if wait_for 12 forgotten; then in_with 'the switch forgets it later, and it is back' 1 15; else t_pass 'the switch keeps it'; fi
ok 'its frames pass' wait_for 5 guest_pings t1 "$GATEWAY"

sql "UPDATE vm SET enabled = 0 WHERE mac = $(guest 2)"
ok 'a guest that is disabled is out' wait_for 5 sta_out sw1 2
ok 'and its host knows' wait_for 8 nic_is hv1 2 held
fails 'nothing passes' . guest_pings t2 "$GATEWAY"
sql "UPDATE vm SET enabled = 1 WHERE mac = $(guest 2)"
in_with 'enabled again, it comes back by itself' 2 30

policyd_stop
sql "UPDATE vm SET vlan = 100 WHERE mac = $(guest 2)"
policyd_start "$T" || exit 1
ok 'what changes while policyd is away is done when it is back' wait_for 30 moved 2 100
t_end
