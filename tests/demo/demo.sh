#!/bin/bash
# make demo: the main job on real input, from a store to switches' replies and a guest's keys, and then stops.
# Exits 1 if any reply differs from what it should be.
. "$(dirname "$0")/common.sh"
t_begin demo
PORT=${VMPROV_PORT:-18120}
store=$T/policy.db

sample_make "$T" "$PORT" || exit 1
head_line 'The store: communities and VMs (tests/demo/sample.sql, typed with sqlite3)'
vmprov --store "$store" coi list
vmprov --store "$store" vm list

head_line "FreeRADIUS $(freeradius -v | sed -n 's/.*FreeRADIUS Version \([0-9.]*\),.*/\1/p') with rlm_vmprov on 127.0.0.1:$PORT"
radius_start "$T" || exit 1
note "as user $(ps -o user= -p "$RADIUS_PID"), store $(stat -c '%U:%G %a' "$store")"

expect 'web1 starts behind leaf1; MAC authentication by the stock radtest' \
	"$(radtest 525400000101 525400000101 "127.0.0.1:$PORT" 0 "$RADIUS_SECRET" 2>&1 |
		awk '/^Received/ {on = 1; print $2; next} on {sub(/^[ \t]+/, ""); print}')" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "100" .*User-Priority-Table = 0x3333333333333333 .*Filter-Id = "web-in"'

expect 'the same VM behind leaf2, whose dialect is hpe: rates in kbit/s, by number 46 and 48' \
	"$(radius_mab 127.0.0.12 52-54-00-00-01-01)" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "100" .*HP.*100000.*HP.*200000'

expect 'db1 is in db and admin: db is primary, admin adds tagged VLAN 40; its ACL is rules' \
	"$(radius_mab 127.0.0.1 5254.0000.0301)" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "300" .*Egress-VLANID = (0x31000028|822083624) '

expect 'app1 by 802.1X with EAP-MD5 (eapol_test)' \
	"$(radius_eap_md5 127.0.0.1 52:54:00:00:02:01 'lamp table river')" '^Access-Accept VLAN 200'
expect 'app1 with a wrong password' \
	"$(radius_eap_md5 127.0.0.1 52:54:00:00:02:01 'lamp table pond')" '^Access-Reject'

expect 'bastion by 802.1X with EAP-TLS: host hv1 speaks for it, on the port it is cabled to' \
	"$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv1 p1)" '^Access-Accept VLAN 400'
expect 'bastion from host hv2, which may not: a certificate of the right CA is not enough' \
	"$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv2 p1)" '^Access-Reject'
note "$(grep -h 'audit' "$T/log/radius.log" | tail -n 1 | sed 's/^.*: audit/audit/')"
expect 'bastion by its MAC alone' \
	"$(radius_mab 127.0.0.1 52:54:00:00:04:01 'NAS-Port-Id = "p1"')" '^Access-Reject .*MAC authentication is not allowed'

expect 'web3 is disabled' "$(radius_mab 127.0.0.1 52:54:00:00:01:03)" '^Access-Reject .*This VM is disabled'
expect 'a MAC that nobody registered' "$(radius_mab 127.0.0.1 52:54:00:ff:ff:ff)" '^Access-Reject .*No VM is registered'
expect 'the same behind the switch lab, which has a quarantine VLAN' \
	"$(radius_mab 127.0.0.13 52:54:00:ff:ff:ff)" '^Access-Accept .*Tunnel-Private-Group-Id:0 = "666"'

head_line 'An administrator changes the store while the server runs'
note "sqlite3 policy.db \"UPDATE vm_record SET cois = 'admin' WHERE mac = '52:54:00:00:01:01'\""
sqlite3 "$store" "UPDATE vm_record SET cois = 'admin' WHERE mac = '52:54:00:00:01:01'"
expect 'the very next request sees it' "$(radius_mab 127.0.0.1 52:54:00:00:01:01)" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "400"'

head_line 'Why? (vmprov check)'
vmprov --store "$store" check 52:54:00:00:01:02 --nas leaf1

# -- policyd ---------------------------------------------------------------------------------------------
u() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
said() { "$@" 2>&1 | tr -d '\n' | cut -c1-600; }
subject() { openssl x509 -in "$1" -noout -subject -ext subjectAltName,extendedKeyUsage 2>&1 | tr -s ' \n' ' '; }
wg() { printf '%032d' "$1" | base64; }
self() { as "$1" PUT /v1/self -d "{\"wireguard_key\": \"$(wg "$2")\", \"endpoint\": \"192.0.2.$2:51820\"}"; }

