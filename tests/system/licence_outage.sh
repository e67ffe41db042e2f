#!/bin/bash
# The licence server is away, or the broker is killed: guests keep what they have until the end of the grace, nothing is lost, and
# nothing is given twice.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_outage
licence_world || exit 1
pool web 4 lease_s 40 grace_s 4
gateway_add gw-east east broker.lease=30s && gateway_start gw-east || exit 1
vms_join 1 8 || exit 1

# -- the broker is killed
for n in 1 2; do is "vm$n" "$(lease vm$n 1)" '200 1'; done
proc_stop gw-east KILL
gateway_start gw-east || exit 1
like 'the same request is answered as before' "$(lease_again vm1)" '^200 1'
is 'a renewal as well' "$(lease vm2 1)" '200 1'
is 'it is the same lease of the server' "$(sql 'SELECT count(*) FROM lease')" 1
for n in 3 4; do ok "vm$n" wait_for 5 lease_is vm$n 1 '200 1'; done
like 'and there are no more' "$(lease vm5 1)" '^409 0 '
proc_stop gw-east KILL
gateway_start gw-east || exit 1
is 'one that is given back after a kill' "$(lease vm4 0)" '200 0'
proc_stop gw-east
gateway_start gw-east || exit 1
ok 'goes to another' wait_for 5 lease_is vm5 1 '200 1'
like 'and not twice' "$(lease vm4 1)" '^409 0 '

# -- killed again and again, under load
for n in 1 2 3 5; do lease vm$n 0 >/dev/null; done
pids=()
for n in 1 2 3 4 5 6 7 8; do
	guest_life $n &
	pids+=($!)
done
for n in 1 2 3 4 5 6; do
	sleep "0.$((3 + RANDOM % 7))" # the load; when does not matter
	proc_stop gw-east KILL
	gateway_start gw-east || break
done
touch "$T/enough"
wait "${pids[@]}"
ok "guests had licences ($(cat "$T"/vm*.life | grep -c ' 1$') times)" [ "$(cat "$T"/vm*.life | grep -c ' 1$')" -ge 8 ]
ok 'never more than are owned, by the guests' [ "$(cat "$T"/vm*.life | most_at_once)" -le 4 ]
rm "$T/enough"
for n in 1 2 3 4 5 6 7 8; do wait_for 3 lease_is vm$n 0 '200 0'; done
for n in 1 2 3 4; do ok "none was lost: vm$n" wait_for 10 lease_is vm$n 1 '200 1'; done

# -- the server is away
sql 'UPDATE licence_pool SET lease_s = 8'
ok 'leases are shorter from the next renewal on' wait_for 25 gateway_ends_within gw-east 8
lease vm4 0 >/dev/null
policyd_stop
is 'the broker grants what it holds' "$(lease vm4 1)" '200 1'
is 'and renews' "$(lease vm1 1)" '200 1'
left=$(answer vm1 duration_s)
ok "no longer than its own lease ($left s of 8)" [ "${left:-99}" -le 8 ]
like 'more than it holds it does not' "$(lease vm5 1)" '^(409|503) 0? ?[a-z]'
# vm4 was given its own in these short leases; what others were promised before them may last longer.
over() { [ "$(lease vm4 1 | cut -c 1-3)" != 200 ]; }
ok 'when its own lease is over, there is nothing to renew' wait_for 12 over
ok 'which says why' [ -n "$(answer vm4 reason)$(answer vm4 error)" ]
policyd_start "$T" || exit 1
for n in 1 2 3 4; do ok "with the server back, vm$n is granted again" wait_for 15 lease_is vm$n 1 '200 1'; done
like 'and no more than are owned' "$(lease vm6 1)" '^409 0 '
is 'nor are more out' "$(occupied)" 4
is 'the server knows who has one' "$(sql 'SELECT count(*) FROM licensed')" 4

# -- both at once
proc_stop gw-east KILL
policyd_stop
gateway_start gw-east || exit 1
is 'a broker that starts without its server knows what it holds' "$(lease vm1 1)" '200 1'
policyd_start "$T" || exit 1
ok 'and goes on' wait_for 10 lease_is vm2 1 '200 1'
is 'with no more than are owned' "$(occupied)" 4
t_end
