#!/bin/bash
# COI keys: envelopes that members alone open, epochs, rotation, acknowledgement.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_coi_keys
policyd_make "$T"
sed -i 's/^\[coi\]/&\ngrace = 3s/' "$T/policyd.conf"
policyd_start "$T" || exit 1
policyd_sample
host_enrol hv1 || exit 1

uuid_of() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
mac_of() { printf '52:54:00:00:09:%02d' "$1"; }
wg() { printf '%032d' "$1" | base64; }
# open NAME [FILE]: what a member gets, "COI EPOCH DIGEST NOT_AFTER" a line, as the client library opens it
open() {
	[ -n "${2:-}" ] || as "$1" GET /v1/coi-keys > "$T/$1.json" || return 1
	vmprov-open --ca "$CA" --cert "$T/$1.pem" --key "$T/$1.key" --json "${2:-$T/$1.json}"
}
epochs() { open "$1" | awk '{print $1 $2}' | tr '\n' ' '; }
epoch_is() { [ "$(epochs "$1")" = "$2" ]; }
envelope() { sed "s/.*\"coi\":\"$2\",\"epoch\":$3,\"current\":[a-z]*,\"cms\":\"\([^\"]*\)\".*/\1/" "$T/$1.json" | base64 -d; }
ack() { as "$1" PUT "/v1/coi-keys/$2" -d "{\"epoch\": $3}"; }

for n in 1 2; do
	join hv1 "$(uuid_of $n)" "$(mac_of $n)" web "vm$n" || exit 1
	as "vm$n" PUT /v1/self -d "{\"wireguard_key\": \"$(wg $n)\", \"endpoint\": \"192.0.2.$n:51820\"}" >/dev/null
done
like 'a member opens its key' "$(open vm1)" '^web 1 [0-9a-f]{64} [0-9]+$'
is 'all members have the same' "$(open vm1 | cut -d' ' -f3)" "$(open vm2 | cut -d' ' -f3)"
is 'each time in another envelope' "$(envelope vm1 web 1 | sha256sum)" "$(envelope vm1 web 1 | sha256sum)"
a=$(envelope vm1 web 1 | sha256sum)
open vm1 >/dev/null
fails 'never the same twice' '' test "$a" = "$(envelope vm1 web 1 | sha256sum)"

