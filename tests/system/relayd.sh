#!/bin/bash
# Proxy and relay: who may pass, what may pass, and what becomes of it when somebody misbehaves or goes away.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
t_begin relayd
cd "$T" || exit 2

BASE=$((20012 + $$ % 20000))
PROXY=$BASE RELAY=$((BASE + 2)) WEB=$((BASE + 4)) SINK=$((BASE + 5)) LOG=$((BASE + 6)) SYSLOG=$((BASE + 7))
NTP=$((BASE + 8)) TIME=$((BASE + 9)) DEAD=$((BASE + 10))
USER_OF=$([ "$(id -u)" = 0 ] && echo news || id -un)
declare -A PID=()

# -- certificates: as policyd's, a MAC address as CN and a UUID as URI
uuid() { printf '00000000-0000-4000-8000-0000000000%02d' "$1"; }
certs=0
# cert NAME EKU [CA]
cert() {
	certs=$((certs + 1))
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=52:54:00:00:00:$(printf %02x $certs)" -keyout "$1.key" \
		-out "$1.csr" 2>/dev/null
	printf 'subjectAltName=URI:urn:uuid:%s,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=%s\n' "$(uuid $certs)" "$2" > "$1.ext"
	openssl x509 -req -in "$1.csr" -CA "${3:-ca}.pem" -CAkey "${3:-ca}.key" -set_serial "0x01$(printf %030x $certs)" -days 3 \
		-extfile "$1.ext" -out "$1.pem" 2>/dev/null
	[ "$(id -u)" != 0 ] || chown $USER_OF "$1.key"
}
ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null; }
ca ca
ca other
cert vm1 clientAuth
cert vm2 clientAuth
cert proxy serverAuth,clientAuth
cert relay serverAuth,clientAuth
cert web serverAuth
cert stranger clientAuth other
cert sender clientAuth
VM1=$(uuid 1) PROXY_ID=$(uuid 3) RELAY_ID=$(uuid 4)

# -- processes
run() {
	local name=$1
	shift
	"$@" 2>>"$name.log" &
	PID[$name]=$!
	T_CLEANUP+=("stop $name")
}
stop() {
	local pid=${PID[$1]:-}
	[ -n "$pid" ] || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	# What is stopped (SIGSTOP) would wait for ever.
	kill -CONT "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	PID[$1]=
	if grep -qE 'AddressSanitizer|LeakSanitizer|runtime error:' "$1.log"; then
		t_fail "sanitizers are content with $1" "$(grep -hEA 12 'Sanitizer|runtime error:' "$1.log")"
	fi
}

# conf NAME ROLE PORT [NEXT-PORT] < further sections: NAME.conf, with its certificate
conf() {
	cat > "$1.conf" <<-EOF
		[process]
		user = $USER_OF
		[relay]
		role = $2
		${CHAIN:+chain = $CHAIN}
		${DEPTH:+max_depth = $DEPTH}
		[listen]
		address = 127.0.0.1:$3
		peers = ${PEERS:-*}
		[identity]
		certificate = $T/$1.pem
		key = $T/$1.key
		ca = $T/ca.pem
		enrol = no
		[limits]
		connect_timeout = ${CONNECT:-3s}
		request_timeout = ${REQUEST:-1s}
		idle_timeout = ${IDLE:-1m}
		per_peer = ${PER_PEER:-64}
		tunnels = ${TUNNELS:-1024}
		[status]
		address = 127.0.0.1:$(($3 + 1))
		[log]
		level = debug
		[next]
		${4:+address = 127.0.0.1:$4}
		name = ${NEXT_NAME:-}
	EOF
	sed -i '/^$/d' "$1.conf"
	cat >> "$1.conf"
}
STATUS_OF() { sed -n '/^\[status\]/,/^\[/s/^address = //p' "$1.conf"; }
healthy() { curl -sf -m 5 "http://$(STATUS_OF "$1")/healthz"; }
start() {
	run "$1" relayd -c "$1.conf"
	wait_for 10 healthy "$1" || t_fail "$1 is well" "$(tail -n 5 "$1.log")"
}
restart() {
	stop "$1"
	start "$1"
}
metric() { curl -s -m 5 "http://$(STATUS_OF "$1")/metrics" | awk -v m="vmprov_relay_$2" '$1 == m {print $2}'; }
metric_is() { [ "$(metric "$1" "$2")" = "$3" ]; }
metric_over() { [ "$(metric "$1" "$2")" -gt "$3" ]; }
refused() { metric "$1" "refusals_total{reason=\"$2\"}"; }
refused_is() { [ "$(refused "$1" "$2")" = "$3" ]; }
logs() { grep -c "\"event\":\"$2\"" "$1.log"; }
logs_at_least() { [ "$(logs "$1" "$2")" -ge "$3" ]; }

