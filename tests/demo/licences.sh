#!/bin/bash
# make demo's part about licences: a pool of three for two enclaves, each with a gateway that is its guests' licence broker.  Writes
# "right wrong" to DEMO_SUM.
. "$(dirname "$0")/common.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
t_begin demo_licences

told() { printf '%s (status %s)' "$(sed -e 's/"request_id": *"[^"]*", *//' -e 's/\([,:]\) *"/\1"/g; s/: /:/g' "$T/$1.answer")" "$2"; }
asks() { lease_body "$@" && told "$1" "$(lease_send "$1")"; }
has_keys() { as "$1" GET /v1/coi-keys >/dev/null; }
keys() { as "$1" GET /v1/coi-keys 2>&1 | cut -c 1-80; }

LICENCE_PORT=$((${VMPROV_PORT:-18120} + 40)) licence_world || exit 1
head_line 'Licences: gateways gw-east and gw-west are the brokers of their enclaves, three licences are owned'
note 'vmprov licence pool add web-2026 product=web-std owned=3'
vmprov --store "$POLICYD_STORE" licence pool add web-2026 product=web-std owned=3 >/dev/null || exit 1
for enclave in east west; do gateway_add gw-$enclave $enclave broker.lease=10m broker.refresh=30s && gateway_start gw-$enclave || exit 1; done
vm_join 1 east && vm_join 2 east && vm_join 3 west && vm_join 4 west || exit 1

expect 'a guest that has no licence gets no COI keys' "$(keys vm1)" 'no licence for web-std'
expect 'vm1, in the east, asks its gateway, which has the licence from policyd' "$(asks vm1 1)" '"granted":1.*status 200'
wait_for 5 has_keys vm1
expect 'and has its keys' "$(keys vm1)" '"coi":"web"'
lease vm2 1 >/dev/null
wait_for 5 lease_is vm3 1 '200 1'
expect 'vm2 as well; vm3, in the west, gets the third of its own gateway' "$(told vm3 200)" '"granted":1.*status 200'
expect 'vm4 is refused, and told why and how many are left' "$(asks vm4 1)" '"granted":0.*"available":0.*"reason":"[a-z].*status 409'
vmprov --store "$POLICYD_STORE" licence usage
note 'vm1, in the east, stops: its host reports that'
vm_stop 1
began=${EPOCHREALTIME/./}
wait_for 10 lease_is vm4 1 '200 1'
expect 'its licence moves to the west, and vm4 starts' "$(told vm4 200)" '"granted":1.*status 200'
note "$(((${EPOCHREALTIME/./} - began) / 1000)) ms after the stop"
expect 'never more than three are out' "$(vmprov --store "$POLICYD_STORE" licence lease list)" 'gateway'
vmprov --store "$POLICYD_STORE" licence denials --last 1
echo "$passed $failed" > "${DEMO_SUM:-/dev/null}"
[ "$failed" = 0 ]
