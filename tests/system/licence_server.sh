#!/bin/bash
# The licence server alone: what it grants to gateways and to VMs without one, refuses, takes back, and remembers.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
t_begin licence_server

# A gateway as a client: numbered from 800 on.
GATEWAYS=800
declare -A ID=()
gateway_join() {
	GATEWAYS=$((GATEWAYS + 1))
	ID[$1]=$(uuid "$GATEWAYS")
	AT[$1]=$POLICYD_URL
	join hv1 "${ID[$1]}" "$(mac "$GATEWAYS")" "$2" "$1"
}
post() { as "$1" POST /v1/licences/lease -H 'Content-Type: application/json' --data-binary "$2"; }
body() { printf '{"product":"%s","request_id":"%s","wants":%s%s}' "${3:-web-std}" "$(new_id)" "$1" "${2:-}"; }
audited() { sql "SELECT count(*) FROM audit WHERE event = '$1'"; }
last_audit() { sql "SELECT detail FROM audit WHERE event = '$1' ORDER BY id DESC LIMIT 1"; }
pool_set() { sql "UPDATE licence_pool SET $2 WHERE name = '$1'"; }
list() { local n out=''; for n; do out+=${out:+,}\"$(uuid "$n")\"; done; echo "[$out]"; }
refused_of() { sed -nE 's/.*"refused": ?\[([^]]*)\].*/\1/p' "$T/$1.answer"; }
metric() { curl -s "$POLICYD_STATUS/metrics" | sed -n "s/^$1 //p"; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
forget() { rm -f "$T/$1.seq" "$T/$1.has"; }
policyd_kill() {
	local pid
	pid=$(policyd_process store)
	kill -9 "$pid"
	wait_for 10 sh -c "! kill -0 $pid 2>/dev/null" && wait_for 15 policyd_ready
}
wg() { printf '%032d' "$1" | base64; }
self() { as "vm$1" PUT /v1/self -d "{\"wireguard_key\": \"$(wg "$1")\", \"endpoint\": \"192.0.2.$1:51820\"}"; }

licence_world || exit 1
gateway_join east gw-east && gateway_join west gw-west && gateway_join relay relay || exit 1
vms_join 1 2 east && vms_join 11 14 lone || exit 1
AT[vm1]=$POLICYD_URL

# -- who may not ask, and what nobody may
like 'nobody without a certificate' "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CA" -d '{}' "$POLICYD_URL/v1/licences/lease")" 401
fails 'no host' 'not for host certificates.*403' post hv1 "$(body 1)"
fails 'no gateway that is not a broker' 'not one of licence brokers.*403' post relay "$(body 1)"
fails 'nor does it hear of licences' 'not one of licence brokers.*403' as relay GET '/v1/licences/watch'
fails 'no VM hears of them' 'not one of licence brokers.*403' as vm11 GET '/v1/licences/watch'
fails 'no VM that has a gateway' 'gw-east.example gives it.*403' post vm1 "$(body 1)"
fails 'no VM for two' 'a VM wants one licence.*400' post vm11 "$(body 2)"
fails 'nor for others' 'a VM wants one licence.*400' post vm11 "$(body 1 ",\"started\":$(list 12)")"
fails 'nor of what its template does not need' 'needs no licence of db-std.*403' post vm11 "$(body 1 '' db-std)"
is 'each of these is audited' "$(audited licence-denied)" 6
for text in '' '[]' '{' '{"product":"web-std"}' "$(body -1)" "$(body 100000001)" "$(body '"1"')" "$(body 1 ',"seen":-1')" "$(body 1 ',"seq":1')" \
	"$(body 1 ',"wants":2')" "$(body 1 ',"started":["x"]')" "$(body 1 '' "$(printf '%065d' 1)")" "$(body 1 '' 'a\nb')" \
	"$(printf '{"product":"web-std","request_id":"1","wants":1}')"; do
	fails "malformed: ${text:0:60}" 'status 400' post east "$text"
done
fails 'a body that is too large' 'status 413' post east "$(head -c 40000 /dev/zero | tr '\0' ' ')"
fails 'another method' 'status 405' as east GET /v1/licences/lease
is 'nothing is written of it' "$(sql 'SELECT count(*) FROM lease')" 0

