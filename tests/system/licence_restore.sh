#!/bin/bash
# An older copy of the store is put in its place: until every lease that it does not know of is over, nothing grows.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_restore
licence_world || exit 1
pool web 4 lease_s 6 grace_s 2
gateway_add gw-east east && gateway_start gw-east || exit 1
vm_join 1 && vm_join 2 && vm_join 3 lone && vm_join 4 lone && vm_join 5 lone && vm_join 6 lone || exit 1

# NAME: put the copy back while policyd is stopped
restore() {
	policyd_stop
	rm -f "$POLICYD_STORE-wal" "$POLICYD_STORE-shm"
	cp "$T/$1.db" "$POLICYD_STORE"
	[ "$(id -u)" != 0 ] || chown daemon "$POLICYD_STORE"
	policyd_start "$T"
}
copy() { sqlite3 "$POLICYD_STORE" ".backup '$T/$1.db'"; }
audited() { sql "SELECT count(*) FROM audit WHERE event = 'licence-recovery'"; }
# vm6 never has one: nothing grows
recovers() { [[ $(lease vm6 1) =~ ^409\ 0\ .*waits ]] && [ "$(audited)" -ge "$1" ]; }

is 'vm3' "$(lease vm3 1)" '200 1'
copy old
began=$(boot)
is 'vm4' "$(lease vm4 1)" '200 1'
is 'vm1, by the broker' "$(lease vm1 1)" '200 1'
restore old || exit 1
ok 'the copy does not know of two: nothing is granted' recovers 1
ok 'the log says so' grep -q '"level":"warning".*"event":"licence-recovery"' "$POLICYD_LOG"
is 'what it knows of is renewed' "$(lease vm3 1)" '200 1'
ok 'after that, another is granted' wait_for 16 lease_is vm5 1 '200 1'
took=$(awk -v a="$began" -v b="$(boot)" 'BEGIN {printf "%.1f", b - a}')
ok "not before life and grace are over ($took s)" awk -v t="$took" 'BEGIN {exit t < 8}'
ok 'and never more than are owned' [ "$(occupied)" -le 4 ]
ok 'the broker'"'"'s guest as well' wait_for 12 lease_is vm1 1 '200 1'

# -- while it runs
copy older
n=$(audited)
lease vm5 0 >/dev/null
lease vm4 1 >/dev/null
sqlite3 -cmd '.timeout 10000' "$POLICYD_STORE" ".restore '$T/older.db'"
ok 'restored under a running server: it notices' wait_for 5 recovers $((n + 1))

# -- the mark beside the store is lost
wait_for 16 lease_is vm5 1 '200 1'
n=$(audited)
policyd_stop
ok 'there is a mark beside the store' test -s "$POLICYD_STORE-licences"
rm -f "$POLICYD_STORE-licences"
policyd_start "$T" || exit 1
ok 'without it the store may be any copy' recovers $((n + 1))
n=$(audited)
policyd_stop
policyd_start "$T" || exit 1
is 'a restart alone is no reason to wait longer' "$(audited)" "$n"
like 'but it waits still' "$(lease vm6 1)" '^409 0 .*waits'
lease vm5 0 >/dev/null
ok 'it ends, and others are granted' wait_for 16 lease_is vm6 1 '200 1'
t_end
