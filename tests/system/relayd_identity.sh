#!/bin/bash
# A relay's own certificate: enrolled by a token, renewed through another relay, and used from then on.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
t_begin relayd_identity
policyd_make "$T"
printf '[certificate]\nvm_life = 300\n' >> "$T/policyd.conf"
policyd_start "$T" || exit 1
sql "INSERT INTO tenant (name) VALUES ('acme'); INSERT INTO host (name, cert_name) VALUES ('hv1', 'hv1.example');
	INSERT INTO template (name, kind, tenant_id, auto_create) SELECT 'relay', 'gateway', id, 1 FROM tenant WHERE name = 'acme';"
host_enrol hv1 || exit 1
USER_OF=$([ "$(id -u)" = 0 ] && echo news || id -un)
declare -A PID=() PORT=([one]=$((POLICYD_PORT + 2)) [two]=$((POLICYD_PORT + 4)))

uuid() { printf '00000000-0000-4000-8000-00000000000%s' "$([ "$1" = one ] && echo 1 || echo 2)"; }
# relay NAME [PROXY-URL]: its folder and configuration
relay() {
	mkdir -p "$T/$1"
	cp "$CA" "$T/$1.ca.pem"
	chmod 700 "$T/$1" && chown "$USER_OF" "$T/$1"
	cat > "$T/$1.conf" <<-EOF
		[process]
		user = $USER_OF
		[listen]
		address = 127.0.0.1:${PORT[$1]}
		[status]
		address = 127.0.0.1:$((${PORT[$1]} + 1))
		[identity]
		certificate = $T/$1/relay.pem
		key = $T/$1/relay.key
		ca = $T/$1.ca.pem
		token_file = $T/$1/token
		[policyd]
		url = $POLICYD_URL
		ca = $T/$1.ca.pem
		proxy = ${2:-}
		[service est]
		target = localhost:$POLICYD_PORT
	EOF
}
token() {
	starting hv1 "$(uuid "$1")" "52:54:00:00:00:0${2}" relay | field token > "$T/$1/token"
	chmod 600 "$T/$1/token" && chown "$USER_OF" "$T/$1/token"
}
# start NAME [WORDS of the environment]
start() {
	local name=$1
	shift
	env "$@" relayd -c "$T/$name.conf" 2>>"$T/$name.log" &
	PID[$name]=$!
	T_CLEANUP+=("stop $name")
	wait_for 10 curl -s -m 5 -o "$T/health" "http://127.0.0.1:$((${PORT[$name]} + 1))/healthz"
}
stop() {
	[ -n "${PID[$1]:-}" ] || return 0
	kill "${PID[$1]}" 2>/dev/null
	wait "${PID[$1]}" 2>/dev/null
	PID[$1]=
	if grep -qE 'AddressSanitizer|runtime error:' "$T/$1.log"; then
		t_fail "sanitizers are content with $1" "$(grep -hEA 12 'Sanitizer|runtime error:' "$T/$1.log")"
	fi
}
health() { curl -s -m 5 -w ' %{http_code}' "http://127.0.0.1:$((${PORT[$1]} + 1))/healthz"; }
well() { [[ $(health "$1") =~ \ 200$ ]]; }
logged() { grep -c "\"event\":\"$2\"" "$T/$1.log"; }
metric() { curl -s -m 5 "http://127.0.0.1:$((${PORT[$1]} + 1))/metrics" | awk -v m="vmprov_relay_$2" '$1 == m {print $2}'; }
serial() { openssl x509 -in "$T/$1/relay.pem" -noout -serial; }
through() { # NAME: a request to policyd, through the relay at that name, with the other's certificate
	curl -s -m 10 --proxy "https://127.0.0.1:${PORT[$1]}" --proxy-insecure --proxy-cert "$T/$2/relay.pem" --proxy-key "$T/$2/relay.key" \
		--cacert "$CA" "$POLICYD_URL/.well-known/est/cacerts" -o /dev/null -w '%{http_code}'
}

for name in one two; do relay $name; done
start one
like 'without a certificate it is not well, and says why' "$(health one)" 'the relay has no certificate.* 503$'
no_listener() { ! timeout 2 openssl s_client -connect "127.0.0.1:${PORT[one]}" </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE'; }
ok 'and takes nobody' no_listener
token one 1
ok 'a token brings one' wait_for 15 well one
ok 'by which it is known' grep -q "\"event\":\"ready\".*\"id\":\"$(uuid one)\"" "$T/one.log"
is 'the token is gone' "$(ls "$T/one" | tr '\n' ' ')" 'relay.key relay.pem '
token two 2
start two
ok 'the other one as well' wait_for 15 well two
is 'a tunnel to policyd' "$(through one two)" 200
stop two

faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ] && [ -z "${SAN:-}" ]; then
	relay two "https://127.0.0.1:${PORT[one]}"
	old=$(serial two)
	tunnels=$(metric one 'tunnels_total{service="est"}')
	start two LD_PRELOAD="$faketime" FAKETIME=+230 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
	renewed() { [ "$(serial two)" != "$old" ] && [ "$(logged two identity-renewed)" = 1 ]; }
	ok 'renewal when two thirds of its life are over' wait_for 15 renewed
	ok 'goes through the other relay' test "$(metric one 'tunnels_total{service="est"}')" -gt "$tunnels"
	ok 'and policyd knows it' test "$(sql "SELECT count(*) FROM certificate WHERE serial = lower('$(serial two | cut -d = -f 2)')")" = 1
	in_use() { [ "$(openssl s_client -connect "127.0.0.1:${PORT[two]}" </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null)" = "$(serial two)" ]; }
	ok 'who comes from now on sees the new one' wait_for 5 in_use
	is 'it is counted' "$(metric two 'certificates_total{by="renewal"}')" 1
	stop two
else
	echo 'relayd_identity: left out: renewal, which needs libfaketime and no sanitizer'
fi
t_end