# -- without a pool
v0=$(sql 'SELECT max(id) FROM change')
is 'no pool, no licence' "$(lease east 1)" '409 0 there are no licences of this product for this holder'
like 'the doctor says so' "$(vmprov --store "$POLICYD_STORE" doctor 2>&1)" 'web-lone.*no pool'

# -- grants, smaller ones, refusals
pool main 10 lease_s 60 grace_s 5
is 'a grant' "$(lease east 4)" '200 4'
is 'it lasts as long as the pool says' "$(answer east duration_s) $(answer east grace_s)" '60 5'
is 'a smaller one' "$(lease west 9)" '200 6 all licences are in use'
like 'each with an event' "$(last_audit licence-granted)" '^web-std: 0 -> 6 of 9 wanted, 10 owned$'
is 'a refusal' "$(lease west 9 '"least":8')" '409 6 all licences are in use'
is 'what is held is renewed all the same' "$(answer west duration_s)" 60
is 'give back' "$(lease east 1)" '200 1'
is 'with an event' "$(last_audit licence-returned)" 'web-std: 4 -> 1 of 1 wanted, 10 owned'
is 'it is free at once' "$(lease west 20 '"least":20')" '409 6 all licences are in use'
is 'and says how many there are' "$(answer west available)" 3
is 'others are told that it is short' "$(lease east 1; answer east short)" '200 1
true'
is 'refusals are on record' "$(sql "SELECT reason, n, wants, available FROM licence_denial ORDER BY id DESC LIMIT 1")" 'all licences are in use|2|20|3'
is 'and counted' "$(metric 'vmprov_licence_refusals_total{reason="exhausted"}')" 2
is 'as pools are' "$(metric 'vmprov_licence_pool_owned{pool="main"}') $(metric 'vmprov_licence_pool_occupied{pool="main"}')" '10 7'
is 'a VM for itself' "$(lease vm11 1)" '200 1'
is 'all are back' "$(lease east 0; lease west 0; lease vm11 0; occupied)" '200 0
200 0
200 0
0'

# -- a request that comes twice, or late
lease east 3 >/dev/null
before=$(answer east seq)
sleep 1.1
is 'the same request again has the same answer' "$(lease_again east) $(answer east seq)" "200 3 $before"
is 'but for the time that has passed' "$(($(answer east duration_s) <= 58))" 1
lease_body east 9 "\"seen\":$((before - 1))"
is 'a request from before the last answer is stale' "$(lease_send east) $(answer east stale) $(answer east granted)" '409 true 3'
is 'and changes nothing' "$(sql "SELECT seq FROM lease WHERE parts <> '[]'")" "$before"
forget east
is 'who has forgotten all takes it up' "$(lease east 2)" '200 2'
lease_body vm11 1 '"seen":99999999'
is 'a VM cannot say that the store is old' "$(lease_send vm11)" 409
forget vm11
is 'grants go on' "$(lease vm11 1) $(audited licence-recovery)" '200 1 0'
lease vm11 0 >/dev/null
lease east 0 >/dev/null

# -- whose pools
sql "INSERT INTO licence_pool (name, product, owned, tenant_id, not_after) VALUES ('acme2', 'web-std', 2, 2, 4000000000), ('acme1', 'web-std', 1, 2, 3000000000),
	('other', 'web-std', 50, 3, NULL)"
is 'its own pools, then those of all' "$(lease east 5)" '200 5'
is 'of its own, those that end first' "$(sql "SELECT group_concat(name || ':' || count, ' ') FROM lease_part JOIN licence_pool ON id = pool_id")" \
	'acme1:1 acme2:2 main:2'
is 'never of another' "$(lease west 70)" '200 8 all licences are in use'
is 'the last come back first' "$(lease east 3; sql "SELECT group_concat(name || ':' || count, ' ') FROM lease_part JOIN licence_pool ON id = pool_id
	WHERE holder = '${ID[east]}'")" '200 3
acme1:1 acme2:2'
lease east 0 >/dev/null
lease west 0 >/dev/null
sql "DELETE FROM licence_pool WHERE name <> 'main'"