# -- the openssl command line opens it too
envelope vm1 web 1 > "$T/web.cms"
ok 'openssl verifies the signature' openssl cms -verify -binary -inform DER -in "$T/web.cms" -CAfile "$CA" -purpose any -out "$T/inner.der"
ok 'and decrypts' openssl cms -decrypt -binary -inform DER -in "$T/inner.der" -recip "$T/vm1.pem" -inkey "$T/vm1.key" -out "$T/content"
like 'the content says what it is' "$(cat "$T/content")" '"coi": ?"web".*"epoch": ?1.*"key"'
like 'for which certificate' "$(cat "$T/content")" "$(openssl x509 -in "$T/vm1.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)"
is 'the key is the one that the library found' "$(sed 's/.*"key": *"\([^"]*\)".*/\1/' "$T/content" | base64 -d | sha256sum | cut -d' ' -f1)" "$(open vm1 | cut -d' ' -f3)"
like 'AES-256-GCM, key agreement with SHA-256' "$(openssl cms -cmsout -print -noout -inform DER -in "$T/inner.der" 2>&1)" 'sha256|1.3.132.1.11.1'
fails 'another member does not open it' 'rror|not' vmprov-open --ca "$CA" --cert "$T/vm2.pem" --key "$T/vm2.key" "$T/web.cms"
fails 'the inner envelope without a signature is refused' '' vmprov-open --ca "$CA" --cert "$T/vm1.pem" --key "$T/vm1.key" "$T/inner.der"
size=$(stat -c %s "$T/web.cms")
for at in 20 $((size / 3)) $((size / 2)) $((size - 5)); do
	cp "$T/web.cms" "$T/bad.cms"
	printf '\x5a\xa5' | dd of="$T/bad.cms" bs=1 seek="$at" conv=notrunc 2>/dev/null
	fails "altered at $at" '' vmprov-open --ca "$CA" --cert "$T/vm1.pem" --key "$T/vm1.key" "$T/bad.cms"
done
fails 'a host gets no keys' 'status 403' as hv1 GET /v1/coi-keys

# -- RSA members
key_new "$T/vm3.key" rsa:2048
join hv1 "$(uuid_of 3)" "$(mac_of 3)" web vm3
like 'an RSA member opens its key' "$(open vm3)" '^web 1 '
is 'which is the same' "$(open vm3 | cut -d' ' -f3)" "$(open vm1 | cut -d' ' -f3)"

# -- several COIs
join hv1 "$(uuid_of 4)" 52:54:00:00:03:01 db vm4
is 'a member of two gets two' "$(epochs vm4)" 'admin1 db1 '

# -- rotation by hand, acknowledgement
as vm3 PUT /v1/self -d "{\"wireguard_key\": \"$(wg 3)\", \"endpoint\": \"192.0.2.3:51820\"}" >/dev/null
ok 'an administrator rotates' vmprov --store "$POLICYD_STORE" coi rotate web
ok 'both epochs are there meanwhile' wait_for 5 epoch_is vm1 'web1 web2 '
like 'the command shows them' "$(vmprov --store "$POLICYD_STORE" coi keys web)" 'web +2 '
for n in 1 2; do ok "vm$n acknowledges" ack "vm$n" web 2; done
is 'not all live members have: the old one stays' "$(epochs vm1)" 'web1 web2 '
fails 'an epoch that does not exist' 'status 404' ack vm3 web 9
fails 'a COI that it is no member of' 'status 404' ack vm3 db 1
fails 'no epoch' 'status 400' as vm3 PUT /v1/coi-keys/web -d '{}'
ok 'the last one' ack vm3 web 2
ok 'then the old one goes' wait_for 5 epoch_is vm1 'web2 '
ok 'and grace ends it otherwise' vmprov --store "$POLICYD_STORE" coi rotate web
ok 'two again' wait_for 5 epoch_is vm1 'web2 web3 '
ok 'after three seconds the old one goes' wait_for 8 epoch_is vm1 'web3 '

# -- a member leaves: the directory first, then the epoch; it never opens what comes later
open vm2 > "$T/before"
(as vm1 GET "/v1/directory?since=$(as vm1 GET '/v1/directory?wait=0' | sed 's/.*"version":\([0-9]*\).*/\1/')&wait=10" > "$T/told") &
waiter=$!
sleep 0.2 # the poll is under way; what follows holds whether it is or not
sql "UPDATE vm_record SET cois = '' WHERE mac = '$(mac_of 2)'"
wait "$waiter"
like 'its peers are told that it is gone' "$(cat "$T/told")" "\"gone\":\\[\"$(uuid_of 2)\"\\]"
ok 'then a new epoch comes' wait_for 5 epoch_is vm1 'web3 web4 '
is 'later than the removal' "$(sql "SELECT count(*) > 0 FROM change WHERE kind = 'coi_key' AND action = 'insert' AND id >
	(SELECT max(id) FROM change WHERE kind = 'member' AND action = 'delete')")" 1
is 'the former member gets nothing' "$(epochs vm2)" ''
as vm1 GET /v1/coi-keys > "$T/vm1.json"
fails 'and opens no envelope of another' '' open vm2 "$T/vm1.json"
fails 'nor with the key that it had' '' grep -q "$(open vm1 | awk '$2 == 4 {print $3}')" "$T/before"
for reason in "UPDATE vm_record SET enabled = 0 WHERE mac = '$(mac_of 3)'" "UPDATE vm_record SET enabled = 1, cois = 'web' WHERE mac = '$(mac_of 3)'" \
	"DELETE FROM vm_record WHERE mac = '$(mac_of 3)'"; do
	before=$(sql "SELECT max(epoch) FROM coi_key JOIN coi ON coi.id = coi_id WHERE name = 'web'")
	sql "$reason"
	case $reason in
	*'enabled = 1'*) ;;
	*) ok "a new epoch: ${reason%% WHERE*}" wait_for 5 sh -c "[ \"\$(sqlite3 -cmd '.timeout 9000' '$POLICYD_STORE' \"SELECT max(epoch) FROM coi_key JOIN coi ON coi.id = coi_id WHERE name = 'web'\")\" -gt $before ]" ;;
	esac
done
is 'each for a reason that the audit trail tells' "$(sql "SELECT count(*) FROM audit WHERE event = 'epoch' AND detail NOT LIKE 'epoch %: _%'")" 0

# -- renewal with a new key: re-wrapped
key_new "$T/vm5.key"
renew web "$T/vm1" "$T/vm5"
like 'keys come wrapped for the new certificate' "$(open vm5)" '^web '

# -- at rest
sql '.dump coi_key' > "$T/dump"
fails 'no key stands in the store in the clear' '' grep -q "$(vmprov-open --show-key --ca "$CA" --cert "$T/vm5.pem" --key "$T/vm5.key" --json "$T/vm5.json" | awk '{print toupper($3)}' | head -n 1)" "$T/dump"
is 'retired ones are wiped' "$(sql "SELECT count(*) FROM coi_key WHERE retired_at IS NOT NULL AND sealed IS NOT NULL")" 0
policyd_stop
rm "$T/ca/master.key"
policyd_start "$T" || exit 1
fails 'a store with another master key says so' 'under the master key.*status' as vm5 GET /v1/coi-keys
ok 'in the log as well' grep -q 'under the master key' "$POLICYD_LOG"
t_end