# fetch WHO PORT URL [CURL-ARGS...]: through the relay at that port
fetch() {
	local who=$1 port=$2 url=$3
	shift 3
	curl -sS -m 15 --proxy "https://127.0.0.1:$port" --proxy-cacert ca.pem ${who:+--proxy-cert $who.pem --proxy-key $who.key} \
		--cacert ca.pem "$@" "$url" 2>&1
}
page() { fetch "$1" "$2" "https://localhost:$WEB/" | grep -o 'Ciphers supported' | head -n 1; }
code() { fetch "$1" "$2" "$3" -s --no-show-error -o /dev/null -w '%{http_connect}'; }
# no DESCRIPTION COMMAND...: it must fail
no() {
	local what=$1
	shift
	if "$@"; then t_fail "$what" "command: $*"; else t_pass "$what"; fi
}
# say WHO PORT: what standard input says, over TLS; prints what comes back until the relay ends the connection
say() { timeout 15 openssl s_client -connect "127.0.0.1:$2" -cert "$1.pem" -key "$1.key" -CAfile ca.pem -quiet 2>/dev/null; }
connect() { printf 'CONNECT %s HTTP/1.1\r\nHost: %s\r\n%b\r\n' "$1" "$1" "${2:-}"; }

# -- what the configuration may say
SERVICES="[service web]
target = localhost:$WEB
[service sink]
target = 127.0.0.1:$SINK
[service dead]
target = 127.0.0.1:$DEAD
[service syslog]
target = localhost:$LOG
type = syslog
[service time]
target = 127.0.0.1:$TIME
type = ntp"
ENTRIES="[service web]
target = localhost:$WEB
[service sink]
target = 127.0.0.1:$SINK
[service dead]
target = 127.0.0.1:$DEAD
[service syslog]
target = localhost:$LOG
type = syslog
listen = 127.0.0.1:$SYSLOG
[service time]
target = 127.0.0.1:$TIME
type = ntp
listen = 127.0.0.1:$NTP
[service past]
target = localhost:1"
check() { relayd -t -c proxy.conf; }
bad() { # WHAT REGEX LINES...
	local what=$1 regex=$2
	shift 2
	conf proxy proxy "$PROXY" < <(printf '%s\n' "$@")
	fails "$what" "$regex" check
}
conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
ok 'a configuration that is good' check
fails 'no service' 'at least one section \[service NAME\]' relayd -t -c <(sed '/^\[service/,$d' proxy.conf)
bad 'another section' 'there is no such section' '[services web]' 'target = a:1'
bad 'a service without a target' '\[service web\] target: expected HOST:PORT' '[service web]'
bad 'a target without a port' 'target: expected HOST:PORT' '[service web]' 'target = policyd.example'
bad 'another type' 'type: expected tls, syslog or ntp' '[service web]' 'target = a:1' 'type = http'
bad 'a listener for tls' 'listen: only for type = syslog and ntp' '[service web]' 'target = a:1' 'listen = 127.0.0.1:1'
bad 'a listener that is no address' 'listen: ' '[service log]' 'target = a:1' 'type = syslog' 'listen = here'
bad 'a target twice' "target: a:1 is \\[service web\\]'s already" '[service web]' 'target = A:1' '[service two]' 'target = a:1'
bad 'a service twice' 'given twice' '[service web]' 'target = a:1' '[service web]'
bad 'a name that is none' 'expected a name' '[service a b]' 'target = a:1'
bad 'a server name for tls' 'only for type = syslog' '[service web]' 'target = a:1' 'server = *'
PEERS='gateway1' bad 'peers that are none' 'gateway1: expected a UUID, a MAC address or \*' '[service web]' 'target = a:1'
PEERS=$T/peers bad 'a file of peers that is not there' 'peers: cannot open' '[service web]' 'target = a:1'
NEXT_NAME=x bad 'a name of the next that is none' '\[next\] name: expected a UUID or a MAC address' '[service web]' 'target = a:1'
conf proxy third "$PROXY" <<<"$ENTRIES"
fails 'another role' 'role: expected proxy or relay' check

