#!/bin/bash
# A machine whose template names a product: it talks with a licence alone, from policyd or from its gateway's broker; through the
# grace and out when there is none any more; what it has goes back when it stops.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coid_licence
if [ "$(id -u)" != 0 ]; then
	echo 'coid_licence: left out: only root may make network namespaces'
	t_end
fi
# Behind its filter nobody can look for leaks.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

lease_of() { coid_ask "$1" --json 2>/dev/null | tr -d '\n' | sed -nE "s/.*\"lease\": \{([^}]*)\}.*/\1/p" | sed -nE "s/.*\"$2\": *\"?([^\",}]*).*/\1/p"; }
lease_state_is() { [ "$(lease_of "$1" state)" = "$2" ]; }
occupied() { sql 'SELECT coalesce(sum(count + lapsing), 0) FROM lease_part'; }
occupied_is() { [ "$(occupied)" = "$1" ]; }
logged() { grep -c "\"event\":\"$2\"" "$T/$1/coid.log"; }
has_logged() { [ "$(logged "$@")" -gt 0 ]; }
why() { coid_ask "$1" 2>/dev/null | sed -n 's/^state *//p'; }
not_well() { ! coid_well "$1"; }
no_address() { [ -z "$(inner "$1")" ] || [ -z "$(peers_of "$1")" ]; }

coi_world coa.enabled=no || exit 1
sql "UPDATE template SET licence_product = 'web-std' WHERE name = 'web'" \
	"INSERT INTO licence_pool (name, product, owned, lease_s, grace_s) VALUES ('shared', 'web-std', 1, 6, 4)"

# -- from policyd
machine_add web1 web && machine_add web2 web && machine_add app1 app || exit 1
coid_start web1 app1 || exit 1
is 'there is one' "$(lease_of web1 state) $(lease_of web1 product) $(coid_metric web1 vmprov_coid_licence_held)" 'held web-std 2'
ok 'with it the machine talks' wait_for 10 pings web1 app1
is 'one without need of it asks for none' "$(lease_of app1 state) $(coid_metric app1 vmprov_coid_licence_needed)" 'not-needed 0'
coid_begin web2
ok 'there is none for a second machine' wait_for 10 has_logged web2 lease-refused
like 'which says so' "$(why web2)" 'no licence for web-std: .'
is 'and is no member' "$(inner web2)" ''
held_longer() { [ "$(coid_metric web1 vmprov_coid_licence_requests_total)" -ge 3 ]; }
ok 'it is renewed' wait_for 15 held_longer
is 'and never in its grace' "$(logged web1 lease-grace)" 0
coid_stop web1
is 'stopped, it has given it back' "$(sql "SELECT coalesce(sum(wants), 0) FROM lease WHERE holder = '$(uuid_of web1)'")" 0
ok 'for the other one' wait_for 70 coid_well web2
ok 'which talks now' wait_for 10 pings web2 app1

# -- it runs out
sql "UPDATE licence_pool SET enabled = 0"
ok 'what is not renewed comes into its grace' wait_for 20 lease_state_is web2 grace
ok 'in which it talks on' pings web2 app1 2
ok 'and is well' coid_well web2
ok 'and then it is over' wait_for 10 lease_state_is web2 over
like 'that is why it is not well' "$(why web2)" 'the licence is over for web-std'
ok 'it has no peer any more' wait_for 2 no_address web2
fails 'and reaches nobody' '' pings web2 app1
ok 'nor do others have it as theirs' wait_for 5 has_no_peer app1 web2
is 'its keys are not on the disk either' "$(find "$T/web2/lib/vmprov/coid" -name 'coi-keys.json' -size +0 | wc -l)" 0
sql "UPDATE licence_pool SET enabled = 1"
ok 'until there is one again' wait_for 70 coid_well web2
ok 'and it talks' wait_for 10 pings web2 app1

# -- the server is away for less than that
policyd_stop
ok 'a server that is away for a moment is none of its business' wait_for 10 has_logged web2 lease-refused
policyd_start "$T" || exit 1
lease_is_new() { lease_state_is web2 held && [ "$(lease_of web2 ends_in_s)" -ge 4 ]; }
ok 'it goes on' wait_for 15 lease_is_new
coid_stop web2

# -- killed, it starts with what is on record
machine_add web3 web || exit 1
sql "UPDATE licence_pool SET owned = 2"
coid_start web3 || exit 1
coid_stop web3 KILL
coid_begin web3
ok 'killed, it takes up its own' wait_for 10 coid_well web3
is 'and has one' "$(sql "SELECT sum(count) FROM lease_part" 2>/dev/null)" 1
coid_stop web3
ok 'which goes back' wait_for 3 occupied_is 0

# -- from a gateway
gateway_add gw1 "server home.url=$POLICYD_URL" broker.lease=6s broker.refresh=1s listen.address=0.0.0.0:8444 || exit 1
sql "UPDATE template SET broker = 1 WHERE name = 'gateway'" "UPDATE template SET gateway = '$(under gw1)' WHERE name = 'web'"
gateway_start gw1 || exit 1
machine_add web4 web || exit 1
coid_begin web4
ok 'a gateway'\''s broker gives it one' coid_wait web4
like 'whom it asks at its underlay address' "$(lease_of web4 gateway)" "^$(under gw1)$"
ok 'and it talks' wait_for 10 pings web4 app1
gateway_stop gw1
ok 'while the broker is away it goes on, as long as it lasts' pings web4 app1 2
ok 'and then it is over' wait_for 20 lease_state_is web4 over
gateway_start gw1 || exit 1
ok 'and begins again' wait_for 70 coid_well web4
coid_stop web4
ok 'and goes back to the gateway' [ "$(logged web4 lease-granted)" -ge 2 ]
coid_stop app1
gateway_stop gw1
t_end