# -- disabled, and outside its dates
lease east 2 >/dev/null
for close in enabled=0 not_after=1000000000 not_before=4000000000; do
	pool_set main "$close"
	is "closed ($close): nothing new" "$(lease west 1)" '409 0 the licences of this product are disabled, or outside their dates'
	is "what is held runs out" "$(lease east 2; answer east duration_s | grep -cE '^[0-5]?[0-9]$')" '200 2 the licences of this product are disabled, or outside their dates
1'
	pool_set main 'enabled=1, not_before=NULL, not_after=NULL'
done
pool_set main "not_after = CAST(strftime('%s', 'now') AS INTEGER) + 20"
lease east 2 >/dev/null
is 'no life beyond the pool' "$(($(answer east duration_s) <= 20))" 1
pool_set main 'not_after=NULL'

# -- less is owned than before
lease east 6 >/dev/null
pool_set main owned=4
is 'a renewal shrinks' "$(lease east 6)" '200 4 fewer licences are owned than before'
like 'with an event' "$(last_audit licence-reduced)" '^web-std: 6 -> 4 of 6 wanted, 4 owned$'
is 'the rest counts on' "$(metric 'vmprov_licence_pool_occupied{pool="main"}')" 6
like 'the doctor sees it' "$(vmprov --store "$POLICYD_STORE" doctor 2>&1)" 'pool main: 6 licences of web-std are leased, and 4 owned'
pool_set main owned=10
lease east 0 >/dev/null

# -- overdraft
pool_set main 'owned=2, overdraft=1'
is 'one beyond what is owned' "$(lease east 3)" '200 3'
is 'which is audited' "$(last_audit licence-overdraft)" 'web-std: 1 beyond the 2 owned'
is 'and no more' "$(lease east 4)" '409 3 all licences are in use'
pool_set main 'owned=10, overdraft=0'
lease east 0 >/dev/null

# -- by hand
lease east 2 >/dev/null
fails 'nobody grants by hand' 'policyd grants' sql "UPDATE lease SET parts = '[[1,100,99999999,0,0]]'"
fails 'nor takes a pool away that is drawn on' 'leases draw on this pool' sql "DELETE FROM licence_pool"
ok 'a lease may be ended' vmprov --store "$POLICYD_STORE" licence lease end "$(mac 801)"
is 'then its holder has nothing' "$(lease east 0)" '200 0'
is 'which is audited, too' "$(sql "SELECT subject FROM audit WHERE event = 'licence-ended'")" "vm $(mac 801)"

# -- what gateways say of their guests
told() { as "$1" GET "/v1/licences/watch?since=$2&wait=${3:-5}"; }
version() { sed -nE 's/.*"version": ?([0-9]+).*/\1/p'; }
lease east 2 "\"started\":$(list 1 2)" >/dev/null
is 'guests are on record' "$(answer east licensed) $(refused_of east)" '2 '
lease west 1 "\"started\":$(list 1 11 77)" >/dev/null
like 'not those of another enclave' "$(refused_of west)" "$(uuid 1)\",\"reason\":\"of another tenant or enclave.*$(uuid 11).*another.*$(uuid 77)\",\"reason\":\"not known here"
vms_join 3 4 east
lease east 2 "\"started\":$(list 3)" >/dev/null
like 'nor more than were granted' "$(answer east licensed) $(refused_of east)" "^2 .*$(uuid 3)\",\"reason\":\"more guests than licences"
lease east 2 "\"stopped\":$(list 2)" "\"started\":$(list 3)" >/dev/null
is 'one goes, another comes' "$(answer east licensed) $(refused_of east)" '2 '
lease east 3 "\"started\":$(list 1 4)" '"all":true' >/dev/null
is 'who is not listed again is not gone at once' "$(answer east licensed)" 3
is 'but may be soon' "$(sql "SELECT count(*) FROM licensed WHERE doubt_ms IS NOT NULL AND uuid = '$(uuid 3)'")" 1
all=$(told east 0)
like 'a gateway can have all of it' "$all" "\"full\":true.*\"licensed\":\\{\"web-std\":\\[\"$(uuid 1)\",\"$(uuid 3)\",\"$(uuid 4)\"\\]"
is 'another has its own' "$(told west 0 | grep -c "$(uuid 1)")" 0
v=$(version <<<"$all")
(told east "$v" > "$T/watched") &
waiter=$!
wait_for 5 metric_is vmprov_licence_watchers 1
vm_stop 1
wait "$waiter"
like 'a stop is told at once' "$(cat "$T/watched")" "\"full\":false,\"stopped\":\\[\"$(uuid 1)\"\\],\"short\":\\[\\]"
v=$(version < "$T/watched")
like 'what the gateway said itself is not' "$(lease east 3 "\"stopped\":$(list 4)" >/dev/null; told east "$v" 1)" '"stopped":\[\]'
like 'that others lack the product was told, once' "$(told east "$v0")" '"short":\["web-std"\]'
like 'numbers of another store have all told anew' "$(told east 999999999)" '"full":true'

