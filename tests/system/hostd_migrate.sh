#!/bin/bash
# Live migration between two hosts behind two switches, with traffic: the destination authenticates, the source logs off.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
guest_make
own_machine "$@"
t_begin hostd_migrate
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_migrate: left out: only root may make network namespaces'
	t_end
fi
if ! why=$(guest_kernel); then
	echo "hostd_migrate: left out: $why"
	t_end
fi

hostd_world sw1 sw2 || exit 1
hypervisor_world || exit 1
switch_trunk sw1 sw2
for n in 1 2; do
	hypervisor_add hv$n sw$n p$n || exit 1
	hostapd_start sw$n p$n || exit 1
	libvirtd_start hv$n || exit 1
	hostd_start hv$n || exit 1
	domain_events hv$n
done

reaches() { wait_for 20 grep -q '^64 bytes' "$T/$1.console"; }
passes_on() {
	local before
	before=$(domain_answers "$1")
	wait_for 5 more_answers "$1" $((before + 3))
}
more_answers() { [ "$(domain_answers "$1")" -ge "$2" ]; }
unknown() { ! hostctl "$1" show "$2"; }
place() { printf "SELECT state || ' ' || nas FROM session WHERE mac = %s" "$(guest "$1")"; }
audit_count() { sql "SELECT count(*) FROM audit WHERE event = '$1' AND subject LIKE '%$2%'"; }
# is_at DESCRIPTION HERE THERE N: where it is, and is no more
is_at() {
	ok "$1: it is authorized there" wait_for 15 auth_is "hv$2" "sw$2" "$4"
	ok "$1: and closed where it was" wait_for 10 sta_out "sw$3" "$4"
	session_is "$1: its session is there" "$(place "$4")" "started 10.99.$2.2"
}
# hostapd forgets a station five seconds after a Disconnect, whether it has come back or not: most tests do not come back before.
forgotten() { ! hostapd_sta "$1" "$(mac "$2")"; }
# [ms] of the last event at a host; of the last time a switch let a station in.
event_ms() { date -d "$(sed -n "s/^\(.*+0000\): event 'lifecycle' .*: $2\$/\1/p" "$T/$1.events" | tail -n 1)" +%s%3N; }
let_in_ms() { sed -n "s/^\([0-9]*\)\.\([0-9]\{3\}\).*AP-STA-CONNECTED $(mac "$2").*/\1\2/p" "$T/$1.log" | tail -n 1; }

domain_xml one "$(mac 1)" ip=192.168.77.11/24 "ping=$GATEWAY" "cdrom=$(cidata_of one)" "metadata=$(metadata_of web)" > "$T/one.xml"
ok 'a guest starts' domain_start hv1 one
ok 'it reaches the network' reaches one
is_at 'at first' 1 2 1
domain_wait 20 one 'guest: ready'

# -- there
ok 'it migrates' domain_migrate one hv1 hv2
is_at 'migrated' 2 1 1
late=$(($(let_in_ms sw2 1) - $(event_ms hv2 'Resumed Migrated')))
printf '    hostd_migrate: let in %d ms after it resumed; %d pings without an answer\n' "$late" "$(domain_gap one)"
ok 'within 100 ms of its resuming' [ "$late" -le "$([ -e "$B/nodeepbind.so" ] && echo 1000 || echo 100)" ]
ok 'its traffic passes' passes_on one
ok 'with a gap of a few pings' [ "$(domain_gap one)" -le 20 ]
ok 'the source knows it no more' wait_for 5 unknown hv1 one
is 'the destination has told policyd' "$(guest_field hv2 one report)" reported
is 'and nobody that it stopped' "$(audit_count stopped "$(mac 1)")" 0
ok 'the volume came with it' on_host hv2 test -s "$(cidata_of one)"

# -- and back at once, the other way of migrating
ok 'it migrates back' domain_migrate one hv2 hv1 --p2p
is_at 'back' 1 2 1
ok 'its traffic passes' passes_on one
ok 'hostapd takes a station out that has come back soon after a Disconnect' wait_for 10 grep -q 'local deauth request' "$T/sw1.log"
ok 'which comes back once more' wait_for 20 auth_is hv1 sw1 1
ok 'its traffic passes again' passes_on one

