#!/bin/bash
# hostd and guests that are plain ports of the bridge: they come, authenticate, go, and come again after whatever ends; hostapd is
# the switch, and keeps its port closed to those whom FreeRADIUS with rlm_vmprov did not let in.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_taps
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_taps: left out: only root may make network namespaces'
	t_end
fi

hostd_world || exit 1
world_guests 10 12
host_add hv1 sw1 p1
hostapd_start sw1 p1 || { cat "$T/sw1.log"; exit 1; }
hostd_make hv1 guests.ports='* !spare*' guests.macs_per_port=2
printf '[serve]\nmac = 52:54:00:02:00:00/40\n[except]\nname = private*\nmac = %s\n' "$(mac 7)" > "$T/hv1/guests.conf"

addr() { echo "192.168.77.$((100 + $1))/24"; }
guest_is_in() { ok "$1" wait_for "${4:-8}" auth_is hv1 "$2" "$3"; }
disconnects() { grep -c "AP-STA-DISCONNECTED $(mac "$1")" "$T/sw1.log"; }
gone_from() { ! hostctl hv1 show "$(mac "$1")" >/dev/null 2>&1; }
not_pings() { ! guest_pings "$@"; }
over() { printf 'SELECT (SELECT count(*) FROM session WHERE mac = %s) || state FROM past WHERE mac = %s ORDER BY id DESC LIMIT 1' "$(guest "$1")" "$(guest "$1")"; }

wire_start uplink "$(host_pid hv1)" uplink0 -Q out
hostd_start hv1 || exit 1

# -- by its first frame
tap_add hv1 web1 "$(mac 1)" "$(addr 1)"
wire_start tap "$(host_pid hv1)" web1
wire_start guest "${GUEST_PID[web1]}" eth0
on_guest web1 busybox ping -c 1 -W 0.1 $GATEWAY >/dev/null 2>&1
guest_is_in 'a guest is let in, its address known from a frame of its own' sw1 1
is 'in the VLAN that the store says' "$(sta_vlan sw1 1)" 100
session_is 'it has a session, by EAP-TLS with the certificate of its host' "$(lasts 1)" 'started vlan 100 method 3 hv1'
ok 'its traffic passes' wait_for 3 guest_pings web1 $GATEWAY
is 'the port is open to its address alone' "$(switch_fdb sw1)" "$(mac 1) p1"

# -- by alias
on_host hv1 ip link add early type veth peer name gearly address "$(mac 2)"
alias_set hv1 early "vmprov mac=$(mac 2) uuid=11111111-2222-4333-8444-555555555502 name=second"
on_host hv1 ip link set gearly up
on_host hv1 ip link set early master br0 up
guest_is_in 'another by the alias of its port, before it has sent anything' sw1 2
like 'with the name and the UUID that the alias gives' "$(hostctl hv1 show "$(mac 2)" --json | tr -d ' \n')" \
	'"uuid":"11111111-2222-4333-8444-555555555502".*"name":"second"|"name":"second".*"uuid":"11111111-2222-4333-8444-555555555502"'
