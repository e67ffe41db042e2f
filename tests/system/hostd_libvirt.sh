#!/bin/bash
# hostd beside libvirtd: domains in QEMU behind a real switch port, from start to end; their join bundle on a CD-ROM; restarts of
# libvirtd, hostd and the switch in between.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
guest_make
own_machine "$@"
t_begin hostd_libvirt
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_libvirt: left out: only root may make network namespaces'
	t_end
fi
if ! why=$(guest_kernel); then
	echo "hostd_libvirt: left out: $why"
	t_end
fi

hostd_world sw1 || exit 1
hypervisor_world || exit 1
hypervisor_add hv1 sw1 p1 || exit 1
printf '[except]\nname = other*\n' > "$T/hv1/guests.conf"
hostapd_start sw1 p1 || exit 1
libvirtd_start hv1 || exit 1
hostd_start hv1 || exit 1
enrolled() { hostctl hv1 status --json | tr -d '\n ' | grep -q '"identity":{[^}]*"not_after":[1-9]'; }
ok 'the host enrols by its token' wait_for 10 enrolled

web=metadata=$(metadata_of web)
start() { domain_start hv1 "$@"; }
in_out() { ok "$1" wait_for 15 auth_is hv1 sw1 "$2"; }
out() { ok "$1" wait_for 10 sta_out sw1 "$2"; }
unknown() { ! hostctl hv1 show "$1"; }
gone() { ok "$1" wait_for 10 unknown "$2"; }
token() { sessions "SELECT token FROM session WHERE mac = $(guest "$1")"; }
reaches() { wait_for "${2:-20}" grep -q '^64 bytes' "$T/$1.console"; }
passes_on() {
	local before
	before=$(domain_answers "$1")
	wait_for 5 more_answers "$1" $((before + 3))
}
more_answers() { [ "$(domain_answers "$1")" -ge "$2" ]; }
runs() { [ "$(domain_state hv1 "$1")" = running ]; }
no_hostd() { ! pgrep '^hostd'; }
audit_count() { sql "SELECT count(*) FROM audit WHERE event = '$1' AND subject LIKE '%$2%'"; }
said() { domain_wait 20 "$1" "guest: $2"; }

# -- start: a domain that is defined, with its bundle on a CD-ROM that is not there before
domain_xml one "$(mac 1)" ip=192.168.77.11/24 "ping=$GATEWAY" "cdrom=$(cidata_of one)" "$web" > "$T/one.xml"
domain_xml other "$(mac 2)" ip=192.168.77.12/24 "ping=$GATEWAY" > "$T/other.xml"
wire_start uplink "$(host_pid hv1)" uplink0
ok 'a domain starts' start one define
in_out 'it is authorized' 1
wire_start tap "$(host_pid hv1)" "$(nic_field hv1 1 port)"
ok 'another starts that is not served' start other
ok 'the first reaches the network' reaches one
session_is 'it has a session, by the certificate of the host' "$(lasts 1)" 'started vlan 100 method 3 hv1'
said one ready
like 'the guest finds its volume' "$(grep 'guest: cidata meta-data' "$T/one.console")" "\"instance-id\": \"$(uuid_of 'domain one')\""
like 'and the join bundle there' "$(grep 'guest: cidata vmprov/join.json' "$T/one.console")" '"token": *"[A-Za-z0-9_-]{43}"'
is 'nobody else may read it' "$(on_host hv1 stat -c %a "$(cidata_of one)")" 640
is 'policyd has been told' "$(guest_field hv1 one report)" reported
is 'of the one with a template alone' "$(guest_field hv1 other report)" unreported
said other ready
is 'the guest that is not served stays outside' "$(domain_answers other)" 0
is 'though hostd sees it' "$(nic_field hv1 2 state)" not-served
on_virsh hv1 destroy other
gone 'it goes' other

# -- what does not concern the network
starts() { wire_count uplink "ether src $(mac 1)"; }
before=$(starts) one_token=$(token 1)
on_virsh hv1 suspend one
on_virsh hv1 resume one
on_virsh hv1 reset one
ready_again() { [ "$(grep -c 'guest: ready' "$T/one.console")" -ge 2 ]; }
ok 'it is paused, resumed, reset' wait_for 30 ready_again
ok 'and still in' auth_is hv1 sw1 1
is 'which took no frame' "$(starts) $(token 1)" "$before $one_token"

# -- an interface comes and goes
on_virsh hv1 attach-interface one bridge br0 --model virtio --mac "$(mac 3)" --live
in_out 'an interface is plugged in and authorized' 3
ok 'the guest has it' said one 'nic eth1'
on_virsh hv1 detach-interface one bridge --mac "$(mac 3)" --live
out 'it is plugged out, and logged off' 3
ok 'the first stays' auth_is hv1 sw1 1

