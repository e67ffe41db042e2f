#!/bin/bash
# What clients may do wrong: slow, huge, cut and malformed requests, and many idle connections.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_hostile
policyd_make "$T"
sed -i 's/^\[listen\]/&\nrequest_timeout = 1s\nidle_timeout = 1s\nmax_connections = 1200/' "$T/policyd.conf"
policyd_start "$T" || exit 1
policyd_sample
host_enrol hv1 || exit 1
join hv1 11111111-2222-4333-8444-555555555501 52:54:00:00:09:01 web vm1 || exit 1

# raw TEXT...: octets through TLS, until the server closes or 20 seconds are over; prints what it said
raw() { (printf "$@"; sleep 20) 2>/dev/null | timeout 20 openssl s_client -quiet -connect "127.0.0.1:$POLICYD_PORT" -CAfile "$CA" 2>/dev/null; }
# closes COMMAND...: the server ends it well before the 20 seconds
closes() {
	timeout 15 "$@" >/dev/null 2>&1
	[ $? != 124 ]
}
alive() { as vm1 GET /v1/coi-keys >/dev/null; }
# The reader ends when the server closes; the writer's pause must not keep us.
raw_fifo() {
	rm -f "$T/fifo"
	mkfifo "$T/fifo"
	openssl s_client -quiet -connect "127.0.0.1:$POLICYD_PORT" -CAfile "$CA" <"$T/fifo" 2>/dev/null &
	local client=$!
	exec 9>"$T/fifo"
	printf "$@" >&9 2>/dev/null
	wait "$client"
	exec 9>&-
}
# One octet now and then, for as long as it is taken.
drip() {
	rm -f "$T/fifo"
	mkfifo "$T/fifo"
	openssl s_client -quiet -connect "127.0.0.1:$POLICYD_PORT" -CAfile "$CA" <"$T/fifo" >/dev/null 2>&1 &
	local client=$!
	exec 9>"$T/fifo"
	printf 'GET /' >&9
	while kill -0 "$client" 2>/dev/null; do
		printf a >&9 2>/dev/null || break
		sleep 0.1
	done
	exec 9>&-
	wait "$client"
}
export -f raw_fifo drip
export T POLICYD_PORT CA
tcp() { # connect, say something, read until the end
	exec 8<>"/dev/tcp/127.0.0.1/$POLICYD_PORT"
	printf "$@" >&8
	cat <&8 >/dev/null
	exec 8>&-
}
export -f tcp

# -- slow
ok 'a connection without a handshake is closed' closes bash -c 'tcp ""'
ok 'one that sends no TLS' closes bash -c 'tcp "GET / HTTP/1.1\r\n\r\n"'
ok 'half a request' closes bash -c 'raw_fifo "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: x\r\n"'
ok 'a body that does not come' closes bash -c 'raw_fifo "POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nAAAA"'
ok 'one octet at a time' closes bash -c drip
ok 'an idle connection' closes bash -c 'raw_fifo "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: x\r\n\r\n"'
ok 'meanwhile others are served' alive