is 'it is found by its name' "$(hostctl hv1 show second --json | tr -d ' \n' | sed -n 's/.*"uuid":"\([^"]*\)".*/\1/p')" 11111111-2222-4333-8444-555555555502

# -- two addresses behind one port
on_host hv1 ip link add pair type veth peer name gpair
alias_set hv1 pair "vmprov mac=$(mac 3) mac=$(mac 4) name=pair"
on_host hv1 ip link set pair master br0 up
guest_is_in 'a guest with two interfaces: the first' sw1 3
guest_is_in 'and the second' sw1 4

# -- who is not served
tap_add hv1 priv "$(mac 6)" "$(addr 6)"
alias_set hv1 priv "vmprov mac=$(mac 6) name=private6"
tap_add hv1 web7 "$(mac 7)" "$(addr 7)"
tap_add hv1 spare "$(mac 8)" "$(addr 8)"
for name in priv web7 spare; do on_guest $name busybox ping -c 1 -W 0.1 $GATEWAY >/dev/null 2>&1; done
tap_add hv1 web5 "$(mac 5)" "$(addr 5)"
on_guest web5 busybox ping -c 1 -W 0.1 $GATEWAY >/dev/null 2>&1
guest_is_in 'one that comes after three who are not served' sw1 5
for n in 6 7 8; do ok "none of these is known to the switch: $n" sta_out sw1 $n; done
ok 'nor does traffic of theirs pass' not_pings web7 $GATEWAY
tap_del priv
tap_del web7
tap_del spare

# -- more addresses behind one port than it may have, as of nested guests
for n in 10 11; do
	on_guest web5 ip link add link eth0 name nested$n address "$(mac $n)" type macvlan mode bridge
	on_guest web5 ip link set nested$n up
	on_guest web5 ip address add "192.168.78.$n/24" dev nested$n
	on_guest web5 busybox ping -c 1 -W 0.1 -I nested$n 192.168.78.1 >/dev/null 2>&1
	[ $n != 10 ] || guest_is_in 'a second address behind a port that may have two' sw1 10
done
alias_set hv1 pair "vmprov mac=$(mac 3) mac=$(mac 4) mac=$(mac 12) name=pair"
guest_is_in 'an alias that names a third one' sw1 12
ok 'a third one that was only seen in frames is not let in' sta_out sw1 11
ok 'the others of its port stay' auth_is hv1 sw1 5

# -- the alias changes
alias_set hv1 early "vmprov mac=$(mac 9) name=second"
guest_is_in 'another alias: the new address is let in' sw1 9
ok 'and the one before is logged off' wait_for 5 sta_out sw1 2

# -- it stops
wire_stop guest
tap_del web1
ok 'a guest stops: its port is closed' wait_for 5 sta_out sw1 1
session_is 'its session is over' "$(over 1)" 0stopped
ok 'hostd has forgotten it' wait_for 3 gone_from 1
ok 'the others stay' auth_is hv1 sw1 5
on_host hv1 ip link set web5 nomaster
ok 'a guest leaves the bridge: the same' wait_for 5 sta_out sw1 5
on_host hv1 ip link del early

# -- hostd ends, in whatever way
before=$(disconnects 3)
hostd_stop hv1 KILL
ok 'hostd is killed: its guests keep their network' sta_in sw1 3
hostd_start hv1
guest_is_in 'hostd comes again and authenticates them once more' sw1 3
guest_is_in 'all' sw1 4
is 'without a gap' "$(disconnects 3)" "$before"
hostd_stop hv1
ok 'hostd is stopped: its guests stay' sta_in sw1 3
is 'and nobody was logged off' "$(disconnects 3)" "$before"
hostd_set hv1 process.on_stop=logoff
hostd_start hv1
guest_is_in 'it comes again, to log off when it is stopped' sw1 3
wait_for 5 auth_is hv1 sw1 4
hostd_stop hv1
ok 'it is stopped: they are out' wait_for 5 sta_out sw1 3
ok 'all' wait_for 3 sta_out sw1 4
wire_stop uplink
wire_stop tap

# -- on the wire
ok 'EAPOL was sent over the uplink' [ "$(wire_count uplink)" -gt 40 ]
is 'each frame with the address of a guest as its source' "$(wire_show uplink | cut -d ' ' -f 2 | sort -u | tr '\n' ' ')" \
	"$(for n in 1 2 3 4 5 9 10 12; do mac $n; echo; done | tr '\n' ' ')"
is 'to the PAE group address' "$(wire_show uplink | cut -d ' ' -f 3 | sort -u)" 01:80:c2:00:00:03
is 'none came to a tap' "$(wire_count tap)" 0
is 'nor to the guest' "$(wire_count guest)" 0

# -- replies to the group, the address from the port, and the host's own first
hostapd_stop sw1
HOSTAPD_LINES=use_pae_group_addr=1 hostapd_start sw1 p1
# A bridge without an address of its own takes the lowest of its ports'.
own=$(on_host hv1 cat /sys/class/net/uplink0/address)
on_host hv1 ip link set br0 address "$own"
sql "INSERT INTO vm_record (mac, name, cois) VALUES ('$own', 'host1', 'web')"
hostd_set hv1 guests.mac_from=port 'uplink uplink0.host=yes' process.on_stop=
on_host hv1 ip link del pair
for n in 6 7 8; do
	on_host hv1 ip link add tap$n address "$(mac $((n - 5)))" type veth peer name gtap$n
	on_host hv1 ip link set gtap$n up
	on_host hv1 ip link set tap$n master br0 up
done
wire_start group "$(host_pid hv1)" uplink0
for n in 6 7 8; do wire_start tap$n "$(host_pid hv1)" gtap$n; done
hostd_start hv1
for n in 1 2 3; do guest_is_in "a switch that answers the group, the address from the port: $n" sw1 $n 12; done
ok 'the host itself is in' sta_in sw1 "$own"
for n in 6 7 8; do wire_stop tap$n; done
wire_stop group
is 'the host was the first' "$(wire_show group | sed -n 's/^[^ ]* \([^ ]*\) .* start (1).*/\1/p' | head -n 1)" "$own"
is 'before any guest had a word' "$(wire_show group | grep -nE 'Success|start' | sed -n 's/.*\(start\|Success\).*/\1/p' | head -n 2 | tr '\n' ' ')" 'start Success '
ok 'the switch answered the group' [ "$(wire_count group 'ether dst 01:80:c2:00:00:03 and ether src not ('"$own or $(mac 1) or $(mac 2) or $(mac 3)"')')" -gt 10 ]
for n in 6 7 8; do is "none came to tap$n" "$(wire_count tap$n)" 0; done
hostd_stop hv1
t_end
