#!/bin/bash
# The directory: what a VM shares, changes while it waits, and nothing of others.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_directory
policyd_make "$T"
policyd_start "$T" || exit 1
policyd_sample
host_enrol hv1 || exit 1

uuid_of() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
mac_of() { printf '52:54:00:00:09:%02d' "$1"; }
wg() { printf '%032d' "$1" | base64; }
self() { as "$1" PUT /v1/self -d "{\"wireguard_key\": \"$(wg "$2")\", \"endpoint\": \"${3:-192.0.2.$2:51820}\"}"; }
look() { as "$1" GET "/v1/directory?${2:-wait=0}"; }
version() { look "$1" | sed 's/.*"version":\([0-9]*\).*/\1/'; }
# since NAME VERSION STATEMENT: what a waiting client is told after the statement
since() {
	look "$1" "since=$2&wait=20" > "$T/told" &
	local waiter=$!
	wait_for 5 waiting
	sql "$3"
	wait "$waiter"
}
waiting() { curl -sf "$POLICYD_STATUS/metrics" | grep -q '^vmprov_directory_waiters [1-9]'; }

for n in 1 2; do join hv1 "$(uuid_of $n)" "$(mac_of $n)" web "vm$n" || exit 1; done
join hv1 "$(uuid_of 4)" 52:54:00:00:03:01 db vm4 || exit 1

like 'one who has not registered sees itself nowhere' "$(look vm1)" '"full":true,"peers":\[\],"gone":\[\]'
like 'registering answers with the inner address' "$(self vm2 2)" '"inner_address":"fd[0-9a-f:]*5054:ff:fe00:902"'
like 'a peer: id, name, key, endpoint, inner address, COIs with epochs' "$(look vm1)" \
	"\"id\":\"$(uuid_of 2)\",\"name\":\"[^\"]*\",\"wireguard_key\":\"$(wg 2)\",\"endpoint\":\"192.0.2.2:51820\",\"inner_address\":\"fd[^\"]*\",\"inner_ipv4\":\"\",\"gateway\":false,\"remote\":false,\"routes\":\[\],\"cois\":\[\{\"id\":[0-9]+,\"name\":\"web\",\"priority\":20,\"members\":[0-9]+,\"epoch\":1\}\]"
self vm4 4 >/dev/null
fails 'one who shares nothing is not there' '' grep -q "$(uuid_of 4)" <(look vm1)
like 'nor is it the other way' "$(look vm4)" '"peers":\[\]'

# -- refusals
fails 'a key that is none' 'status 400' as vm1 PUT /v1/self -d '{"wireguard_key": "short", "endpoint": "192.0.2.1:1"}'
fails 'an endpoint that is none' 'status 400' self vm1 1 nonsense
fails 'an endpoint with a name' 'status 400' self vm1 1 host.example:51820
ok 'an IPv6 endpoint' self vm1 1 '[2001:db8::1]:51820'
fails 'a host is in no directory' 'status 403' self hv1 9
fails 'nor sees one' 'status 403' look hv1
fails 'since what' 'status 400' look vm1 since=x
fails 'a negative version' 'status 400' look vm1 since=-1

# -- waiting
v=$(version vm1)
like 'nothing has changed: the wait ends' "$(look vm1 "since=$v&wait=1")" '"full":false,"peers":\[\],"gone":\[\]'
since vm1 "$v" "INSERT INTO member SELECT mac, coi.id FROM guest, coi WHERE uuid = '$(uuid_of 4)' AND name = 'web'"
like 'sqlite3 adds a member: a waiting client is told' "$(cat "$T/told")" "\"full\":false,\"peers\":\[\{\"id\":\"$(uuid_of 4)\""
v=$(version vm1)
since vm1 "$v" "DELETE FROM member WHERE mac = (SELECT mac FROM guest WHERE uuid = '$(uuid_of 4)') AND coi_id = (SELECT id FROM coi WHERE name = 'web')"
like 'sqlite3 removes it: the id alone' "$(cat "$T/told")" "\"peers\":\[\],\"gone\":\[\"$(uuid_of 4)\"\]"
v=$(version vm1)
since vm1 "$v" "UPDATE vm_record SET enabled = 0 WHERE mac = '$(mac_of 2)'"
like 'a peer is disabled' "$(cat "$T/told")" "\"gone\":\[\"$(uuid_of 2)\"\]"
v=$(version vm1)
since vm1 "$v" "UPDATE vm_record SET enabled = 1 WHERE mac = '$(mac_of 2)'"
like 'and enabled' "$(cat "$T/told")" "\"peers\":\[\{\"id\":\"$(uuid_of 2)\""
v=$(version vm1)
since vm1 "$v" "UPDATE certificate SET revoked_at = strftime('%s', 'now') + 0, reason = 1 WHERE mac = (SELECT mac FROM guest WHERE uuid = '$(uuid_of 2)')"
like 'its certificate is revoked: gone' "$(cat "$T/told")" "\"gone\":\[\"$(uuid_of 2)\"\]"
join hv1 "$(uuid_of 2)" "$(mac_of 2)" web vm2
self vm2 2 >/dev/null
v=$(version vm1)
since vm1 "$v" "DELETE FROM vm_record WHERE mac = '$(mac_of 2)'"
like 'it is deleted: gone, by the id that it had' "$(cat "$T/told")" "\"gone\":\[\"$(uuid_of 2)\"\]"
join hv1 "$(uuid_of 3)" "$(mac_of 3)" web vm3
self vm3 3 >/dev/null
v=$(version vm1)
since vm1 "$v" "UPDATE coi SET enabled = 0 WHERE name = 'web'"
like 'the COI is disabled: everything anew, and it is nothing' "$(cat "$T/told")" '"full":true,"peers":\[\]'
sql "UPDATE coi SET enabled = 1 WHERE name = 'web'"
v=$(version vm1)
look vm1 "since=$v&wait=20" > "$T/told" &
waiter=$!
wait_for 5 waiting
as hv1 POST "/v1/vms/$(uuid_of 3)/stopped" -d '' >/dev/null
wait "$waiter"
like 'a peer stops' "$(cat "$T/told")" "\"gone\":\[\"$(uuid_of 3)\"\]"

# -- one who waits and goes
open_now() { curl -sf "$POLICYD_STATUS/metrics" | awk '/^vmprov_connections /{print $2}'; }
none_open() { [ "$(open_now)" = 0 ]; }
ok 'nobody is connected' wait_for 10 none_open
v=$(version vm1)
ok 'nobody is again' wait_for 10 none_open
curl -s -m 50 --cacert "$CA" --cert "$T/vm1.pem" --key "$T/vm1.key" "$POLICYD_URL/v1/directory?since=$v&wait=50" >/dev/null &
waiter=$!
one_open() { [ "$(open_now)" = 1 ]; }
ok 'one waits' wait_for 10 one_open
wait_for 10 waiting
kill "$waiter"
wait "$waiter" 2>/dev/null
ok 'its connection ends with it' wait_for 10 none_open
ok 'and it may ask again' look vm1

# -- one who waits and is revoked
v=$(version vm1)
since vm1 "$v" "UPDATE certificate SET revoked_at = strftime('%s', 'now') + 0, reason = 1 WHERE mac = (SELECT mac FROM guest WHERE uuid = '$(uuid_of 1)') AND revoked_at IS NULL"
like 'is told so' "$(cat "$T/told")" 'revoked.*status 403'
t_end
