#!/bin/bash
# Two enclaves share one pool: it is exhausted, licences move to where they are needed, and never more than are owned are out.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_two
licence_world || exit 1
pool shared 6 lease_s 30 grace_s 5
for enclave in east west; do gateway_add gw-$enclave $enclave broker.lease=30s && gateway_start gw-$enclave || exit 1; done
vms_join 1 6 east && vms_join 11 16 west || exit 1

# -- exhausted
for n in 1 2 3 4 5; do is "vm$n of the east" "$(lease vm$n 1)" '200 1'; done
ok 'one of the west, once the east has given back what it does not need' wait_for 8 lease_is vm11 1 '200 1'
like 'the seventh is refused with a reason' "$(lease vm12 1)" '^409 0 [a-z].* .*'
is 'and told that none is left' "$(answer vm12 available)" 0
ok 'as many are out as are owned' [ "$(occupied)" = 6 ]
like 'the administrator sees why' "$(sql "SELECT reason FROM licence_denial WHERE product = 'web-std'")" '[a-z]'
ok 'the first keep theirs' lease_is vm1 1 '200 1'

# -- they move
for n in 1 2 3 4 5; do vm_stop $n; done
began=$(boot)
for n in 12 13 14 15 16; do ok "vm$n of the west, as those of the east have stopped" wait_for 8 lease_is vm$n 1 '200 1'; done
took=$(awk -v a="$began" -v b="$(boot)" 'BEGIN {printf "%.1f", b - a}')
ok "without waiting until leases end ($took s)" awk -v t="$took" 'BEGIN {exit t > 8}'
is 'now the east is refused' "$(lease vm6 1 | cut -c 1-5)" '409 0'
ok 'as many are out as are owned' [ "$(occupied)" = 6 ]

# -- a guest that gives its back
is 'vm11 gives its back' "$(lease vm11 0)" '200 0'
ok 'and the east has it soon' wait_for 8 lease_is vm6 1 '200 1'
for n in 12 13 14 15 16; do lease vm$n 0 >/dev/null; done
lease vm6 0 >/dev/null

# -- opposite load
for n in 1 2 3 4 5; do vm_join $n east || exit 1; done
pids=()
for n in 1 2 3 4 5 6 11 12 13 14 15 16; do
	guest_life $n &
	pids+=($!)
done
watch_occupied 8 6 > "$T/beyond"
touch "$T/enough"
wait "${pids[@]}"
is 'never more than are owned, by the server' "$(sort "$T/beyond" | uniq -c)" ''
ok 'nor by the guests' [ "$(cat "$T"/vm*.life | most_at_once)" -le 6 ]
ok 'which took them all at times' [ "$(cat "$T"/vm*.life | most_at_once)" -ge 5 ]
for n in 1 11; do ok "guests of both enclaves had one (vm$n)" test -s "$T/vm$n.life"; done
is 'what was given back is free' "$(wait_for 10 occupied_is 0; occupied)" 0
is 'the store is whole' "$(sql 'PRAGMA integrity_check')" ok
t_end
