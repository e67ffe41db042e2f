#!/bin/bash
# policyd's listener for what forwarders bring: the paths that are configured, and nothing else.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_forwarded
policyd_make "$T"
conf=$T/policyd.conf
cp "$conf" "$T/good.conf"
forwarded=$((POLICYD_PORT + 2))
url=https://localhost:$forwarded

# with LINES: the good configuration with these in [forwarded]
with() { printf '[forwarded]\n%b\n' "$1" | cat "$T/good.conf" - > "$conf"; }
try() { policyd -t -c "$conf"; }
# code PATH CURL-ARGS...: the status of an answer there
code() {
	local path=$1
	shift
	curl -s -m 10 -o "$T/body" -w '%{http_code}' --cacert "$CA" "$@" "$url$path"
}
host_code() { code "$@" --cert "$T/hv1.pem" --key "$T/hv1.key"; }
closed() { ! curl -sk -m 2 -o "$T/body" "$url/"; }
open() { ! closed; }
reload() {
	kill -HUP "$POLICYD_PID"
	ok "it is read again: $1" wait_for 15 "$1"
	ok 'and policyd is ready' wait_for 15 policyd_ready
}

# -- configuration
with 'address = localhost:1'
fails 'an address that is none' '\[forwarded\] address: localhost:1: expected' try
with "address = 127.0.0.1:$forwarded\nserves = licences everything"
fails 'a word that is none' '\[forwarded\] serves: everything: expected licences, est or coi' try
with "address = 127.0.0.1:$forwarded\nserves ="
fails 'an address that serves nothing' '\[forwarded\] serves: expected' try
with 'serves ='
ok 'nothing to serve, and nowhere' try
with "address = 127.0.0.1:$POLICYD_PORT"
policyd -c "$conf" 2> "$T/twice.log"
like 'the address of [listen] again' "$(cat "$T/twice.log")" 'Address already in use'

# -- none, which is the preset
cp "$T/good.conf" "$conf"
policyd_start "$T" || exit 1
policyd_sample
ok 'a host' host_enrol hv1
ok 'nothing listens' closed
is 'the log does not speak of it' "$(grep -c forwarded "$POLICYD_LOG")" 0

# -- licences alone, which is the preset
with "address = 127.0.0.1:$forwarded, [::1]:$forwarded"
[ -e /proc/net/if_inet6 ] && [ -n "$(cat /proc/net/if_inet6)" ] || with "address = 127.0.0.1:$forwarded"
reload open
is 'nobody has no licence' "$(code /v1/licences/lease -X POST -d '{}')" 401
like 'and is told why' "$(cat "$T/body")" 'expected a client certificate issued here'
is 'who has a certificate is heard' "$(host_code /v1/licences/lease -X POST -d '{}')" 400
like 'and answered' "$(cat "$T/body")" '"error"'
request='{"product": "x", "request_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "seen": 0, "has": 0, "in_use": 0, "wants": 1, "least": 1}'
is 'but a host holds no licences' "$(host_code /v1/licences/lease -X POST -H 'Content-Type: application/json' -d "$request")" 403
for path in /.well-known/est/cacerts /.well-known/est/csrattrs /v1/coi-keys /v1/directory /v1/host/notices /crl /metrics /healthz /; do
	is "no $path" "$(host_code "$path")" 404
done
is 'no enrolment' "$(host_code /.well-known/est/simpleenroll -X POST -d x)" 404
is 'no renewal' "$(host_code /.well-known/est/simplereenroll -X POST -d x)" 404
is 'no starts' "$(host_code /v1/vms/6ba7b810-9dad-11d1-80b4-00c04fd430c8/starting -X POST -d '{}')" 404
is 'no self' "$(host_code /v1/self -X PUT -d '{}')" 404
is 'no way round by the path' "$(host_code /v1/licences/../coi-keys --path-as-is)" 404
is 'all of that is at [listen]' "$(url=$POLICYD_URL code /.well-known/est/cacerts)" 200

# -- who comes
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=other -keyout "$T/other.key" -out "$T/other.pem" 2>/dev/null
is 'a certificate of nobody' "$(code /v1/licences/lease -X POST -d '{}' --cert "$T/other.pem" --key "$T/other.key")" 000
fails 'TLS 1.2' 'alert|version' openssl s_client -connect "127.0.0.1:$forwarded" -tls1_2 -CAfile "$CA" -verify_return_error < /dev/null
fails 'another CA' 'verif|certificate' openssl s_client -connect "127.0.0.1:$forwarded" -CAfile "$T/other.pem" -verify_return_error < /dev/null

# -- EST and COI keys as well
with "address = 127.0.0.1:$forwarded\nserves = est coi"
reload open
served() { [ "$(code /.well-known/est/cacerts)" = 200 ]; }
ok 'the CA' wait_for 10 served
is 'no licences' "$(host_code /v1/licences/lease -X POST -d '{}')" 404
is 'a host has no COI keys, but hears so' "$(host_code /v1/coi-keys)" 403
is 'no starts' "$(host_code /v1/vms/6ba7b810-9dad-11d1-80b4-00c04fd430c8/starting -X POST -d '{}')" 404
is 'no CRL' "$(code /crl)" 404
key_new "$T/again.key"
renewed() { POLICYD_URL=$url renew host "$T/hv1" "$T/again"; }
ok 'a renewal' renewed
like 'of the same CA' "$(openssl verify -CAfile "$CA" "$T/again.pem" 2>&1)" ': OK'
is 'and the certificate works' "$(code /v1/coi-keys --cert "$T/again.pem" --key "$T/again.key")" 403

# -- and none again
cp "$T/good.conf" "$conf"
reload closed
is '[listen] goes on' "$(url=$POLICYD_URL code /.well-known/est/cacerts)" 200
policyd_stop
t_end