# -- libvirtd restarts
connected() { hostctl hv1 status --json | tr -d '\n ' | grep -q '"libvirt":"connected"'; }
not_connected() { ! connected; }
before=$(starts)
libvirtd_stop hv1
ok 'libvirtd stops: hostd says so' wait_for 5 not_connected
ok 'the guest stays in' auth_is hv1 sw1 1
libvirtd_start hv1
ok 'it starts, and hostd finds it' wait_for 40 connected
is 'which takes no new authentication' "$(starts)" "$before"
domain_xml two "$(mac 4)" ip=192.168.77.14/24 > "$T/two.xml"
ok 'a transient domain starts' start two
in_out 'and is authorized' 4
libvirtd_stop hv1 KILL
kill -KILL "$(domain_pid hv1 two)"
libvirtd_start hv1
out 'a guest that ended while libvirtd was away is logged off' 4
ok 'the other stays' auth_is hv1 sw1 1

# -- hostd restarts
hostd_stop hv1
ok 'hostd stops: the guest stays in' sta_in sw1 1
# libvirtd asks the hook for each running guest, and ends those for which it fails.
libvirtd_stop hv1
libvirtd_start hv1
ok 'libvirtd restarts while hostd is away: the guest runs on' wait_for 5 runs one
ok 'and its traffic passes' passes_on one
hostd_start hv1
in_out 'it starts, and finds its guest' 1
ok 'traffic passes still' passes_on one
hostd_stop hv1 KILL
ok 'hostd crashes: its processes end' wait_for 5 no_hostd
hostd_start hv1
in_out 'also after a crash' 1
ok 'without a gap' passes_on one

# -- the switch restarts
on_switch sw1 ip link set p1 down
hostapd_stop sw1 KILL
on_switch sw1 ip link set p1 up
hostapd_start sw1 p1
in_out 'the switch restarts: the guest is let in again' 1
ok 'its traffic passes' passes_on one

# -- the end, in each way
stopped_before=$(audit_count stopped "$(mac 1)")
on_virsh hv1 shutdown one
out 'the guest shuts down: the port is closed' 1
session_is 'its session is over' "SELECT count(*) FROM session WHERE mac = $(guest 1)" 0
gone 'hostd has it no more' one
told_stopped() { [ "$(audit_count stopped "$(mac 1)")" -gt "$stopped_before" ]; }
ok 'policyd has been told' wait_for 5 told_stopped
start one
in_out 'it starts again' 1
kill -KILL "$(domain_pid hv1 one)"
out 'its QEMU crashes: the port is closed' 1
start one
in_out 'it starts again' 1
on_virsh hv1 destroy one
out 'it is destroyed: the port is closed' 1
start one
in_out 'once more' 1
hostd_stop hv1 KILL
on_virsh hv1 destroy one
stopped_before=$(audit_count stopped "$(mac 1)")
hostd_start hv1
ok 'an end that nobody saw is told later' wait_for 10 told_stopped

# -- what keeps a guest from starting
sql "UPDATE vm SET enabled = 0 WHERE mac = $(guest 1)"
fails 'a guest that is disabled does not start: policyd says why' 'disabled' start one
sql "UPDATE vm SET enabled = 1 WHERE mac = $(guest 1)"
domain_xml three "$(mac 5)" "cdrom=$T/missing.iso" "$web" > "$T/three.xml"
fails 'a start that fails otherwise' 'missing.iso' start three
gone 'leaves nothing' three
policyd_stop
ok 'without policyd, guests start' start one
in_out 'and are authorized' 1
on_virsh hv1 destroy one
out 'and closed' 1
hostd_stop hv1
ok 'without hostd, they start too' start one
hostd_start hv1
in_out 'and are authorized when it comes' 1
policyd_start "$T"

# -- without the hook
rm "$T/host/hv1/libvirt/hooks/qemu.d/vmprov"
libvirtd_stop hv1
libvirtd_start hv1
ok 'libvirtd starts again' wait_for 40 connected
on_virsh hv1 destroy one
out 'destroyed without the hook' 1
domain_xml four "$(mac 6)" ip=192.168.77.16/24 "ping=$GATEWAY" "$web" > "$T/four.xml"
ok 'a domain starts without the hook' start four
in_out 'and is authorized' 6
reported() { [ "$(guest_field hv1 four report)" = reported ]; }
ok 'policyd is told' wait_for 5 reported
ok 'its volume lies there for others' on_host hv1 test -s "$(cidata_of four)"
on_virsh hv1 destroy four
out 'it goes' 6

# -- the wire
wire_stop uplink
wire_stop tap
others() { wire_show uplink "not ether src $(on_switch sw1 cat /sys/class/net/p1/address 2>/dev/null || on_switch sw1 ip -br link show p1 | awk '{print $3}')" | awk '{print $2}' | sort -u | tr '\n' ' '; }
is 'on the uplink, each frame has the address of its guest' "$(others)" "$(mac 1) $(mac 3) $(mac 4) $(mac 6) "
is 'and the guest has seen none' "$(wire_count tap)" 0
t_end
