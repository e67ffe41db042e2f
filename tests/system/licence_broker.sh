#!/bin/bash
# One gateway's broker and one licence server: what a guest is told, what is written down, and what the broker says of itself.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_broker
# Behind its filter nobody can look for leaks, and its end is looked at.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
licence_world || exit 1
pool shared 3 lease_s 20 grace_s 4
gateway_add gw-east east && gateway_start gw-east || exit 1
vms_join 1 4 || exit 1
answers() { curl -s -m 5 "$1" | grep -qE "$2"; }
sql_is() { [ "$(sql "$1")" = "$2" ]; }
GW_STATUS=http://127.0.0.1:${PORT[gw-east-status]}

# -- who may ask, and what
is 'no certificate' "$(curl -sk -o "$T/out" -w '%{http_code}' -d '{}' "${URL[gw-east]}/v1/licences/lease")" 401
like 'it is told why' "$(cat "$T/out")" 'expected a client certificate'
for body in '' '[]' '{}' '{"product":"web-std"}' '{"product":"web-std","request_id":"no","wants":1}' \
	"{\"product\":\"web-std\",\"request_id\":\"$(new_id)\",\"wants\":2}" \
	"{\"product\":\"web-std\",\"request_id\":\"$(new_id)\",\"wants\":1,\"started\":[]}"; do
	is "malformed: $body" "$(lease_curl vm1 -o "$T/out" -w '%{http_code}' -d "$body" "${URL[gw-east]}/v1/licences/lease")" 400
	like 'one line of why' "$(cat "$T/out")" '"error": ?"[^"]+'
done
is 'too long' "$(head -c 5000 /dev/zero | tr '\0' ' ' |
	lease_curl vm1 -o "$T/out" -w '%{http_code}' --data-binary @- "${URL[gw-east]}/v1/licences/lease")" 413
is 'another method' "$(lease_curl vm1 -o "$T/out" -w '%{http_code}' "${URL[gw-east]}/v1/licences/lease")" 405
is 'another path' "$(lease_curl vm1 -o "$T/out" -w '%{http_code}' "${URL[gw-east]}/v1/self")" 404
like 'a product of no pool' "$(lease vm1 1 '"product":"no such"')" '^409 0 [a-z]'

# -- grants
is 'the first' "$(lease vm1 1)" '200 1'
ok 'ends before the gateway'"'"'s own lease' [ "$(answer vm1 duration_s)" -le 4 ]
is 'with the pool'"'"'s grace' "$(answer vm1 grace_s)" 4
is 'the same request again' "$(lease_again vm1)" '200 1'
is 'a renewal' "$(lease vm1 1)" '200 1'
is 'a request from before the last answer' "$(lease_body vm1 1 '"seen":0'; lease_send vm1)" 409
is 'is stale' "$(answer vm1 stale) $(answer vm1 granted)" 'true 1'
before=$(gateway_metric gw-east vmprov_broker_requests_total)
is 'the second' "$(lease vm2 1)" '200 1'
is 'the third' "$(lease vm3 1)" '200 1'
like 'the fourth is refused, with the server'"'"'s reason' "$(lease vm4 1)" '^409 0 .*in use'
is 'and how many are left' "$(answer vm4 available)" 0
ok 'few requests to the server' [ $(($(gateway_metric gw-east vmprov_broker_requests_total) - before)) -lt 30 ]
is 'as many are out as are owned' "$(occupied)" 3
ok 'the server has the guests on record' wait_for 5 sql_is 'SELECT count(*) FROM licensed' 3
lease vm4 1 >"$T/fourth" &
waits=$!
sleep 0.2
is 'one gives its back' "$(lease vm3 0)" '200 0'
wait "$waits"
is 'and the fourth, which waited, has it' "$(cat "$T/fourth")" '200 1'
vm_stop 2
ok 'one stops, and another has its licence at once' wait_for 5 lease_is vm3 1 '200 1'
ok 'the record follows' wait_for 5 sql_is 'SELECT count(*) FROM licensed' 3

# -- kill -9
seq=$(answer vm1 seq)
proc_stop gw-east KILL
gateway_start gw-east || exit 1
is 'a renewal goes on from the last answer' "$(lease vm1 1)" '200 1'
ok 'with a higher number' [ "$(answer vm1 seq)" -gt "$seq" ]
like 'and nobody was doubled' "$(lease vm2 1)" '^409 0'
is 'nor was the server asked for more' "$(occupied)" 3

# -- what it says of itself
like 'health' "$(curl -s "$GW_STATUS/healthz")" '"store":"ok","identity":"ok","servers":\{"home":"ok"\}'
like 'status' "$(curl -s "$GW_STATUS/v1/status")" '"product":"web-std","in_use":3,'
is 'metrics' "$(gateway_metric gw-east vmprov_broker_in_use)" 3
like 'refusals are logged' "$(grep -h licence-refused "$T/gw-east.log" | tail -n 1)" '"uuid":"'
policyd_stop
ok 'a silent server is told of' wait_for 10 answers "$GW_STATUS/healthz" '"home":"[^o"]'
ok 'with the gateway well' status_is "$GW_STATUS/healthz" 200
is 'and a guest renews' "$(lease vm1 1)" '200 1'

# -- the end
kill "${PID[gw-east]}"
wait "${PID[gw-east]}"
is 'stopped in order' "$?" 0
PID[gw-east]=
is 'the store is whole' "$(sqlite3 "$T/gw-east/state/gateway.db" 'PRAGMA integrity_check')" ok
is 'what guests have stays theirs' "$(sqlite3 "$T/gw-east/state/gateway.db" 'SELECT count(*) > 0 FROM child WHERE held')" 1
t_end
