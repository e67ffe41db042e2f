#!/bin/bash
# A bad link between broker and licence server: answers that are lost, a slow line, silence, altered octets.  What is asked again is
# given once, and guests notice only when the broker's own lease is over.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_link
licence_world || exit 1
pool web 9
gateway_add gw-east east || exit 1
link_add wire "$POLICYD_PORT"
ini_set "$T/gw-east/gatewayd.conf" "server home.url=https://localhost:${PORT[wire]}" broker.spare=0
gateway_start gw-east || exit 1
vms_join 1 10 || exit 1
held() { gateway_metric gw-east vmprov_broker_held; }
ahead() { [ "$(occupied)" -gt "$(held)" ]; }
agree() { [ "$(held)" = "$(occupied)" ]; }
up_is() { [ "$(gateway_metric gw-east vmprov_broker_server_up)" = "$1" ]; }
anew() {
	proc_stop wire
	link_add wire "$POLICYD_PORT" "$@"
}
sent() { sql 'SELECT coalesce(max(seq), 0) FROM lease'; }

# ask FIRST LAST: all at once; prints how many were granted
ask() {
	local n pids=()
	for ((n = $1; n <= $2; n++)); do
		lease vm$n 1 > "$T/vm$n.said" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for ((n = $1; n <= $2; n++)); do cat "$T/vm$n.said"; done | grep -c '^200 1'
}
all() { [ "$(ask "$1" "$2")" = $(($2 - $1 + 1)) ]; }

is 'vm1' "$(lease vm1 1)" '200 1'

# -- answers are lost on the way
for last in 5 8; do
	wait_for 5 agree
	kill -USR1 "${PID[wire]}"
	fails "guests up to vm$last, while answers are lost: not all are granted" '' all 2 $last
	ok 'the server has granted what the broker does not know of' wait_for 3 ahead
	kill -USR2 "${PID[wire]}"
	ok 'the answer comes when it is asked for again' wait_for 8 all 2 $last
	ok 'and both ends agree' wait_for 5 agree
	ok 'on no more than are owned' [ "$(occupied)" -le 9 ]
done
kill -USR1 "${PID[wire]}"
is 'vm3 gives back while answers are lost' "$(lease vm3 0)" '200 0'
is 'that counts for the guest at once' "$(lease vm1 1)" '200 1'
kill -USR2 "${PID[wire]}"
ok 'and for both ends in the end' wait_for 8 agree
for n in 4 5 6 7 8; do lease vm$n 0 >/dev/null; done

# -- a slow line
anew --rate 3000
seq=$(sent)
began=$(boot)
curl -s -o /dev/null --cacert "$CA" "https://localhost:${PORT[wire]}/"
ok 'a slow line: a handshake alone takes its time' awk -v a="$began" -v b="$(boot)" 'BEGIN {exit b - a < 0.5}'
ok 'a grant comes' wait_for 15 lease_is vm3 1 '200 1'
began=$(boot)
is 'a renewal by the broker takes none' "$(lease vm1 1)" '200 1'
ok 'as it makes no trip' awk -v a="$began" -v b="$(boot)" 'BEGIN {exit b - a > 1}'
renewed() { lease vm1 1 >/dev/null && [ "$(sent)" -gt "$seq" ]; }
ok 'and the broker'\''s own lease is renewed' wait_for 15 renewed

# -- altered octets: of the handshake, and of what follows
fresh() { ! gateway_ends_within gw-east 5; }
for fault in '--flip 3' '--flip 700' '--flip 1700' '--flip-back 5' '--flip-back 900' '--flip-back 1500'; do
	ok "$fault: the broker's own lease is fresh" wait_for 8 fresh
	# shellcheck disable=SC2086 # an option and its value
	anew $fault
	seq=$(sent)
	opened() { [ "$(grep -c open "$T/wire.log")" -ge 2 ]; }
	ok "$fault: it tries again" wait_for 5 opened
	is 'the guest has what it has' "$(lease vm1 1)" '200 1'
	anew
	ok 'without faults there is an answer' wait_for 8 renewed
done
ok 'another guest is granted' wait_for 8 lease_is vm4 1 '200 1'
ok 'both ends agree' wait_for 5 agree
ok 'no more are out than are owned' [ "$(occupied)" -le 9 ]

# -- silence
anew --mute
ok 'silence is noticed' wait_for 8 up_is 0
like 'and told' "$(curl -s "http://127.0.0.1:${PORT[gw-east-status]}/v1/status")" '"home": ?"[^o]'
is 'guests go on' "$(lease vm1 1)" '200 1'
over() { [ "$(lease vm1 1 | cut -c 1-3)" != 200 ]; }
ok 'until the broker'\''s own lease is over' wait_for 12 over
anew
ok 'it is heard again' wait_for 10 up_is 1
ok 'all nine are granted' wait_for 15 all 1 9
like 'and there are no more' "$(lease vm10 1)" '^409 0 '
ok 'no more are out than are owned' [ "$(occupied)" -le 9 ]
t_end
