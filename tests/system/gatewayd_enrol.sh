#!/bin/bash
# A gateway's own certificate: enrolled by the token of a file, renewed while it serves, with the server there or away.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin gatewayd_enrol
# Behind its filter nobody can look for leaks, and its end is looked at.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
licence_world certificate.vm_life=300 || exit 1
pool shared 3 lease_s 60 grace_s 4
G=$T/gw
ME=$(uuid 900)
[ "$(id -u)" = 0 ] || BROKER_USER=$(id -un)
port_next gw
port_next gw-status
STATUS=http://127.0.0.1:${PORT[gw-status]}
URL[gw]=https://127.0.0.1:${PORT[gw]}
GATE[east]=${URL[gw]}
GATEWAY_AT[${URL[gw]}]=gw
mkdir -p "$G/own"
chmod 700 "$G/own"
chown "$BROKER_USER" "$G/own"
cp "$CA" "$G/ca.pem"
cat > "$G/gatewayd.conf" <<-END
	[process]
	user = $BROKER_USER
	[listen]
	address = 127.0.0.1:${PORT[gw]}
	[status]
	address = 127.0.0.1:${PORT[gw-status]}
	[store]
	path = $G/own/gateway.db
	[identity]
	certificate = $G/own/gateway.pem
	key = $G/own/gateway.key
	ca = $G/ca.pem
	token_file = $G/own/token
	label = gw-east
	[broker]
	refresh = 1s
	wait = 2s
	timeout = 2s
	[server home]
	url = $POLICYD_URL
END

token_make() { # UUID MAC TEMPLATE
	starting hv1 "$@" | field token > "$G/token.new"
	[ -s "$G/token.new" ] || return 1
	chmod 600 "$G/token.new"
	chown "$BROKER_USER" "$G/token.new"
}
token_put() { mv "$G/token.new" "$G/own/token"; }
gw_start() {
	proc_run gw env "$@" gatewayd -c "$G/gatewayd.conf"
	proc_ready gw curl -s -m 5 -o /dev/null "$STATUS/healthz"
}
healthz() { curl -s -m 5 -w ' %{http_code}' "$STATUS/healthz"; }
well() { [[ $(healthz) =~ \ 200$ ]]; }
says() { healthz | grep -qE "$1"; }
logged() { grep -c "\"event\":\"$1\"" "$T/gw.log"; }
serial() { openssl x509 -in "$G/own/gateway.pem" -noout -serial | cut -d = -f 2; }
shown() { timeout 3 openssl s_client -connect "127.0.0.1:${PORT[gw]}" </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null | cut -d = -f 2; }
no_listener() { [ -z "$(shown)" ]; }
key_is_its() { [ "$(stat -c '%a %U' "$G/own/gateway.key")" = "600 $BROKER_USER" ]; }
gw_key() { openssl pkey -in "$G/own/gateway.key" -pubout -out "$T/gw.pub"; }

# -- none yet
is 'the configuration is good without one' "$(gatewayd -t -c "$G/gatewayd.conf")" "$G/gatewayd.conf: good"
gw_start || exit 1
ok 'without a certificate it is not well, and says why' wait_for 5 says 'the gateway has no certificate: expected a token.* 503$'
like 'nor ready' "$(curl -s -m 5 -w ' %{http_code}' "$STATUS/readyz")" ' 503$'
ok 'and takes nobody' no_listener
echo 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' > "$G/own/token"
chown "$BROKER_USER" "$G/own/token"
chmod 644 "$G/own/token"
ok 'a token that others may read is not taken' wait_for 15 says 'token.* 503$'
is 'nor sent' "$(sql "SELECT count(*) FROM audit WHERE event LIKE 'enrol%' AND detail LIKE '%token%'")" 0
chmod 600 "$G/own/token"
ok 'one that policyd does not know is refused, and that is said' wait_for 20 says '401.* 503$'

# -- with the server away
token_make "$ME" "$(mac 900)" gw-east || exit 1
policyd_stop
token_put
ok 'with the server away it goes on asking' wait_for 20 says 'onnect.* 503$'
policyd_start "$T" || exit 1
ok 'a server that is back gives it one' wait_for 30 well
is 'whose it is' "$(openssl x509 -in "$G/own/gateway.pem" -noout -ext subjectAltName | grep -o 'urn:uuid:[0-9a-f-]*')" "urn:uuid:$ME"
ok 'the key is its user'\''s alone' key_is_its
is 'the token is gone' "$(find "$G/own" -name "*token*" | wc -l)" 0
is 'no token in the log' "$(grep -cE '[^A-Za-z0-9_-][A-Za-z0-9_-]{43}[^A-Za-z0-9_-]' "$T/gw.log")" 0
is 'enrolled once' "$(logged identity-enrolled)" 1
vm_join 1 || exit 1
gw_key
is 'a guest gets a licence' "$(lease vm1 1)" '200 1'

# -- renewed
proc_stop gw
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ] && [ -z "${SAN:-}" ]; then
	old=$(serial)
	policyd_stop
	gw_start LD_PRELOAD="$faketime" FAKETIME=+230 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 || exit 1
	fails_to_renew() { [ "$(logged identity-failed)" -gt "$failures" ]; }
	failures=0
	ok 'with the server away, renewal is tried' wait_for 20 fails_to_renew
	is 'and guests are served with the old one' "$(shown)" "$old"
	is 'by what is held' "$(lease vm1 1)" '200 1'
	policyd_start "$T" || exit 1
	renewed() { [ "$(serial)" != "$old" ] && [ "$(logged identity-renewed)" -ge 1 ]; }
	ok 'one that is back renews it' wait_for 30 renewed
	new_is_shown() { [ "$(shown)" = "$(serial)" ]; }
	ok 'guests see the new one at once' wait_for 5 new_is_shown
	gw_key
	is 'and go on' "$(lease vm1 1)" '200 1'
	gets() { [ "$(lease vm1 0) $(lease vm1 1)" = '200 0 200 1' ]; }
	ok 'so does the gateway with its server' gets
	before=$(gateway_metric gw vmprov_broker_requests_total)
	asks() { [ "$(gateway_metric gw vmprov_broker_requests_total)" -gt "$before" ]; }
	ok 'which it goes on asking' wait_for 10 asks
	is 'and nothing is left over' "$(find "$G/own" -name "*next*" | wc -l)" 0
	proc_stop gw
else
	echo 'gatewayd_enrol: left out: renewal, which needs libfaketime and no sanitizer'
fi

# -- a certificate that is for clients alone: a VM's
rm -f "$G"/own/gateway.pem "$G"/own/gateway.key
ini_set "$G/gatewayd.conf" identity.label=web-east
token_make "$(uuid 901)" "$(mac 901)" web-east && token_put || exit 1
gw_start || exit 1
ok 'a VM'\''s is of no use, and that is said' wait_for 20 says 'serverAuth.* 503$'
ok 'nobody is taken with it' no_listener
proc_stop gw
t_end