# -- a volume that is no CD-ROM: where it comes, it must be there before
domain_xml two "$(mac 2)" ip=192.168.77.12/24 "disk=$(cidata_of two) optional" "nic=$(mac 3)" "metadata=$(metadata_of web)" > "$T/two.xml"
ok 'a guest with two interfaces starts' domain_start hv1 two
ok 'one is authorized' wait_for 15 auth_is hv1 sw1 2
ok 'the other too' wait_for 15 auth_is hv1 sw1 3
ok 'the guest finds its volume' domain_wait 20 two 'guest: cidata vmprov/join.json'
ok 'it migrates' domain_migrate two hv1 hv2
is_at 'two' 2 1 2
is_at 'its other interface' 2 1 3
ok 'the other guest stays' sta_in sw1 1
on_virsh hv2 destroy two
ok 'it ends' wait_for 10 sta_out sw2 2
ok 'with both' wait_for 10 sta_out sw2 3

# -- migrations that fail
before=$(let_in_ms sw1 1)
fails 'a migration whose data finds no way' 'connect' on_virsh hv1 migrate --live --unsafe one "qemu+tcp://${HOST_ADDR[hv2]}/system" tcp://10.98.2.77
ok 'the guest stays' sta_in sw1 1
ok 'the destination forgets it' wait_for 5 unknown hv2 one
ok 'its traffic passes' passes_on one
on_virsh hv1 migrate-setspeed one 1
domain_migrate one hv1 hv2 > "$T/cancelled" 2>&1 &
arriving() { [ "$(guest_field hv2 one state)" = incoming ]; }
ok 'the destination sees one come' wait_for 10 arriving
ok 'which is not let in yet' sta_out sw2 1
cancelled() { on_virsh hv1 domjobabort one; }
ok 'it is cancelled' wait_for 5 cancelled
wait $!
ok 'the guest stays' sta_in sw1 1
ok 'the destination forgets it' wait_for 5 unknown hv2 one
is 'the source never asked again' "$(let_in_ms sw1 1)" "$before"
on_virsh hv1 migrate-setspeed one 9999

# -- nobody at the source
wait_for 10 forgotten sw2 1
hostd_stop hv1 KILL
ok 'it migrates while its source has no hostd' domain_migrate one hv1 hv2
is_at 'then' 2 1 1
job_is 'by policyd'\''s Disconnect' 5 1 'done disconnect moved'
hostd_start hv1
ok 'the source starts: it has nothing of it' unknown hv1 one
is 'and tells of no end' "$(audit_count stopped "$(mac 1)")" 0
ok 'where it is, it stays' sta_in sw2 1

# -- nobody at the destination
hostd_stop hv1
wait_for 10 forgotten sw1 1
ok 'it migrates to where no hostd is' domain_migrate one hv2 hv1
ok 'the switch that it left is closed' wait_for 10 sta_out sw2 1
hostd_start hv1
is_at 'found' 1 2 1
ok 'its traffic passes' passes_on one

# -- authenticated as soon as it is on its way
hostd_stop hv2
wait_for 10 forgotten sw2 1
hostd_set hv2 migration.authenticate=start
hostd_start hv2
began=$(date +%s%3N)
ok 'it migrates to a host that does not wait' domain_migrate one hv1 hv2
is_at 'at once' 2 1 1
first_let_in() { sed -n "s/^\([0-9]*\)\.\([0-9]\{3\}\).*AP-STA-CONNECTED $(mac 1).*/\1\2/p" "$T/sw2.log" | awk -v began="$began" '$1 > began { print; exit }'; }
early=$(($(event_ms hv2 'Resumed Migrated') - $(first_let_in)))
printf '    hostd_migrate: let in %d ms before it resumed\n' "$early"
ok 'it was let in before it resumed' [ "$early" -gt 0 ]
ok 'its traffic passes' passes_on one
on_virsh hv2 destroy one
ok 'it ends: the port is closed' wait_for 10 sta_out sw2 1
t_end