# -- the way through
NEXT_NAME=$RELAY_ID conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
PEERS=$T/peers conf relay relay "$RELAY" <<<"$SERVICES"
printf '# proxies\n%s\n' "$PROXY_ID" > peers
run web openssl s_server -accept "127.0.0.1:$WEB" -cert web.pem -key web.key -WWW -quiet
head -c 20000000 /dev/urandom > big
start relay
start proxy
is 'its name is its certificate'\''s UUID' "$(healthy proxy | grep -c "\"id\":\"$PROXY_ID\"")" 1
get_big() { fetch "$1" "$2" "https://localhost:$WEB/big" -o got && tail -c 20000000 got | cmp -s - big; }
ok 'client, proxy, relay, server: TLS inside, end to end' wait_for 5 get_big vm1 "$PROXY"
rm -f got
ok 'and once more' get_big vm1 "$PROXY"
ok 'the octets are counted' metric_over relay 'octets_total{service="web",direction="in"}' 40000000
ok 'and the tunnels' test "$(metric proxy 'tunnels_total{service="web"}')" -ge 2
ok 'which end with the client' wait_for 5 metric_is relay 'tunnels{service="web"}' 0
like 'their ends are logged, with who and how much' "$(grep tunnel-ended proxy.log | tail -n 1)" "\"peer\":\"$VM1\".*\"service\":\"web\".*\"octets_in\":\"200"
like 'the relay knows whom it is from' "$(grep tunnel-opened relay.log | tail -n 1)" "\"peer\":\"$PROXY_ID\""

# -- who may not
like 'without a certificate' "$(fetch '' "$PROXY" "https://localhost:$WEB/big" -o /dev/null)" 'certificate required|alert|Connection reset|SSL'
ok 'is counted' test "$(refused proxy handshake)" -ge 1
like 'with one of another CA' "$(fetch stranger "$PROXY" "https://localhost:$WEB/big" -o /dev/null)" 'unknown ca|alert|Connection reset|SSL'
ok 'is counted as well' test "$(refused proxy handshake)" -ge 2
is 'a target that is no service' "$(code vm1 "$PROXY" "https://localhost:$((WEB + 1000))/")" 403
is 'the same host by another name' "$(code vm1 "$PROXY" "https://127.0.0.1:$WEB/")" 403
is 'one that the proxy knows and the relay does not' "$(code vm1 "$PROXY" https://localhost:1/)" 403
like 'with the relay'\''s sentence' "$(connect localhost:1 | say vm1 "$PROXY")" 'HTTP/1.1 403 Forbidden.*the next relay refuses with 403: localhost:1 is not among the targets'
is 'past the proxy' "$(code vm1 "$RELAY" "https://localhost:$WEB/")" 403
like 'not among the peers' "$(connect "localhost:$WEB" "Via: 1.1 $VM1\r\n" | say vm1 "$RELAY")" 'not among those who may come'
like 'a proxy that brings nothing of anybody'\''s' "$(connect "localhost:$WEB" | say proxy "$RELAY")" '403 .*this relay takes what proxies bring'
like 'in another'\''s name' "$(connect "localhost:$WEB" "Via: 1.1 $VM1\r\n" | say proxy "$RELAY")" '403 .*the last entry is not who brings'
like 'through another proxy, which this one does not take' "$(connect "localhost:$WEB" "Via: 1.1 $VM1\r\n" | say vm1 "$PROXY")" '403 .*nothing that comes through another'
printf '%s\n' "$PROXY_ID" "$VM1" > peers
kill -HUP "${PID[relay]}"
ok 'SIGHUP: peers are read again' wait_for 5 logs_at_least relay reloaded 1
is 'who was added may come' "$(connect "localhost:$WEB" "Via: 1.1 $VM1\r\n" | timeout 3 openssl s_client -connect "127.0.0.1:$RELAY" -cert vm1.pem -key vm1.key -quiet 2>/dev/null | head -n 1 | tr -d '\r')" 'HTTP/1.1 200 Connection established'
echo nobody > peers
kill -HUP "${PID[relay]}"
ok 'a file that is wrong' wait_for 5 logs_at_least relay not-reloaded 1
ok 'changes nothing' get_big vm1 "$PROXY"
echo "$PROXY_ID" > peers

