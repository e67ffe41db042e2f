#!/bin/bash
# A full disk, of the server and of the broker: nothing is granted that is not written down, and what was granted counts on.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_full
[ -n "${OWN_NETNS:-}" ] || t_end # only root may mount

disk() {
	mkdir -p "$T/$1" && mount -t tmpfs -o "size=$2,mode=755" tmpfs "$T/$1" || exit 1
}
unmount() {
	proc_stop gw-east
	policyd_stop
	umount "$T/server" "$T/broker" 2>/dev/null
}
fill() { dd if=/dev/zero of="$T/$1/fill" bs=4k 2>/dev/null; }
healthy() { curl -sf -m 5 "$1/healthz" >/dev/null; }
ill() { ! healthy "$1"; }

disk server 8m
disk broker 3m
T_CLEANUP+=(unmount)
LICENCE_STORE=$T/server/policy.db licence_world || exit 1
pool web 4 lease_s 30 grace_s 10
gateway_add gw-east east "store.path=$T/broker/gateway.db" broker.lease=20s || exit 1
chown "$BROKER_USER" "$T/broker"
gateway_start gw-east || exit 1
broker=http://127.0.0.1:${PORT[gw-east-status]}
vms_join 1 4 && vm_join 5 lone && vm_join 6 lone || exit 1
is 'a guest of the broker' "$(lease vm1 1)" '200 1'
is 'and one of the server' "$(lease vm5 1)" '200 1'

# -- the server's
fill server
ok 'the server'\''s is full: health says so' wait_for 20 ill "$POLICYD_STATUS"
before=$(occupied)
like 'nothing is granted' "$(lease vm6 1)" '^503'
like 'nor given back' "$(lease vm5 0)" '^503'
is 'the broker lives on what it holds' "$(lease vm1 1)" '200 1'
is 'what leases hold is as before' "$(occupied)" "$before"
rm "$T/server/fill"
ok 'with room again it is well' wait_for 20 healthy "$POLICYD_STATUS"
ok 'and grants' wait_for 5 lease_is vm6 1 '200 1'
is 'no more than are owned' "$(sql 'SELECT sum(count) <= 4 FROM lease_part')" 1
is 'what was given back' "$(lease vm6 0) $(lease vm5 0)" '200 0 200 0'

# -- the broker's
ok 'a second guest of the broker' wait_for 5 lease_is vm2 1 '200 1'
fill broker
ok 'the broker'\''s is full: health says so' wait_for 20 ill "$broker"
like 'nothing is granted' "$(lease vm3 1)" '^503'
like 'nor renewed' "$(lease vm1 1)" '^503'
rm "$T/broker/fill"
ok 'with room again it is well' wait_for 20 healthy "$broker"
ok 'and grants' wait_for 5 lease_is vm3 1 '200 1'
ok 'and knows the first' wait_for 5 lease_is vm1 1 '200 1'
fill broker
wait_for 20 ill "$broker"
proc_stop gw-east KILL
rm "$T/broker/fill"
gateway_start gw-east || exit 1
for n in 1 2 3; do is "killed on a full disk: vm$n is as it was" "$(lease vm$n 1)" '200 1'; done
is 'both stores are whole' "$(sql 'PRAGMA integrity_check') $(sqlite3 "$T/broker/gateway.db" 'PRAGMA integrity_check')" 'ok ok'
is 'and no more are out than are owned' "$(sql 'SELECT sum(count) <= 4 FROM lease_part')" 1
unmount
t_end
