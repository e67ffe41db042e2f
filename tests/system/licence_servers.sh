#!/bin/bash
# Two licence servers, each with a share of its own: a broker goes to the next when one refuses or is silent, then takes less.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_servers
# The first has the guests' records, and believes the gateway what the others gave.
licence_world licence.elsewhere=yes || exit 1
gateway_add gw-east east || exit 1
server_copy second
pool web 2 lease_s 15 grace_s 4
sqlite3 "$T/second/state/policy.db" "INSERT INTO licence_pool (name, product, owned, lease_s, grace_s) VALUES ('web', 'web-std', 3, 15, 4)"
server_start second || exit 1
link_add wire "${PORT[second]}"
ini_set "$T/gw-east/gatewayd.conf" "server second.url=https://localhost:${PORT[wire]}" broker.lease=12s
gateway_start gw-east || exit 1
vms_join 1 7 || exit 1
held_by() { sqlite3 -cmd '.timeout 5000' "$1" 'SELECT coalesce(sum(count), 0) FROM lease_part'; }
first=$POLICYD_STORE second=$T/second/state/policy.db

for n in 1 2; do is "vm$n" "$(lease vm$n 1)" '200 1'; done
is 'from the first' "$(held_by "$first")" 2
for n in 3 4 5; do ok "vm$n, as the first has no more" wait_for 5 lease_is vm$n 1 '200 1'; done
is 'is from the second' "$(held_by "$second")" 3
like 'when both have none left, a reason comes' "$(lease vm6 1)" '^409 0 [a-z]'
is 'and how many there are' "$(answer vm6 available)" 0
is 'each gave what it owns' "$(held_by "$first") $(held_by "$second")" '2 3'

# -- a smaller number
for n in 1 2 3 4 5; do lease vm$n 0 >/dev/null; done
all_free() { [ "$(held_by "$first") $(held_by "$second")" = '0 0' ]; }
ok 'given back, to both' wait_for 12 all_free
pids=()
for n in 1 2 3 4 5 6 7; do
	lease vm$n 1 > "$T/at-once.$n" &
	pids+=($!)
done
wait "${pids[@]}"
again() { for n in $(seq "$1"); do lease vm$n 1; done | grep -c '^200 1$'; }
settled() { [ "$(again 7)" = 5 ]; }
ok 'seven at once: five are granted' wait_for 1 settled
is 'which is all that there are' "$(held_by "$first") $(held_by "$second")" '2 3'

# -- the first is silent
for n in 1 2 3 4 5 6 7; do lease vm$n 0 >/dev/null; done
ok 'given back' wait_for 12 all_free
net=$(policyd_process net)
kill -STOP "$net"
ok 'the first is silent: the next one grants' wait_for 10 lease_is vm1 1 '200 1'
is 'from the second' "$(held_by "$second" | sed 's/[1-3]/some/')" some
ok 'and /healthz of the broker says which is silent' grep -q home <(curl -s "http://127.0.0.1:${PORT[gw-east-status]}/healthz" "http://127.0.0.1:${PORT[gw-east-status]}/v1/status")
kill -CONT "$net"
for n in 2 3 4 5; do ok "it is back: vm$n" wait_for 10 lease_is vm$n 1 '200 1'; done
is 'and both have given what they own' "$(held_by "$first") $(held_by "$second")" '2 3'

# -- the second is away for good: what it gave ends, and no more than what is left is in use
proc_stop second KILL
left() { [ "$(again 5)" = 2 ]; }
ok 'the second is gone: two are left in the end' wait_for 20 left
t_end