# -- what is not a request
like 'GET' "$(printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' | say vm1 "$PROXY")" 'HTTP/1.1 405 '
like 'TLS inside without CONNECT' "$(printf '\026\003\001\000\005\001' | say vm1 "$PROXY")" 'HTTP/1.1 400 '
like 'a Host of another name' "$(printf 'CONNECT localhost:%s HTTP/1.1\r\nHost: x\r\n\r\n' "$WEB" | say vm1 "$PROXY")" 'HTTP/1.1 400 .*Host'
like 'a body' "$(connect "localhost:$WEB" 'Content-Length: 3\r\n' | say vm1 "$PROXY")" 'HTTP/1.1 400 .*no body'
like 'what follows before the answer' "$( (connect "localhost:$WEB"; printf '\026\003\001\000\005\001') | say vm1 "$PROXY")" 'HTTP/1.1 400 .*before it is answered'
like 'a head without an end' "$(head -c 9000 /dev/zero | tr '\0' 'a' | sed 's/^/CONNECT x /' | say vm1 "$PROXY")" 'HTTP/1.1 431 '
is 'are counted' "$(refused proxy request)" 6

# -- what is no TLS
before=$(refused proxy content)
is 'clear text after CONNECT goes nowhere' "$( (connect "localhost:$WEB"; sleep 0.5; printf 'GET /big HTTP/1.0\r\n\r\n') | say vm1 "$PROXY" | tail -c +40 | tr -d '\r\n')" ''
ok 'and is counted' wait_for 5 refused_is proxy content $((before + 1))

# -- who is slow: [limits] request_timeout is 1 s here
before=$(refused proxy timeout)
exec 5<>"/dev/tcp/127.0.0.1/$PROXY"
ok 'a connection without TLS ends' wait_for 5 refused_is proxy timeout $((before + 1))
is 'with nothing' "$(timeout 5 cat <&5 | wc -c)" 0
exec 5<&-
like 'TLS without a request' "$( (sleep 3) | say vm1 "$PROXY")" 'HTTP/1.1 408 '
like 'half a request' "$( (printf 'CONNECT localhost'; sleep 3) | say vm1 "$PROXY")" 'HTTP/1.1 408 '
idle() { echo $(($(metric proxy idle_total) + $(metric relay idle_total))); }
idled() { [ "$(idle)" -gt "$before" ]; }
before=$(idle)
like 'a tunnel in which no TLS begins' "$( (connect "localhost:$WEB"; sleep 4) | say vm1 "$PROXY")" 'HTTP/1.1 200 '
ok 'is ended, by the one or the other' wait_for 5 idled

