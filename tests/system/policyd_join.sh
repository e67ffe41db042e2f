#!/bin/bash
# Hosts report guests: join bundles, tokens, who may say what about whom.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_join
policyd_make "$T"
policyd_start "$T" || exit 1
policyd_sample
sql "INSERT INTO tenant (name) VALUES ('other')" "INSERT INTO host (name, tenant_id) SELECT 'hv9', id FROM tenant WHERE name = 'other'"
for h in hv1 hv2 hv9; do host_enrol $h || exit 1; done

uuid_of() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
mac_of() { printf '52:54:00:00:09:%02d' "$1"; }
start_raw() { as hv1 POST "/v1/vms/$1/starting" -d "$2"; }

# -- a VM that nobody registered
bundle=$(starting hv1 "$(uuid_of 1)" "$(mac_of 1)" web)
like 'the bundle has what a guest needs' "$bundle" '"token":"[A-Za-z0-9_-]{43}","token_life_s":600,"policyd":"https://localhost:[0-9]*","cois":\["web"\],"gateway":"gw-east.example","licence_product":"","ca":"-----BEGIN CERT'
like 'and says that the VM was made' "$bundle" '"created":true'
is 'the record is the template'\''s' "$(sql "SELECT tenant, enclave, cois FROM vm_record WHERE mac = '$(mac_of 1)'")" 'acme|east|web'
like 'started again, it is there already' "$(starting hv1 "$(uuid_of 1)" "$(mac_of 1)" web)" '"created":false'
fails 'a template that makes no VMs' 'status 404' starting hv1 "$(uuid_of 2)" "$(mac_of 2)" db
is 'and none is made' "$(sql "SELECT count(*) FROM vm_record WHERE mac = '$(mac_of 2)'")" 0
fails 'a template that does not exist' 'status 404' starting hv1 "$(uuid_of 2)" "$(mac_of 2)" nothing

# -- a VM that an administrator registered
like 'the first start binds it and adds the COIs of the template' "$(starting hv1 "$(uuid_of 3)" 52:54:00:00:03:01 db)" '"created":false.*"cois":\["db","admin"\]'
sql "UPDATE vm_record SET cois = 'db' WHERE mac = '52:54:00:00:03:01'"
like 'a later start changes no membership' "$(starting hv1 "$(uuid_of 3)" 52:54:00:00:03:01 db)" '"cois":\["db"\]'
fails 'another UUID for its MAC' 'status 409' starting hv1 "$(uuid_of 4)" 52:54:00:00:03:01 db
fails 'another MAC for its UUID' 'status 409' starting hv1 "$(uuid_of 3)" "$(mac_of 4)" web
fails 'another template' 'status 403' starting hv1 "$(uuid_of 3)" 52:54:00:00:03:01 web
fails 'a VM that is disabled' 'status 403' starting hv1 "$(uuid_of 5)" 52:54:00:00:01:03 web

like 'one that needs a licence is told of what' "$(starting hv1 "$(uuid_of 11)" 52:54:00:00:02:01 app)" '"cois":\["app"\],"gateway":"gw-east.example","licence_product":"app-std"'

# -- who may
fails 'a host of another tenant' 'status 403' starting hv9 "$(uuid_of 1)" "$(mac_of 1)" web
fails 'a VM that is bound to other hosts' 'status 403' starting hv2 "$(uuid_of 6)" 52:54:00:00:04:01 web
join hv1 "$(uuid_of 1)" "$(mac_of 1)" web vm1 || exit 1
fails 'a VM about itself' 'status 403' as vm1 POST "/v1/vms/$(uuid_of 1)/starting" -d "{\"mac\": \"$(mac_of 1)\", \"template\": \"web\"}"
fails 'nobody' 'status 401' api POST "/v1/vms/$(uuid_of 1)/starting" -d "{\"mac\": \"$(mac_of 1)\", \"template\": \"web\"}"
sql "UPDATE host SET enabled = 0 WHERE name = 'hv2'"
fails 'a host that is disabled' 'status 403' starting hv2 "$(uuid_of 7)" "$(mac_of 7)" web
sql "UPDATE host SET enabled = 1 WHERE name = 'hv2'"

# -- what is said
fails 'no UUID' 'expected a UUID.*status 400' starting hv1 nonsense "$(mac_of 1)" web
fails 'no MAC' 'mac.*status 400' start_raw "$(uuid_of 8)" '{"template": "web"}'
fails 'a group address' 'mac: expected.*status 400' start_raw "$(uuid_of 8)" '{"mac": "01:00:5e:00:00:01", "template": "web"}'
fails 'no JSON' 'expected JSON.*status 400' start_raw "$(uuid_of 8)" 'mac=1'
fails 'a member that does not exist' 'status 400' start_raw "$(uuid_of 8)" "{\"mac\": \"$(mac_of 8)\", \"template\": \"web\", \"x\": 1}"
fails 'a template with a slash' 'status 400' start_raw "$(uuid_of 8)" "{\"mac\": \"$(mac_of 8)\", \"template\": \"a/b\"}"
like 'a name for a VM that is made' "$(start_raw "$(uuid_of 8)" "{\"mac\": \"$(mac_of 8)\", \"template\": \"web\", \"name\": \"shop 8\"}")" '"name":"shop 8"'