# -- the end of a gateway's lease is its guests'
lease east 0 >/dev/null
lease west 0 >/dev/null
is 'none is on record after a return' "$(sql 'SELECT count(*) FROM licensed')" 0
pool_set main 'lease_s=1, grace_s=1'
lease east 1 "\"started\":$(list 3)" >/dev/null
ok 'a guest with a licence has keys' as vm3 GET /v1/coi-keys
ok 'and is in the directory' self 3
lapsed() { ! as vm3 GET /v1/coi-keys; }
ok 'not after the end and the grace' wait_for 6 lapsed
fails 'it says why' 'no licence for web-std.*403' as vm3 GET /v1/coi-keys
fails 'nor the directory' 'no licence for web-std.*403' as vm3 GET /v1/directory
fails 'nor an entry in it' 'no licence for web-std.*403' self 3
is 'its entry is gone' "$(sql "SELECT wg_key IS NULL FROM guest WHERE uuid = '$(uuid 3)'")" 1
is 'the lease is forgotten' "$(sql "SELECT count(*) FROM lease WHERE holder = '${ID[east]}'")" 0
ok 'the COI changes its key' wait_for 5 sh -c "sqlite3 -cmd '.timeout 9000' '$POLICYD_STORE' \"SELECT detail FROM audit WHERE event = 'epoch'\" | grep -q 'licence lapsed'"

# -- a VM without a gateway
pool_set main 'owned=2, lease_s=60, grace_s=30'
fails 'no keys without a licence' 'no licence for web-std.*403' as vm11 GET /v1/coi-keys
for n in 11 12; do is "vm$n has one" "$(lease vm$n 1)" '200 1'; done
ok 'and its keys' as vm11 GET /v1/coi-keys
for n in 11 12; do self $n >/dev/null; done
like 'and its peers' "$(as vm11 GET '/v1/directory?wait=0')" "$(uuid 12)"
is 'the third is refused' "$(lease vm13 1)" '409 0 all licences are in use'
vm_stop 12
is 'until another stops' "$(lease vm13 1)" '200 1'
is 'two are held' "$(occupied)" 2
ok 'who restarts' vm_join 12 lone
AT[vm12]=$POLICYD_URL
is 'has to ask anew' "$(lease vm12 1)" '409 0 all licences are in use'
sql "DELETE FROM vm_record WHERE mac = '$(mac 13)'"
is 'a VM that is removed frees its own' "$(lease vm12 1)" '200 1'
ok 'what is given back takes the keys with it' lease_is vm11 0 '200 0'
fails 'at once' 'no licence for web-std.*403' as vm11 GET /v1/coi-keys
policyd_stop
ini_set "$T/policyd.conf" licence.direct=yes
policyd_start "$T" || exit 1
pool_set main owned=10
is 'with [licence] direct, VMs with a gateway may ask as well' "$(AT[vm2]=$POLICYD_URL; lease vm2 1)" '200 1'
lease vm2 0 >/dev/null

# -- killed at any instant
lease east 5 >/dev/null
before=$(sql 'SELECT holder, seq, until_ms, parts FROM lease ORDER BY holder')
ok 'killed' policyd_kill
is 'all is as it was' "$(sql 'SELECT holder, seq, until_ms, parts FROM lease ORDER BY holder')" "$before"
is 'the same answer again' "$(lease_again east)" '200 5'
is 'and no more than there are' "$(lease west 9)" '200 4 all licences are in use'
is 'no recovery for that' "$(audited licence-recovery)" 0

