#!/bin/bash
# EST: first certificates by token, renewal, revocation; clients are curl, strongSwan's pki --est and openssl.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_enrol
policyd_make "$T"
policyd_start "$T" || exit 1
policyd_sample
host_enrol hv1 || exit 1

uuid=11111111-2222-4333-8444-555555555501
mac=52:54:00:00:09:01
text() { openssl x509 -in "$1" -noout -text; }
serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f; }
token() { starting hv1 "${1:-$uuid}" "${2:-$mac}" "${3:-web}" | field token; }

# -- what anybody may ask
ok 'cacerts gives the CA' diff <(est cacerts) "$CA"
ok 'under any label' diff <(est web/cacerts) "$CA"
like 'csrattrs asks for P-256' "$(http "$POLICYD_URL/.well-known/est/csrattrs" | base64 -d | openssl asn1parse -inform DER)" 'prime256v1.*ecdsa-with-SHA256'
like 'only TLS 1.3' "$(openssl s_client -connect "127.0.0.1:$POLICYD_PORT" -tls1_2 </dev/null 2>&1)" 'alert|protocol version'
fails 'another method' 'not with this method.*405' http -X POST "$POLICYD_URL/.well-known/est/cacerts"
fails 'another path' '404' http "$POLICYD_URL/.well-known/est/fullcmc"

# -- a host's certificate
like 'the host certificate names the host' "$(text "$T/hv1.pem")" 'CN = hv1.*TLS Web Client Authentication.*DNS:hv1'

# -- a first certificate
t=$(token)
key_new "$T/vm1.key"
fails 'without a token' 'status 401' est web/simpleenroll -H 'Content-Type: application/pkcs10' --data-binary "@$T/vm1.key.csr"
fails 'with something that is no token' 'status 401' enrol web secret "$T/vm1.key"
fails 'with a token that was never made' 'status 401' enrol web "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d =)" "$T/vm1.key"
fails 'with the label of another template' 'status 401' enrol db "$t" "$T/vm1.key"
fails 'with another media type' 'status 415' est web/simpleenroll -u "x:$t" -H 'Content-Type: text/plain' --data-binary "@$T/vm1.key.csr"
fails 'with a body that is no request' 'status 400' est web/simpleenroll -u "x:$t" -H 'Content-Type: application/pkcs10' -d 'AAAA'
# The last octet is the signature's.
base64 -d "$T/vm1.key.csr" > "$T/csr.der"
size=$(stat -c %s "$T/csr.der")
printf "\\x$(printf %02x $((($(tail -c 1 "$T/csr.der" | od -An -tu1) + 1) % 256)))" | dd of="$T/csr.der" bs=1 seek=$((size - 1)) conv=notrunc 2>/dev/null
base64 "$T/csr.der" > "$T/broken.csr"
fails 'without proof of possession' 'status 400' est web/simpleenroll -u "x:$t" -H 'Content-Type: application/pkcs10' --data-binary "@$T/broken.csr"
ok 'with the token' enrol web "$t" "$T/vm1.key"
like 'it names the VM' "$(text "$T/vm1.pem")" "CN = $mac.*URI:urn:uuid:$uuid"
like 'and is a client alone' "$(text "$T/vm1.pem")" 'Digital Signature, Key Agreement.*CA:FALSE|CA:FALSE.*Digital Signature, Key Agreement'
ok 'it verifies' openssl verify -purpose sslclient -CAfile "$CA" "$T/vm1.pem"
ok 'it ends within a day' sh -c "! openssl x509 -in '$T/vm1.pem' -noout -checkend 86460 && openssl x509 -in '$T/vm1.pem' -noout -checkend 86000"
cp "$T/vm1.pem" "$T/first.pem"
ok 'the same token and key again: the reply may have been lost' enrol web "$t" "$T/vm1.key"
ok 'and it is the same certificate' cmp "$T/first.pem" "$T/vm1.pem"
key_new "$T/thief.key"
fails 'the token again with another key' 'status 401' enrol web "$t" "$T/thief.key"

# -- kinds of keys
n=10
for kind in P-384 rsa:2048 rsa:4096; do
	n=$((n + 1))
	t=$(token "11111111-2222-4333-8444-5555555555$n" "52:54:00:00:09:$n")
	key_new "$T/k$n.key" "$kind"
	ok "a $kind key" enrol web "$t" "$T/k$n.key"
done
like 'RSA keys may carry keys' "$(text "$T/k12.pem")" 'Key Encipherment'
for kind in P-521 rsa:1024; do
	t=$(token)
	key_new "$T/bad.key" "$kind"
	fails "a $kind key is refused" 'status 400' enrol web "$t" "$T/bad.key"
done
openssl genpkey -algorithm ed25519 -out "$T/ed.key"
openssl req -new -key "$T/ed.key" -subj /CN=x -outform DER | base64 > "$T/ed.key.csr"
fails 'an Ed25519 key is refused' 'status 400' enrol web "$t" "$T/ed.key"

# -- renewal
ok 'the VM asks with its certificate' as vm1 GET /v1/coi-keys
key_new "$T/vm2.key"
fails 'without a certificate' 'status 401' est web/simplereenroll -H 'Content-Type: application/pkcs10' --data-binary "@$T/vm2.key.csr"
fails 'under the label of another template' 'status 403' renew db "$T/vm1" "$T/vm2"
ok 'with the old certificate and a new key' renew web "$T/vm1" "$T/vm2"
cp "$T/vm2.pem" "$T/second.pem"
ok 'again, since the reply was lost' renew web "$T/vm1" "$T/vm2"
ok 'gives the same' cmp "$T/second.pem" "$T/vm2.pem"
ok 'the old one is good until the new one is used' as vm1 GET /v1/coi-keys
ok 'the new one is used' as vm2 GET /v1/coi-keys
fails 'then the old one is not' 'revoked.*status 403' as vm1 GET /v1/coi-keys
ok 'a host renews under its label' renew host "$T/hv1" "$T/thief"
mv "$T/thief.pem" "$T/hv1.pem"
mv "$T/thief.key" "$T/hv1.key"

