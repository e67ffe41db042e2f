#!/bin/bash
# A guest without a licence gets no COI keys; one that loses it keeps them to the end of the grace, and then its peers drop it.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_keys
licence_world coi.grace=2s || exit 1
pool web 3 lease_s 4 grace_s 3
gateway_add gw-east east && gateway_start gw-east || exit 1
vm_join 1 && vm_join 2 && vm_join 5 lone && vm_join 6 lone || exit 1
wg() { printf '%032d' "$1" | base64; }
self() { as "vm$1" PUT /v1/self -d "{\"wireguard_key\": \"$(wg "$1")\", \"endpoint\": \"192.0.2.$1:51820\"}"; }
keys() { as "vm$1" GET /v1/coi-keys; }
no_keys() { ! keys "$1" >/dev/null; }
epoch() { sql 'SELECT max(epoch) FROM coi_key'; }
sees() { as "vm$1" GET '/v1/directory?wait=0' | grep -q "$(uuid "$2")"; }
after() { awk -v a="$1" -v b="$(boot)" 'BEGIN {printf "%.1f", b - a}'; }

for n in 1 5; do
	fails "vm$n has no licence: no keys" 'no licence for web-std.*status 403' keys $n
	fails 'no place in the directory' 'no licence for web-std.*status 403' self $n
	fails 'and no directory' 'no licence for web-std.*status 403' as vm$n GET '/v1/directory?wait=0'
done
is 'vm1 asks its gateway' "$(lease vm1 1)" '200 1'
ok 'and has keys as soon as the server has heard of it' wait_for 3 keys 1
is 'vm5 asks the server' "$(lease vm5 1)" '200 1'
ok 'and has them at once' keys 5
keys 5 > "$T/vm5.json"
like 'which open' "$(vmprov-open --ca "$CA" --cert "$T/vm5.pem" --key "$T/vm5.key" --json "$T/vm5.json")" '^web [0-9]'
ok 'both are in the directory' self 1
ok 'both' self 5
ok 'and see each other' sees 1 5

# -- one that is not renewed
lease vm5 1 >/dev/null
lost=$(boot)
before=$(epoch)
lease vm1 1 >/dev/null
like 'a life and a grace' "$(answer vm5 duration_s) $(answer vm5 grace_s)" '^[34] 3$'
renewing() {
	lease vm1 1 >/dev/null
	no_keys 5
}
ok 'vm5 renews no more' wait_for 12 renewing
took=$(after "$lost")
ok "its keys last to the end of the grace ($took s)" awk -v t="$took" 'BEGIN {exit !(t >= 6.8 && t < 10)}'
ok 'then its peers are told that it is gone' wait_for 3 sh -c "! curl -s --cacert '$CA' --cert '$T/vm1.pem' --key '$T/vm1.key' '$POLICYD_URL/v1/directory?wait=0' | grep -q '$(uuid 5)'"
newer() { [ "$(epoch)" -gt "$before" ]; }
ok 'and the community has a new key' wait_for 5 newer
like 'for a reason that the audit trail tells' "$(sql "SELECT detail FROM audit WHERE event = 'epoch' ORDER BY id DESC LIMIT 1")" 'licence lapsed'
ok 'the other has that' wait_for 5 keys 1
is 'with a licence again' "$(lease vm5 1)" '200 1'
ok 'it has keys again' keys 5

# -- its gateway is gone
is 'vm1' "$(lease vm1 1)" '200 1'
proc_stop gw-east KILL
lost=$(boot)
ok 'while the gateway is away, it keeps its keys' keys 1
ok 'to the end of the gateway'\''s grace' wait_for 12 no_keys 1
took=$(after "$lost")
ok "which is over when no renewal has come ($took s)" awk -v t="$took" 'BEGIN {exit !(t >= 4 && t < 9)}'
gateway_start gw-east || exit 1
ok 'it is back: a licence' wait_for 8 lease_is vm1 1 '200 1'
ok 'and keys' wait_for 5 keys 1

# -- given back, and stopped
is 'vm1 gives its back' "$(lease vm1 0)" '200 0'
ok 'no keys' wait_for 3 no_keys 1
is 'vm2' "$(lease vm2 1)" '200 1'
wait_for 3 keys 2
is 'vm6' "$(lease vm6 1)" '200 1'
vm_stop 2
vm_stop 6
is 'stopped by its host: off the record at once' "$(sql "SELECT count(*) FROM licensed WHERE uuid IN ('$(uuid 2)', '$(uuid 6)')")" 0
is 'the one without a gateway is free for another at once' "$(lease vm5 1)" '200 1'
free() { [ "$(gateway_metric gw-east vmprov_broker_in_use)" = 0 ]; }
ok 'and the broker hears of its own' wait_for 3 free

# -- a template without a product
sql "UPDATE template SET licence_product = '' WHERE name = 'web-east'"
ok 'where none is needed, keys come without' keys 1
t_end