# -- a target that is slow: nobody holds more than a bit of what it does not take
# s_server ends a connection when its standard input ends.
mkfifo silence fifo
exec 6<>silence 8<>fifo
run sink bash -c "exec openssl s_server -accept 127.0.0.1:$SINK -cert web.pem -key web.key -quiet <silence >fifo"
wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$SINK"
fetch vm1 "$PROXY" "https://127.0.0.1:$SINK/" -m 60 -H 'Expect:' -T big > upload.log &
upload=$!
ok 'an upload begins' wait_for 10 metric_over relay 'octets_total{service="sink",direction="out"}' 60000
settled() {
	local now
	now=$(metric proxy 'octets_total{service="sink",direction="out"}')
	[ "$now" = "${last:-}" ] || { last=$now; return 1; }
}
still() { wait_for 10 settled && sleep 0.5 && settled; }
ok 'it stalls with its reader' wait_for 10 still
ok 'with little of it taken' test "$(metric proxy 'octets_total{service="sink",direction="out"}')" -lt 14000000
rss() { awk '/VmRSS/ {print $2}' "/proc/${PID[$1]}/status"; }
[ -n "${SAN:-}" ] || ok 'and little of it held' test "$(rss proxy)" -lt 20000 -a "$(rss relay)" -lt 20000
cat fifo > received &
reader=$!
whole() { [ "$(tail -c 20000000 received | sha256sum)" = "$(sha256sum < big)" ]; }
ok 'read at last, it is whole' wait_for 20 whole
kill "$upload" "$reader" 2>/dev/null
stop sink

