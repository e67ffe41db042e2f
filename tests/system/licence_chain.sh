#!/bin/bash
# Gateway, proxy, relay, licence server: what passes, what does not, hops that are skipped, killed, slow, silent, and that alter octets.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_chain
licence_world || exit 1
pool web 4 lease_s 40 grace_s 4
# What the relay connects to, so that octets can be altered behind it.
link_add inner "${PORT[forwarded]}"
FORWARDED=localhost:${PORT[inner]}
relay_add relay1 relay || exit 1
link_add wire "${PORT[relay1]}"
relay_add proxy1 proxy "next.address=127.0.0.1:${PORT[wire]}" || exit 1
gateway_add gw-east east "server home.url=https://$FORWARDED" "server home.proxy=${URL[proxy1]}" broker.lease=30s || exit 1
relay_start relay1 && relay_start proxy1 && gateway_start gw-east || exit 1
vms_join 1 6 || exit 1
gw_id=$(uuid 903)

# -- all the way
ok 'a guest is granted' wait_for 5 lease_is vm1 1 '200 1'
is 'the server knows the gateway that asked, not who carried it' "$(sql 'SELECT group_concat(DISTINCT holder) FROM lease')" "$gw_id"
opened() { [ "$(sql "SELECT count(*) FROM licensed WHERE uuid = '$(uuid 1)'")" = 1 ]; }
ok 'and the guest' wait_for 5 opened
ok 'so it has its keys' as vm1 GET /v1/coi-keys
ok 'both carried it' grep -q '"event"' "$T/relay1.log"

# -- what does not pass
through() { # PROXY URL: with the gateway's certificate
	curl -s -m 5 -o /dev/null -w '%{http_connect} %{http_code}' --cacert "$CA" --cert "$T/gw-east.pem" --key "$T/gw-east.key" --proxy "$1" --proxy-insecure \
		--proxy-cacert "$CA" --proxy-cert "$T/gw-east.pem" --proxy-key "$T/gw-east.key" "$2"
}
like 'a gateway through the proxy' "$(through "${URL[proxy1]}" "https://$FORWARDED/v1/licences/watch?since=0&wait=0")" '^200 200$'
like 'straight to the relay: refused' "$(through "${URL[relay1]}" "https://$FORWARDED/v1/licences/watch?since=0&wait=0")" '^403 000$'
like 'to where nobody allowed' "$(through "${URL[proxy1]}" "$POLICYD_URL/v1/licences/watch?since=0&wait=0")" '^403 000$'
without() { curl -s -m 5 -o /dev/null -w '%{http_connect} %{http_code}' --cacert "$CA" --proxy "${URL[proxy1]}" --proxy-insecure "https://$FORWARDED/"; }
like 'without a certificate' "$(without)" '^000 000$'
for path in .well-known/est/cacerts v1/coi-keys v1/directory?wait=0 v1/vms/x/starting; do
	like "/$path is not for forwarders to bring" "$(through "${URL[proxy1]}" "https://$FORWARDED/$path")" '^200 40[34]$'
done
AT[relay1]=https://$FORWARDED
like 'the relay itself may ask nothing' "$(lease relay1 2)" '^403 '

# -- the broker at a relay, not at the proxy
proc_stop gw-east
ini_set "$T/gw-east/gatewayd.conf" "server home.proxy=${URL[relay1]}"
gateway_start gw-east || exit 1
skipped() { grep -E '"level":"warning"|"level":"error"' "$T/gw-east.log" | grep -q 403; }
lease vm2 1 >/dev/null
ok 'a broker that skips a hop is refused, and says so' wait_for 8 skipped
like 'and has no more than it had' "$(lease vm6 1; occupied)" '[0-4]$'
proc_stop gw-east
ini_set "$T/gw-east/gatewayd.conf" "server home.proxy=${URL[proxy1]}"
gateway_start gw-east || exit 1
ok 'by the proxy it goes on' wait_for 10 lease_is vm2 1 '200 1'

# -- a hop is killed
proc_stop relay1 KILL
is 'the relay is gone: guests live on what the broker holds' "$(lease vm1 1)" '200 1'
relay_start relay1 || exit 1
ok 'it is back: so are grants' wait_for 10 lease_is vm3 1 '200 1'
proc_stop proxy1 KILL
relay_start proxy1 || exit 1
ok 'and after the proxy' wait_for 10 lease_is vm4 1 '200 1'
like 'with no more than are owned' "$(lease vm5 1)" '^409 0 '

# -- a slow link
slow() {
	proc_stop wire
	link_add wire "${PORT[relay1]}" "$@"
}
slow --rate 4000
lease vm4 0 >/dev/null
ok 'a slow link: a grant comes' wait_for 15 lease_is vm5 1 '200 1'
began=$(boot)
is 'a renewal by the broker takes no time' "$(lease vm1 1)" '200 1'
ok 'as it takes no trip' awk -v a="$began" -v b="$(boot)" 'BEGIN {exit b - a > 1}'

# -- octets altered between proxy and relay, and behind the relay: in the first record, in the handshake, and in the request
sent() { sql 'SELECT max(seq) FROM lease'; }
renewed() { [ "$(sent)" -gt "$before" ]; }
opened() { [ "$(grep -c open "$T/$1.log")" -ge "$2" ]; }
slow
for fault in wire:700 inner:700 inner:1500; do
	link=${fault%:*}
	to=${PORT[relay1]}
	[ "$link" = wire ] || to=${PORT[forwarded]}
	proc_stop "$link"
	link_add "$link" "$to" --flip "${fault#*:}"
	wait_for 10 opened "$link" 1
	before=$(sent)
	ok "$fault altered: it is tried again" wait_for 10 opened "$link" 3
	is 'but brings nothing about' "$(sent)" "$before"
	is 'the guests have what they have' "$(lease vm1 1)" '200 1'
	proc_stop "$link"
	link_add "$link" "$to"
	lease vm5 0 >/dev/null
	ok 'without faults there are answers' wait_for 10 renewed
	wait_for 10 lease_is vm5 1 '200 1'
done

# -- a silent one
sql 'UPDATE licence_pool SET lease_s = 8'
ok 'leases are shorter from the next renewal on' wait_for 25 gateway_ends_within gw-east 8
lease vm5 0 >/dev/null
ok 'a guest that was promised no more than that' wait_for 8 lease_is vm6 1 '200 1'
slow --mute
is 'silence: guests live on what the broker holds' "$(lease vm6 1)" '200 1'
over() { [ "$(lease vm6 1 | cut -c 1-3)" != 200 ]; }
ok 'until that is over' wait_for 20 over
slow
ok 'it is over' wait_for 15 lease_is vm6 1 '200 1'
ok 'never more than are owned' [ "$(occupied)" -le 4 ]

# -- what policyd lets forwarders bring
ini_set "$T/policyd.conf" 'forwarded.serves=licences est coi'
kill -HUP "$POLICYD_PID"
brought() { [ "$(through "${URL[proxy1]}" "https://$FORWARDED/$1")" = "200 $2" ]; }
ok 'EST, where that is configured' wait_for 10 brought .well-known/est/cacerts 200
ok 'and COI keys' brought v1/coi-keys 200
ok 'but nothing that is a host'\''s' brought v1/vms/x/starting 404
for name in proxy1 relay1; do like "$name counts" "$(curl -s "http://127.0.0.1:${PORT[$name-status]}/metrics")" 'vmprov_relay_[a-z_]+\{?[^}]*\}? [1-9]'; done
t_end