policyd_start "$T" || exit 1
head_line "policyd on $POLICYD_URL: EST, join, COI keys, directory"
note "net as $(stat -c %U "/proc/$(policyd_process net)"), store as $(stat -c %U "/proc/$(policyd_process store)"), signer as $(stat -c %U "/proc/$(policyd_process signer)"); its CA was made now: $(stat -c '%A %U' "$T/ca/ca.key") ca.key"
for host in hv1 hv2; do host_enrol $host || exit 1; done
note 'hosts hv1 and hv2 have enrolled, each with a token of "vmprov token --host"'

bundle=$(starting hv1 "$(u 1)" 52:54:00:00:01:09 web)
expect 'hv1 starts a web server that nobody registered: the template makes it, and the join bundle comes back' \
	"$(printf '%s' "$bundle" | sed 's/,"ca".*/,"ca":"-----BEGIN CERTIFICATE...}/' | fold -w 110)" '"created":true.*"cois":\["web"\].*"gateway":"gw-east.example"'
expect 'the network knows it at once' "$(radius_mab 127.0.0.1 52:54:00:00:01:09)" '^Access-Accept .*Tunnel-Private-Group-Id:0 = "100"'
token=$(printf '%s' "$bundle" | field token)
key_new "$T/web9.key"
enrol web "$token" "$T/web9.key" >/dev/null
expect 'it enrols with curl: token and certificate request in, certificate out' "$(subject "$T/web9.pem")" 'CN = 52:54:00:00:01:09 .*Client Auth.*URI:urn:uuid:1111'
as web9 GET /v1/coi-keys > "$T/web9.json"
sed 's/.*"cms":"\([^"]*\)".*/\1/' "$T/web9.json" | base64 -d > "$T/web9.cms"
openssl cms -verify -binary -inform DER -in "$T/web9.cms" -CAfile "$CA" -purpose any -out "$T/inner" 2>/dev/null &&
	openssl cms -decrypt -binary -inform DER -in "$T/inner" -recip "$T/web9.pem" -inkey "$T/web9.key" -out "$T/content" 2>/dev/null