# -- targets and hops that are not there
is 'a target that is down' "$(code vm1 "$PROXY" "https://127.0.0.1:$DEAD/")" 502
is 'is a failure of its service' "$(metric relay 'connect_failures_total{service="dead"}')" 1
is 'and no other relay'\''s' "$(metric proxy 'connect_failures_total{service="dead"}')" 0
run dead openssl s_server -accept "127.0.0.1:$DEAD" -cert web.pem -key web.key -WWW -quiet
back() { [ "$(code vm1 "$PROXY" "https://127.0.0.1:$DEAD/")" = 200 ]; }
ok 'when it is back, it is reached' wait_for 5 back
stop dead
stop relay KILL
is 'a relay that is down' "$(code vm1 "$PROXY" "https://localhost:$WEB/big")" 502
start relay
ok 'and back' get_big vm1 "$PROXY"
kill -STOP "${PID[relay]}"
is 'a relay that does not answer' "$(code vm1 "$PROXY" "https://localhost:$WEB/big")" 504
kill -CONT "${PID[relay]}"
ok 'and goes on' wait_for 5 get_big vm1 "$PROXY"
fetch vm1 "$PROXY" "https://localhost:$WEB/big" --limit-rate 1M -o got > cut.log &
fetching=$!
ok 'a transfer' wait_for 5 metric_is proxy 'tunnels{service="web"}' 1
stop relay KILL
wait "$fetching"
no 'is cut when a relay is killed' test "$(stat -c %s got)" -gt 20000000
ok 'and the tunnel has ended' wait_for 5 metric_is proxy 'tunnels{service="web"}' 0
# -- the wrong next
NEXT_NAME=$VM1 conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
start relay
restart proxy
is 'a next relay of another name' "$(code vm1 "$PROXY" "https://localhost:$WEB/big")" 502
like 'is not told anything' "$(tail -n 2 proxy.log)" 'not who is configured'
cp relay.pem relay.keep && cp -p relay.key relay.keep.key
cert relay clientAuth
stop relay
run relay relayd -c relay.conf
ok 'a relay whose certificate is not for a server' wait_for 5 grep -q 'not for TLS servers' relay.log
no 'is not well' healthy relay
stop relay
mv relay.keep relay.pem && mv relay.keep.key relay.key

# -- limits
PER_PEER=2 conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
restart proxy
hold() { (connect "localhost:$WEB"; printf ''; sleep 20) | say "$1" "$PROXY" > "held.$2" & }
REQUEST=30s PER_PEER=2 TUNNELS=3 conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
REQUEST=30s PEERS=$PROXY_ID conf relay relay "$RELAY" <<<"$SERVICES"
restart relay
restart proxy
hold vm1 1
hold vm1 2
ok 'two tunnels of one peer' wait_for 5 metric_is proxy 'tunnels{service="web"}' 2
is 'a third is too many' "$(connect "localhost:$WEB" | say vm1 "$PROXY" | head -n 1 | tr -d '\r')" 'HTTP/1.1 429 Too Many Requests'
hold vm2 3
ok 'another peer has its own' wait_for 5 metric_is proxy 'tunnels{service="web"}' 3
is 'until there are as many as there may be' "$(connect "localhost:$WEB" | say vm2 "$PROXY" | head -n 1 | tr -d '\r')" 'HTTP/1.1 503 Service Unavailable'
stop proxy
ok 'SIGTERM ends them' grep -q '"event":"ready"' proxy.log

# -- loops
PEERS='*' CHAIN=yes conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
CHAIN=yes conf relay proxy "$RELAY" "$PROXY" <<<"$SERVICES"
restart relay
start proxy
is 'two proxies that point at each other' "$(code vm1 "$PROXY" "https://localhost:$WEB/big")" 508
is 'end it where it began' "$(refused proxy loop)" 1
CHAIN=yes DEPTH=1 conf relay proxy "$RELAY" <<<"$SERVICES"
restart relay
is 'more in a row than there may be' "$(code vm1 "$PROXY" "https://localhost:$WEB/big")" 508
like 'says so' "$(tail -n 3 relay.log)" 'at most 1 are allowed'

# -- syslog
conf proxy proxy "$PROXY" "$RELAY" <<<"$ENTRIES"
PEERS=$PROXY_ID conf relay relay "$RELAY" <<<"$SERVICES"
restart relay
restart proxy
log_server() {
	run log bash -c "exec openssl s_server -accept 127.0.0.1:$LOG -cert ${1:-web}.pem -key ${1:-web}.key -CAfile ca.pem -Verify 2 -verify_return_error -quiet <silence >> messages"
	wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$LOG"
}
log_server
frame() { printf '%d %s' "${#1}" "$1"; }
send() { timeout 5 openssl s_client -connect "127.0.0.1:$SYSLOG" -cert "${1:-sender}.pem" -key "${1:-sender}.key" -CAfile ca.pem -quiet -no_ign_eof 2>/dev/null >/dev/null; }
got() { grep -qa "$1" messages; }
(for i in 1 2 3; do frame "<34>1 2026-11-22T16:00:0${i}Z host app 1 id [a@1 b=\"c\"] message $i"; done; wait_for 8 got 'message 3') | send
ok 'syslog over TLS reaches the server, in frames' got '^[0-9]* <34>1 2026-11-22T16:00:01Z host app 1 id \[a@1 b="c"\] message 1[0-9]* <34>1'
ok 'the last as well' got 'message 3'
is 'the messages are counted at the entry' "$(metric proxy 'syslog_messages_total{service="syslog"}')" 3
is 'and at the exit' "$(metric relay 'syslog_messages_total{service="syslog"}')" 3
before=$(refused proxy content)
(frame '<34>1 - host app - - - good'; frame '<34>Oct 11 22:14:15 host su: old'; frame '<34>1 - host app - - - after') | send
ok 'a message of another form ends the connection' wait_for 5 refused_is proxy content $((before + 1))
ok 'what came before it has gone on' wait_for 5 got 'good'
no 'and nothing of it or after it' got 'old\|after'
head -c 9000 /dev/zero | tr '\0' 'a' | sed 's/^/8193 <34>1 - - - - - - /' | send
ok 'one that is too long' wait_for 5 refused_is proxy content $((before + 2))
printf 'CONNECT localhost:%s HTTP/1.1\r\nHost: localhost:%s\r\n\r\n' "$LOG" "$LOG" | send
ok 'what is no syslog' wait_for 5 refused_is proxy content $((before + 3))
before=$(refused proxy handshake)
send stranger < /dev/null
ok 'a sender of another CA' wait_for 5 refused_is proxy handshake $((before + 1))
many() { for ((i = 0; i < 3000; i++)); do frame "<13>1 - host app - - - number $i $(printf '%0100d' "$i")"; done; }
many > many
(cat many; wait_for 10 got 'number 2999') | send
ok '3000 messages' got 'number 2999'
is 'none is lost, or torn' "$(grep -aoE '[0-9]+ <13>1 - host app - - - number [0-9]+ [0-9]{100}' messages | wc -l)" 3000
stop log
frame '<34>1 - - - - - - to nobody' | send
ok 'a server that is down ends the connection' wait_for 5 metric_over relay 'connect_failures_total{service="syslog"}' 0
log_server
(frame '<34>1 - - - - - - back'; wait_for 4 got back) | send
ok 'the next one goes when it is back' got back
stop log
cert nameless serverAuth
sed -i 's/,DNS:localhost//' nameless.ext
openssl x509 -req -in nameless.csr -CA ca.pem -CAkey ca.key -set_serial 0x0100000000000000000000000000ff -days 3 -extfile nameless.ext -out nameless.pem 2>/dev/null
log_server nameless
frame '<34>1 - - - - - - secret' | send
ok 'a server of another name' wait_for 5 logs_at_least relay refused 1
no 'gets nothing' got secret
PEERS=$PROXY_ID conf relay relay "$RELAY" < <(sed "/type = syslog/a server = $(uuid $certs)" <<<"$SERVICES")
restart relay
(frame '<34>1 - - - - - - by its uuid'; wait_for 4 got 'by its uuid') | send
ok 'unless that name is configured' got 'by its uuid'
stop log

# -- NTP
run time ntp-play serve "127.0.0.1:$TIME" > time.out
wait_for 5 grep -q ready time.out
ask() { ntp-play ask "127.0.0.1:$NTP" "$@"; }
is 'an NTP request is answered' "$(ask)" 1
is '200 clients have each their own answer' "$(ask --count 200 --wait 2000)" 200
is 'requests with extension fields' "$(ask --octets 68)" 1
is 'requests are counted' "$(metric proxy 'ntp_requests_total{service="time"}')" 202
is 'and answers' "$(metric relay 'ntp_answers_total{service="time"}')" 202
before=$(refused proxy content)
is 'control messages are not passed on' "$(ask --mode 6 --wait 300)" 0
is 'nor what a server would send' "$(ask --mode 4 --wait 300)" 0
is 'nor what is too short' "$(ask --octets 44 --wait 300)" 0
is 'nor too long' "$(ask --octets 472 --wait 300)" 0
is 'but counted' "$(refused proxy content)" $((before + 4))
stop time
is 'a server that is down' "$(ask --wait 300)" 0
run time ntp-play serve "127.0.0.1:$TIME" --twice --stranger > time.out
answered() { [ "$(ask --wait 500)" = 1 ]; }
ok 'one that answers twice, and others'\'' requests' wait_for 8 answered
ok 'is heard once' wait_for 5 metric_over relay 'ntp_dropped_total{service="time"}' 1
stop relay KILL
is 'without a relay' "$(ask --wait 300)" 0
start relay
timely() { [ "$(ask --wait 400)" = 1 ]; }
ok 'it comes back with it' wait_for 10 timely
# a proxy that is the last one itself
conf proxy proxy "$PROXY" <<<"$ENTRIES"
restart proxy
is 'without a further relay' "$(ask)" 1
ok 'and a tunnel' get_big vm1 "$PROXY"

# -- the end
kill -TERM "${PID[proxy]}"
wait "${PID[proxy]}"
is 'SIGTERM: it stops, with 0' $? 0
stop proxy
# -- as another user, behind a filter
if [ "$(id -u)" = 0 ]; then
	is 'it is not root' "$(stat -c %U "/proc/${PID[relay]}/task" 2>/dev/null || true)$(awk '/^Uid/ {print $2}' "/proc/${PID[relay]}/status")" "$(stat -c %U "/proc/${PID[relay]}/task")$(id -u $USER_OF)"
	is 'it has a filter' "$(awk '/^Seccomp:/ {print $2}' "/proc/${PID[relay]}/status")" 2
fi
no 'no secret in the logs' grep -l 'PRIVATE KEY\|secret' proxy.log relay.log
t_end