# -- the machine starts anew: what is held begins again, once
policyd_stop
sql "UPDATE lease SET boot_id = '11111111-2222-4333-8444-000000000000', until_ms = 7 WHERE holder = '${ID[east]}'"
policyd_start "$T" || exit 1
ok 'times of another boot become times of this one' wait_for 5 sh -c "[ \"\$(sqlite3 -cmd '.timeout 9000' '$POLICYD_STORE' \"SELECT min(until_ms) > 1000 FROM lease WHERE boot_id = '$(cat /proc/sys/kernel/random/boot_id)'\")\" = 1 ]"
lease_again east >/dev/null
is 'a whole life' "$(($(answer east duration_s) >= 57)) $(answer east granted)" '1 5'
until=$(sql "SELECT until_ms FROM lease WHERE holder = '${ID[east]}'")
policyd_stop
policyd_start "$T" || exit 1
is 'and not another at each start' "$(lease_again east >/dev/null; sql "SELECT until_ms FROM lease WHERE holder = '${ID[east]}'")" "$until"

# -- an older copy
marked() { [ "$(cut -d ' ' -f 2 "$POLICYD_STORE-licences")" = "$(sql 'SELECT seq FROM licence_state')" ]; }
sql 'DELETE FROM lease'
pool_set main 'lease_s=3, grace_s=1'
for n in east west; do lease $n 1 >/dev/null; done
sqlite3 "$POLICYD_STORE" ".backup '$T/backup.db'"
is 'after a backup, more is granted' "$(lease west 8)" '200 8'
policyd_stop
ok 'the mark outside of the store says so' marked
echo "$(cut -d ' ' -f 1,2 "$POLICYD_STORE-licences") 4000" > "$POLICYD_STORE-licences"
cp "$T/backup.db" "$POLICYD_STORE"
rm -f "$POLICYD_STORE"-wal "$POLICYD_STORE"-shm
sql 'UPDATE licence_state SET longest_ms = 4000' # as if there had never been longer ones
policyd_start "$T" || exit 1
ok 'a restored copy shows' wait_for 5 sh -c "sqlite3 -cmd '.timeout 9000' '$POLICYD_STORE' \"SELECT detail FROM audit WHERE event = 'licence-recovery'\" | grep -q 'an older copy'"
like 'nothing grows' "$(lease east 5)" '^409 [01] the server waits for leases that it may not know of to end$'
like 'not even for whom the store has forgotten' "$(lease west 8)" '^409 [01] the server waits for leases that it may not know of to end$'
is 'as the metrics say' "$(metric vmprov_licence_recovering)" 1
ok 'until all of them are over' wait_for 10 metric_is vmprov_licence_recovering 0
is 'then it does' "$(lease east 5) $(audited licence-recovered)" '200 5 1'
is 'numbers go on beyond' "$(($(answer east seq) > $(cut -d ' ' -f 2 "$POLICYD_STORE-licences") - 5))" 1
policyd_stop
rm "$POLICYD_STORE-licences"
sql 'UPDATE licence_state SET longest_ms = 4000'
policyd_start "$T" || exit 1
ok 'without its mark, likewise' wait_for 5 sh -c "sqlite3 -cmd '.timeout 9000' '$POLICYD_STORE' \"SELECT detail FROM audit WHERE event = 'licence-recovery'\" | grep -q 'without its mark'"
ok 'the mark is there again' wait_for 5 marked
ok 'and it ends, too' wait_for 10 lease_is east 6 '200 6'
lease_body west 2 '"seen":99999999'
is 'a gateway that has seen more is not believed when no lease can be from before' "$(lease_send west) $(audited licence-recovery)" '409 2'
policyd_stop
policyd_start "$T" || exit 1
is 'just after a start it is' "$(lease_send west) $(audited licence-recovery)" '409 3'
is 'and nobody has a licence too many' "$(sql "SELECT count(*) FROM licence_pool AS p WHERE owned < (SELECT coalesce(sum(count + lapsing), 0) FROM lease_part WHERE pool_id = p.id)")" 0
t_end