# -- strongSwan's client
cat > "$T/strongswan.conf" <<EOF
libtls {
	version_max = 1.3
}
EOF
strongswan() { STRONGSWAN_CONF=$T/strongswan.conf timeout 30 pki --est --cacert "$T/ca.der" "$@" 2>"$T/strongswan.log"; }
openssl x509 -in "$CA" -outform DER -out "$T/ca.der"
t=$(token 11111111-2222-4333-8444-555555555521 52:54:00:00:09:21)
pki --gen --type ecdsa --size 256 > "$T/sw.der" 2>/dev/null
pki --req --type priv --in "$T/sw.der" --dn CN=x > "$T/sw.req" 2>/dev/null
ok 'pki --est enrols' sh -c "[ -s '$T/sw.req' ]"
strongswan --url "$POLICYD_URL" --in "$T/sw.req" --userpass "vm:$t" > "$T/sw.crt"
like 'its certificate is the VM'\''s' "$(openssl x509 -inform DER -in "$T/sw.crt" -noout -subject 2>&1)" 'CN = 52:54:00:00:09:21'
pki --gen --type ecdsa --size 256 > "$T/sw2.der" 2>/dev/null
pki --req --type priv --in "$T/sw2.der" --dn CN=x > "$T/sw2.req" 2>/dev/null
strongswan --url "$POLICYD_URL" --in "$T/sw2.req" --cert "$T/sw.crt" --key "$T/sw.der" > "$T/sw2.crt"
like 'pki --est renews' "$(openssl x509 -inform DER -in "$T/sw2.crt" -noout -subject 2>&1)" 'CN = 52:54:00:00:09:21'
strongswan --url "$POLICYD_URL" --in "$T/sw2.req" --userpass "vm:$t" > "$T/sw3.crt"
ok 'pki --est with a used token gets nothing' sh -c "! [ -s '$T/sw3.crt' ]"

# -- revocation
ocsp() { openssl ocsp -issuer "$CA" -CAfile "$CA" -cert "$1" -url "$POLICYD_STATUS/ocsp" "${@:2}" 2>&1; }
like 'OCSP: good' "$(ocsp "$T/vm2.pem")" 'Response verify OK.*vm2.pem: good'
like 'OCSP with SHA-256 and without a nonce' "$(openssl ocsp -sha256 -issuer "$CA" -CAfile "$CA" -cert "$T/vm2.pem" -no_nonce -url "$POLICYD_STATUS/ocsp" 2>&1)" 'vm2.pem: good'
like 'OCSP: superseded' "$(ocsp "$T/vm1.pem")" 'vm1.pem: revoked.*superseded'
like 'OCSP of another CA' "$(openssl ocsp -issuer "$CA" -CAfile "$CA" -serial 0x1234 -url "$POLICYD_STATUS/ocsp" 2>&1)" '0x1234: unknown'
ok 'revoke by serial number' vmprov --store "$POLICYD_STORE" cert revoke "$(serial "$T/vm2.pem")" --reason keyCompromise
fails 'policyd refuses it at once' 'revoked.*status 403' as vm2 GET /v1/coi-keys
fails 'also for renewal' 'revoked.*status 403' renew web "$T/vm2" "$T/vm1"
like 'OCSP: revoked' "$(ocsp "$T/vm2.pem")" 'vm2.pem: revoked.*keyCompromise'
crl_has() { curl -sf "$POLICYD_STATUS/crl" | openssl crl -inform DER -noout -text | grep -qi "$1"; }
ok 'the CRL has it' wait_for 5 crl_has "$(serial "$T/vm2.pem")"
curl -sf "$POLICYD_STATUS/crl" | openssl crl -inform DER > "$T/crl.pem" 2>/dev/null
fails 'and openssl verify goes by it' 'revoked' openssl verify -crl_check -CAfile "$CA" -CRLfile "$T/crl.pem" "$T/vm2.pem"
ok 'one that is not on it is good' openssl verify -crl_check -CAfile "$CA" -CRLfile "$T/crl.pem" "$T/hv1.pem"
ok 'the host re-attests the VM' enrol web "$(token)" "$T/vm1.key"
ok 'which has a certificate again' as vm1 GET /v1/coi-keys
ok 'revoke by VM' vmprov --store "$POLICYD_STORE" cert revoke "$mac"
fails 'all of its certificates are' 'revoked.*status 403' as vm1 GET /v1/coi-keys
ok 'sqlite3 revokes as well' sql "UPDATE certificate SET revoked_at = strftime('%s', 'now') + 0 WHERE kind = 'host' AND revoked_at IS NULL"
fails 'and a host is out' 'revoked.*status 403' starting hv1 "$uuid" "$mac" web

# -- certificates of others
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=x -keyout "$T/other.key" -out "$T/other.pem" 2>/dev/null
fails 'a certificate of another CA does not get through TLS' 'status 000' as other GET /v1/coi-keys

like 'the audit trail tells it' "$(sql "SELECT group_concat(DISTINCT event) FROM audit")" 'enrolled.*renewed.*revoked'
is 'no token is in the log' "$(grep -cF -e "$t" "$POLICYD_LOG")" 0
is 'nor in the store' "$(sql ".dump" | grep -cF -e "$t")" 0
t_end
