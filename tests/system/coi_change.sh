#!/bin/bash
# Memberships change while traffic flows: who comes in talks within seconds; who goes out is cut off within one, at both ends, and
# with all that it ever had can read nothing that is said afterwards.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coi_change
if [ "$(id -u)" != 0 ]; then
	echo 'coi_change: left out: only root may make network namespaces'
	t_end
fi

# stops_within DESCRIPTION FLOW SINCE MS: nothing came any more so long after the change
stops_within() {
	local took
	ok "$1: the flow ends" wait_for 5 flow_silent "$2" 500
	took=$((($(flow_last "$2") - $3) / 1000))
	[ -z "${VERBOSE:-}" ] || echo "          $1: the last packet after $took ms"
	ok "$1: within $4 ms" test "$took" -lt "$4"
}
has_no_keys() { [ "$(coid_metric "$1" vmprov_coi_keys)" = 0 ]; }
unwell() { ! coid_well "$1"; }

coi_world || exit 1
vmprov --store "$POLICYD_STORE" licence pool add std-2026 product=std owned=5 lease_s=4 grace_s=2 >/dev/null || exit 1
sql "INSERT INTO template (name, tenant_id, enclave_id, auto_create, licence_product) SELECT 'paid', tenant_id, enclave_id, 1, 'std' FROM template WHERE name = 'app';
	INSERT INTO template_coi (template_id, coi_id) SELECT template.id, coi.id FROM template, coi WHERE template.name = 'paid' AND coi.name = 'app'"
machine_add app1 app && machine_add web1 web && machine_add web2 web && machine_add web3 web && machine_add web4 web && machine_add web5 web &&
	machine_add paid1 paid && machine_add lone1 lone || exit 1
coid_start app1 web1 web2 web3 web4 web5 paid1 lone1 || exit 1
capture_start before "udp port $((COI_PORT + 1))"
flow_start steady web1 app1 200
for n in 2 3 4 5; do flow_start gone$n web$n app1 100; done
flow_start back2 app1 web2 100
flow_start paid paid1 app1 200
flow_start new lone1 app1 200
for flow in steady gone2 gone3 gone4 gone5 back2 paid; do ok "flow $flow" flow_up $flow; done
is 'and not that of the one who is in no community' "$(flow_count new)" 0

# -- somebody comes
at=$(now_us)
cois lone1 app
ok 'who comes in talks' flow_up new
took=$((($(flow_first new) - at) / 1000))
ok "within 2 s: $took ms" test "$took" -lt 2000
cois lone1
at=$(now_us)
stops_within 'who goes out again' new "$at" 1000

# -- somebody goes, and keeps everything
sql "UPDATE licence_pool SET owned = 0"
knows web2
at=$(now_us)
cois web2
stops_within 'a member goes' gone2 "$at" 1000
stops_within 'what it was sent' back2 "$at" 1000
ok 'its peers have removed it' has_no_peer app1 web2
ok 'it has removed them' peer_is web2 ''
ok 'and forgotten its keys' wait_for 3 has_no_keys web2
is 'no key is on its disk either, in any envelope' "$(grep -o '"cms"' "$T/web2/lib/vmprov/coid/coi-keys.json" 2>/dev/null | wc -l)" 0
ok 'those who stay agree under the next epoch' wait_for 5 at_epoch app web1 app1
capture_stop before
capture_start after "udp port $((COI_PORT + 1))"
epoch=$(epoch_of app)
vmprov --store "$POLICYD_STORE" coi rotate app >/dev/null
newer() { [ "$(epoch_of app)" -gt "$epoch" ]; }
wait_for 5 newer
for name in web1 web3; do ok "and $name and app1 under the one after" wait_for 5 at_epoch app $name app1; done
capture_stop after
knows web1
like 'a member opens what was said to it before' "$(coi-play open "$T/before.pcap" --port $((COI_PORT + 1)) --world "$T/web2.world" | tail -n 1)" '^open [1-9]'
like 'and after, with its new keys' "$(coi-play open "$T/after.pcap" --port $((COI_PORT + 1)) --world "$T/web1.world" | tail -n 1)" '^open [1-9]'
like 'the former member opens nothing that came after' "$(coi-play open "$T/after.pcap" --port $((COI_PORT + 1)) --world "$T/web2.world" | tail -n 1)" '^open 0 sealed [1-9]'
is 'nor did it open what others said before' "$(coi-play open "$T/before.pcap" --port $((COI_PORT + 1)) --world "$T/web2.world" | grep '^open' | grep -cv web2)" 1

# -- hostile: it does not let go of WireGuard
coid_stop web3 KILL
at=$(now_us)
cois web3 web
stops_within 'one whose coid is dead, and whose WireGuard goes on' gone3 "$at" 1000
flow_start knock web3 app1 100
is 'its WireGuard still has the peer' "$(peers_of web3)" app1

# -- other reasons
at=$(now_us)
sql "UPDATE vm_record SET enabled = 0 WHERE name = 'web4'"
stops_within 'a machine is disabled' gone4 "$at" 1000
ok 'it says so' wait_for 3 unwell web4
like 'with the reason' "$(coid_ask web4 2>&1)" 'disabled|refused|revoked'
at=$(now_us)
vmprov --store "$POLICYD_STORE" cert revoke web5 --reason keyCompromise >/dev/null
stops_within 'a certificate is revoked' gone5 "$at" 1000
ok 'its holder has no peer' wait_for 3 peer_is web5 ''
ok 'and no key' wait_for 3 has_no_keys web5
ok 'a lease is not renewed: the flow ends with it' wait_for 15 flow_silent paid 500
ok 'its peers have removed it' wait_for 2 has_no_peer app1 paid1
ok 'and its keys are gone' wait_for 3 has_no_keys paid1
is 'the dead one has not come through' "$(flow_count knock)" 0
flow_stop knock

# -- the whole community
ok 'the others have talked all the while' flow_on steady
is 'without a lost packet' "$(flow_lost steady)" 0
at=$(now_us)
sql "UPDATE coi SET enabled = 0 WHERE name = 'app'"
stops_within 'the community is disabled' steady "$at" 1000
at=$(now_us)
sql "UPDATE coi SET enabled = 1 WHERE name = 'app'"
ok 'and enabled' flow_on steady
took=$((($(flow_first steady "$at") - at) / 1000))
ok "packets pass within 3 s: $took ms" test "$took" -lt 3000
for n in 2 3 4 5; do flow_stop gone$n; done
for flow in steady back2 paid new; do flow_stop $flow; done
for name in app1 web1 web2 web4 web5 paid1 lone1; do coid_stop $name; done
t_end