# -- huge
head -c 1000000 /dev/zero | tr '\0' A > "$T/huge"
fails 'a huge body' 'status (413|400|000)' http -X POST -H 'Content-Type: application/pkcs10' -u x:y --data-binary "@$T/huge" "$POLICYD_URL/.well-known/est/simpleenroll"
fails 'a body that is a little too large' 'status (413|400)' http -X POST -H 'Content-Type: application/pkcs10' -u x:y --data-binary "@-" "$POLICYD_URL/.well-known/est/simpleenroll" < <(head -c 33000 "$T/huge")
fails 'a huge header' 'status (400|413|431|000)' http -H "X-Long: $(head -c 60000 "$T/huge")" "$POLICYD_URL/.well-known/est/cacerts"
fails 'a long path' 'status (400|404|414)' http "$POLICYD_URL/.well-known/est/$(head -c 2000 "$T/huge")/cacerts"
fails 'a long label' 'status 40[0-9]' est "$(head -c 200 "$T/huge")/simpleenroll" -u x:y -d A
fails 'a chunked body without an end' 'status (413|400|000)' http -X POST -H 'Transfer-Encoding: chunked' -u x:y --data-binary "@$T/huge" "$POLICYD_URL/.well-known/est/simpleenroll"
printf '[%.0s' $(seq 3000) > "$T/deep"
fails 'JSON that is deep' 'status 400' as hv1 POST /v1/vms/11111111-2222-4333-8444-555555555501/starting --data-binary "@$T/deep"
fails 'a long user and password' 'status 40[01]' est simpleenroll -u "$(head -c 3000 "$T/huge"):x" -d A
fails 'a password of 400 octets' 'status 401' est simpleenroll -u "x:$(head -c 350 "$T/huge")" -d A

# -- malformed
like 'no HTTP' "$(raw_fifo 'nonsense\r\n\r\n')" '^$|400|501'
like 'a negative length' "$(raw_fifo 'POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n')" '^$|400|401|411'
like 'two lengths' "$(raw_fifo 'GET /.well-known/est/cacerts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n')" '^$|200|400'
like 'an octet that no header may have' "$(raw_fifo 'GET /\001 HTTP/1.1\r\nHost: x\r\n\r\n')" '^$|400|404'
like 'a percent that means nothing' "$(raw_fifo 'GET /.well-known/est/%%zz/cacerts HTTP/1.1\r\nHost: x\r\n\r\n')" '^$|400|404|200'
like 'a method that is none' "$(raw_fifo 'BREW /v1/directory HTTP/1.1\r\nHost: x\r\n\r\n')" '^$|400|501'
fails 'DELETE' 'status 405' api DELETE /v1/directory
fails 'a CSR that is cut' 'status 40[01]' est simpleenroll -u x:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA -H 'Content-Type: application/pkcs10' -d "$(head -c 100 "$T/vm1.key.csr")"
fails 'a UUID in the path that is not one' 'status 400' as hv1 POST /v1/vms/..%2f..%2fetc/starting -d '{}'
like 'OCSP nonsense gets the OCSP answer for it' "$(curl -s --data-binary @"$T/deep" "$POLICYD_STATUS/ocsp" | openssl ocsp -respin - -noverify -resp_text 2>&1; curl -s --data-binary nonsense "$POLICYD_STATUS/ocsp" | od -An -tx1)" '30 03 0a 01 01'
ok 'all that, and it serves' alive
is 'by the same processes' "$(grep -c '"event":"process-ended"' "$POLICYD_LOG")" 0

# -- many: estload opens them all, asks once on each, and looks at the net process's memory
sed -i 's/^idle_timeout = .*/idle_timeout = 1h/; s/^request_timeout = .*/request_timeout = 60s/' "$T/policyd.conf"
kill -HUP "$POLICYD_PID"
wait_for 10 grep -q '"event":"reloaded"' "$POLICYD_LOG"
wait_for 10 policyd_ready
ulimit -n 4096
read -r _ good failed _ < <(estload idle --server "127.0.0.1:$POLICYD_PORT" --count 1000 --pid "net=$(policyd_process net)" --tsv 2>"$T/idle.log" | tee "$T/idle.tsv")
is "1,000 idle connections $(head -n 1 "$T/idle.log")" "$good $failed" '1000 0'
peak=$(awk '{print $(NF - 1)}' "$T/idle.tsv")
[ -n "${SAN:-}" ] || ok "the net process keeps within 64 MiB and 40 KiB a connection ($peak KiB)" [ "$peak" -lt $((65536 + 40 * 1000)) ]
gone() { curl -sf "$POLICYD_STATUS/metrics" | grep -q '^vmprov_connections 0'; }
ok 'they end, and are gone' wait_for 20 gone
ok 'and it serves' alive
t_end