# -- tokens
old=$(starting hv1 "$(uuid_of 10)" "$(mac_of 10)" web | field token)
fresh=$(starting hv1 "$(uuid_of 10)" "$(mac_of 10)" web | field token)
key_new "$T/vm10.key"
fails 'a new token voids the older' 'status 401' enrol web "$old" "$T/vm10.key"
moved=$(starting hv2 "$(uuid_of 10)" "$(mac_of 10)" web | field token)
fails 'the token of a host that it has left' 'status 401' enrol web "$fresh" "$T/vm10.key"
ok 'the token of the host where it is' enrol web "$moved" "$T/vm10.key"
short=$(head -c 32 /dev/zero | base64 | tr '+/' '-_' | tr -d =)
sql "INSERT INTO token (hash, mac, template_id, issued_at, expires_at, boot_id, expires_boot_ms)
	SELECT x'$(printf %s "$short" | sha256sum | cut -d' ' -f1)', mac, template_id, strftime('%s', 'now') - 700, strftime('%s', 'now') - 100,
		'$(cat /proc/sys/kernel/random/boot_id)', 1 FROM guest WHERE uuid = '$(uuid_of 10)'"
fails 'a token that has ended' 'status 401' enrol web "$short" "$T/vm10.key"
byhand=$(vmprov --store "$POLICYD_STORE" token "$(mac_of 10)" 2>/dev/null)
key_new "$T/vm10b.key"
ok 'a token made by hand' enrol web "$byhand" "$T/vm10b.key"
cp "$T/vm10b.pem" "$T/vm10.pem"
cp "$T/vm10b.key" "$T/vm10.key"

# -- stopping
ok 'it is a member' as vm10 GET /v1/coi-keys
fails 'another host cannot stop it' 'status 403' as hv1 POST "/v1/vms/$(uuid_of 10)/stopped" -d ''
# By hand means: wherever it is.  Its own host again.
pending=$(starting hv2 "$(uuid_of 10)" "$(mac_of 10)" web | field token)
ok 'its host can' as hv2 POST "/v1/vms/$(uuid_of 10)/stopped" -d '{}'
ok 'also twice' as hv2 POST "/v1/vms/$(uuid_of 10)/stopped" -d ''
fails 'then its certificate is out' 'status 403' as vm10 GET /v1/coi-keys
key_new "$T/late.key"
fails 'and its token' 'status 401' enrol web "$pending" "$T/late.key"
fails 'a guest that nobody knows' 'status 404' as hv2 POST "/v1/vms/$(uuid_of 77)/stopped" -d ''
fails 'a body that is none' 'status 400' as hv2 POST "/v1/vms/$(uuid_of 10)/stopped" -d '{"a":1}'
ok 'it can start again' join hv2 "$(uuid_of 10)" "$(mac_of 10)" web late
ok 'and is a member again' as late GET /v1/coi-keys

# -- re-attestation: a certificate that has ended
sql "DELETE FROM certificate WHERE 0" # the schema keeps those that are good
ok 'a VM whose certificates are all revoked' vmprov --store "$POLICYD_STORE" cert revoke "$(mac_of 10)"
fails 'is out' 'status 403' as late GET /v1/coi-keys
ok 'until its host starts it' join hv2 "$(uuid_of 10)" "$(mac_of 10)" web late
ok 'without an administrator' as late GET /v1/coi-keys

# -- gateways
sql "INSERT INTO template (name, kind, tenant_id, enclave_id, auto_create) SELECT 'gw', 'gateway', tenant_id, enclave_id, 1 FROM template WHERE name = 'web'"
usage() { openssl x509 -in "$T/$1.pem" -noout -ext extendedKeyUsage; }
join hv1 "$(uuid_of 20)" "$(mac_of 20)" gw gw
like 'a gateway may be a server' "$(usage gw)" 'TLS Web Client Authentication, TLS Web Server Authentication'
sql "UPDATE template SET kind = 'vm' WHERE name = 'gw'"
key_new "$T/gw2.key"
renew gw "$T/gw" "$T/gw2"
like 'and no more when its template is no gateway' "$(usage gw2)" 'TLS Web Client Authentication$'
sql "INSERT INTO vm_record (mac, name, tenant) VALUES ('$(mac_of 21)', 'theirs', 'other')"
fails 'a template of another tenant than the VM'\''s' 'status 403' starting hv1 "$(uuid_of 21)" "$(mac_of 21)" web
sql "INSERT INTO vm_record (mac, name, tenant, enclave, cois) VALUES ('$(mac_of 22)', 'web22', 'acme', 'east', 'web')"
like 'a host chooses no COIs for a VM that has its own' "$(starting hv1 "$(uuid_of 22)" "$(mac_of 22)" db)" '"cois":\["web"\]'

# -- disabled, deleted
sql "UPDATE vm_record SET enabled = 0 WHERE mac = '$(mac_of 1)'"
fails 'a VM that is disabled is refused at once' 'status 403' as vm1 GET /v1/coi-keys
sql "DELETE FROM vm_record WHERE mac = '$(mac_of 1)'"
fails 'and one that is deleted' 'status 403' as vm1 GET /v1/coi-keys

like 'the audit trail has the denials, and why' "$(vmprov --store "$POLICYD_STORE" audit --event start-denied)" 'host hv9'
like 'and the grants' "$(vmprov --store "$POLICYD_STORE" audit --event created)" 'host hv1'
t_end