expect 'and opens its COI key, here with the openssl command line' "$(sed 's/"key":"[^"]*"/"key":"(32 octets)"/' "$T/content")" '"coi":"web","epoch":1'
self web9 9 >/dev/null

printf 'libtls {\n version_max = 1.3\n}\n' > "$T/strongswan.conf"
openssl x509 -in "$CA" -outform DER -out "$T/ca.der"
token=$(starting hv1 "$(u 2)" 52:54:00:00:03:01 db | field token)
pki --gen --type ecdsa --size 256 > "$T/db1.der" 2>/dev/null
pki --req --type priv --in "$T/db1.der" --dn CN=db1 2>/dev/null > "$T/db1.req"
STRONGSWAN_CONF=$T/strongswan.conf pki --est --cacert "$T/ca.der" --url "$POLICYD_URL/" --in "$T/db1.req" --userpass "db1:$token" --outform pem > "$T/db1.pem" 2>"$T/strongswan.log"
openssl pkey -inform DER -in "$T/db1.der" -out "$T/db1.key"
expect "db1 is registered; it enrols with strongSwan's pki --est" "$(subject "$T/db1.pem")" 'CN = 52:54:00:00:03:01 '
as db1 GET /v1/coi-keys > "$T/db1.json"
expect 'and opens the keys of both its COIs, with our own client library' \
	"$(vmprov-open --ca "$CA" --cert "$T/db1.pem" --key "$T/db1.key" --json "$T/db1.json")" 'admin 1 .*db 1 '
self db1 31 >/dev/null

sqlite3 -cmd '.timeout 5000' "$store" "UPDATE vm_record SET cois = 'web' WHERE mac = '52:54:00:00:01:01'"
join hv1 "$(u 3)" 52:54:00:00:01:01 web web1 && self web1 11 >/dev/null
expect 'the directory tells web9 of web1, which shares a COI, and not of db1, which shares none' "$(said as web9 GET '/v1/directory?wait=0' | fold -w 110)" '"peers":\[\{"id":"11111111-2222-4333-8444-555555555503","name":"web1"[^}]*\}\]\}\],"gone"'

expect 'a VM that is not registered, from a template that makes none' "$(said starting hv1 "$(u 8)" 52:54:00:00:03:08 db)" 'status 404'
key_new "$T/thief.key"
expect 'the token of db1 once more, with another key' "$(said enrol db "$token" "$T/thief.key")" 'status 401'
expect 'host hv2 about bastion, which is bound to hv1' "$(said starting hv2 "$(u 4)" 52:54:00:00:04:01 web)" 'status 403'
vmprov --store "$store" cert revoke web1 --reason keyCompromise >/dev/null
expect 'the certificate of web1 after "vmprov cert revoke web1"' "$(said as web1 GET /v1/coi-keys)" 'revoked.*status 403'
new_epoch() { as web9 GET /v1/coi-keys > "$T/web9.json" && grep -q '"epoch":2,"current":true' "$T/web9.json"; }
wait_for 5 new_epoch
expect 'and its COI has a new key, which web9 gets and web1 never will' \
	"$(vmprov-open --ca "$CA" --cert "$T/web9.pem" --key "$T/web9.key" --json "$T/web9.json")" 'web 1 .*web 2 '

# -- sessions, CoA and Disconnect ------------------------------------------------------------------------
# The switches' side of it: das answers as hostapd or a Cisco would (tests/system/das.c).
das_stop() { [ -z "${das:-}" ] || { kill "$das" && wait "$das"; das=; } 2>/dev/null; }
T_CLEANUP+=(das_stop)
das --listen "127.0.0.1:$((PORT + 20))" --listen "127.0.0.12:$((PORT + 20))" --secret "$COA_SECRET" --do once > "$T/das.log" 2>&1 &
das=$!
asked() { grep -q "Disconnect-Request .*$1" "$T/das.log"; }
gone() { [ -z "$(sessions "SELECT 1 FROM session WHERE mac = 0x525400000102")" ]; }
request() { grep Disconnect-Request "$T/das.log" | tail -n 1 | cut -d ' ' -f 2- | fold -s -w 110; }
sessions() { sqlite3 -cmd '.timeout 5000' "$T/session.db" "$1"; }

head_line 'Sessions: what the server answered, and what the switches report (accounting)'
sql "UPDATE nas SET coa_port = $((PORT + 20)) WHERE name IN ('leaf1', 'leaf2')"
radius_mab 127.0.0.1 52:54:00:00:01:02 'NAS-Port-Id = "1/0/7"' >/dev/null
expect 'leaf1 reports that web2 has started; the answer comes when it is durable' \
	"$(radius_acct 127.0.0.1 Start 52:54:00:00:01:02 5F3A0001 'NAS-Port-Id = "1/0/7"')" '^Accounting-Response$'
vmprov --store "$store" session list --nas leaf1
expect 'policyd asks leaf1 whether it takes CoA and Disconnect (vmprov nas test)' \
	"$(vmprov --store "$store" nas test leaf1 2>&1)" 'leaf1: answered in'
note "sqlite3 policy.db \"UPDATE vm_record SET vlan = 150 WHERE name = 'web2'\""
sql "UPDATE vm_record SET vlan = 150 WHERE name = 'web2'"
wait_for 5 asked 5F3A0001
expect 'an administrator changes its VLAN, and leaf1 is asked to take the session down' "$(request)" 'Disconnect-Request .*Acct-Session-Id=5F3A0001'
expect 'web2 authenticates again' "$(radius_mab 127.0.0.1 52:54:00:00:01:02 'NAS-Port-Id = "1/0/7"')" '^Access-Accept .*Tunnel-Private-Group-Id:0 = "150"'
radius_acct 127.0.0.1 Start 52:54:00:00:01:02 5F3A0002 'NAS-Port-Id = "1/0/7"' >/dev/null
radius_mab 127.0.0.12 52:54:00:00:01:02 'NAS-Port-Id = "9"' >/dev/null
wait_for 5 asked 5F3A0002
expect 'web2 migrates to a host behind leaf2: leaf1 is told that it has gone' "$(request)" '^127.0.0.1:.*Disconnect-Request .*Acct-Session-Id=5F3A0002'
sql "UPDATE vm_record SET enabled = 0 WHERE name = 'web2'"
wait_for 5 gone
expect 'web2 is disabled: leaf2 takes it down' "$(request)" '^127.0.0.12:.*Disconnect-Request '
vmprov --store "$store" session show web2 | sed -n '/^jobs:/,$p'

head_line 'Who did what? (vmprov audit)'
vmprov --store "$store" audit --last 8

policyd_stop
radius_stop

# part NAME: one with servers of its own
part() {
	local right wrong
	DEMO_SUM=$T/sum bash "$(dirname "$0")/$1.sh"
	read -r right wrong 2>/dev/null < "$T/sum" || right=0 wrong=1
	passed=$((passed + right)) failed=$((failed + wrong))
	rm -f "$T/sum"
}
part licences

# -- a hypervisor host, and communities, in namespaces of their own ------------------------------------------------------------
if [ "$(id -u)" = 0 ] && unshare --net --mount --pid --fork --mount-proc true 2>/dev/null; then
	part host
	part coi
else
	head_line 'hostd, which authenticates the guests of a host, and machines of communities with coid and gatewayd: left out, as namespaces are not permitted here'
	note 'as root, make demo shows it'
fi
head_line "$passed replies as they should be, $failed not"
[ "$failed" = 0 ]
