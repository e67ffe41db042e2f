#!/bin/bash
# make demo's last part: a hypervisor host with hostd, a switch whose port is closed to all but those whom it has let in (hostapd),
# and a guest; in namespaces of their own, with policyd and FreeRADIUS on the sample store.  Writes "right wrong" to DEMO_SUM.
. "$(dirname "$0")/common.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin demo_host
guest_mac=52:54:00:00:01:0a
guest_uuid=11111111-2222-4333-8444-555555555510

scene_make() {
	POLICYD_LISTEN=0.0.0.0 POLICYD_NAMES=10.98.1.1 SWITCH_NETS=10.99.0.0/16 network_make && policyd_sample || return 1
	sql "UPDATE nas SET address = '10.99.1.2' WHERE name = 'leaf1'"
	switch_add leaf1 10.99.1 && switch_bridge leaf1 "$GATEWAY/24" && vlan_add leaf1 100 &&
		host_add hv1 leaf1 p1 && HOSTAPD_LINES=radius_auth_req_attr=87:s:p1 hostapd_start leaf1 p1 && hostd_make hv1 guests.mac_from=alias cidata.enabled=yes && hostd_enrols hv1 && hostd_start hv1
}
certified() { hostctl hv1 status --json | tr -d ' \n' | grep -q '"serial":"[0-9a-fA-F]'; }
ping_line() { on_guest web10 busybox ping -c 1 -W 1 "$GATEWAY" 2>&1 | sed -n '/packets/p'; }
comes_in() { sta_in leaf1 "$guest_mac"; }
goes_out() { sta_out leaf1 "$guest_mac"; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
shown() { hostctl hv1 list 2>&1; }

scene_make || exit 1
wait_for 10 certified
head_line "A hypervisor host: hostd at bridge br0, uplink0 cabled to port p1 of leaf1 ($(hostapd -v 2>&1 | head -n 1))"
note 'its certificate is from policyd, by EST, with a token of "vmprov token --host"'

wire_start uplink "$(host_pid hv1)" uplink0
tap_add hv1 web10 "$guest_mac" 192.168.77.10/24
expect 'a guest that nobody registered is there; before anything authenticates it, nothing passes' "$(ping_line)" ' 100% packet loss'
note 'its port of br0 gets the alias "vmprov mac=... uuid=... name=web10 template=web"'
began=$(now_ms)
alias_set hv1 web10 "vmprov mac=$guest_mac uuid=$guest_uuid name=web10 template=web"
wait_for 8 comes_in
took=$(($(now_ms) - began))
expect 'it starts: hostd tells policyd, whose template makes the record, and authenticates it with its own MAC address' \
	"$(hostapd_sta leaf1 "$guest_mac" | grep -E '^(flags|vlan_id|dot1xAuthSessionUserName)=')" 'AUTHORIZED.*vlan_id=100'
note "$took ms from the alias to the open port; the store says: $(sql "SELECT name || ', COI ' || cois FROM vm_record WHERE mac = '$guest_mac'")"
wait_for 3 guest_pings web10 "$GATEWAY"
expect 'its traffic passes' "$(ping_line)" ' 0% packet loss'
wire_stop uplink
expect "on the wire, the guest's address is the source" "$(wire_show uplink "ether src $guest_mac" | cut -d ' ' -f 2- | head -n 3)" "$guest_mac 01:80:c2:00:00:03 EAPOL start"
expect "what vmprov-hostctl shows" "$(shown)" "web10.*authorized"
expect 'its NoCloud volume, with the join bundle' "$(bsdtar -tf "$T/hv1/cidata/$guest_uuid.iso" 2>&1)" 'meta-data.*user-data|user-data.*meta-data'
expect 'the session, as the network reports it' "$(vmprov --store "$POLICYD_STORE" session list 2>&1)" 'web10.* leaf1 .*100'
tap_del web10
wait_for 5 goes_out
expect 'it stops: hostd logs it off, and the port is closed' \
	"$(hostapd_sta leaf1 "$guest_mac" | grep '^flags=' || echo 'hostapd knows no such station')" '^flags=[^A]*$|no such station'
hostd_stop hv1
echo "$passed $failed" > "${DEMO_SUM:-/dev/null}"
[ "$failed" = 0 ]
