#!/bin/bash
# Processes killed at random under 64 clients, of the server and then of a broker: never more are in use than are owned, at any
# instant, as the holders themselves saw it; and none is lost.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_crash
licence_world || exit 1
OWNED=40
pool web $OWNED lease_s 5 grace_s 2
T_CLEANUP+=(load_stop)

# certs TEMPLATE COUNT FIRST: holders
certs() {
	leaseload certs --server "127.0.0.1:$POLICYD_PORT" --certs "$T/$1.certs" --template "$1" --vms "$2" --first "$3" --hosts 4 \
		--host-cert "$T/hv1.pem" --host-key "$T/hv1.key"
}
# load NAME PORT COUNT MOST SECONDS: they want any number, again and again
load() {
	leaseload churn --server "127.0.0.1:$2" --certs "$T/$1.certs" --window "$3" --most "$4" --seconds "$5" --pause 200 --product web-std \
		--journal "$T/$1.journal" --tsv > "$T/$1.load" 2>&1 &
	LOADS+=($!)
}
load_stop() { [ ${#LOADS[@]} = 0 ] || kill "${LOADS[@]}" 2>/dev/null; }
loads_end() {
	local pid failed=0
	for pid in "${LOADS[@]}"; do wait "$pid" || failed=1; done
	LOADS=()
	return $failed
}
running() { kill -0 "${LOADS[0]}" 2>/dev/null; }
LOADS=()
audit() { leaseload audit --owned $OWNED "$@"; }
granted() { awk '{split($3, a, ":"); if (a[1] > 0) n++} END {print n + 0}' "$@"; }
pause() { sleep "0.$((1 + RANDOM % 8))"; } # when it strikes does not matter

certs web-lone 48 1000 && certs gw-west 16 2000 || exit 1

# -- the server
load web-lone "$POLICYD_PORT" 48 1 12
load gw-west "$POLICYD_PORT" 16 4 12
kills=0
while running; do
	pause
	for victim in store net store; do
		pid=$(policyd_process $victim)
		[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
		wait_for 20 policyd_ready
		pause
	done
	if [ $((kills % 4)) = 3 ] && running; then
		{ kill -9 "$POLICYD_PID" && wait "$POLICYD_PID"; } 2>/dev/null
		policyd_start "$T" || exit 1
		kills=$((kills + 1))
	fi
done
loads_end
is 'every client had its answers in the end' "$?" 0
ok "processes were killed meanwhile ($kills times)" [ "$kills" -ge 5 ]
n=$(granted "$T/web-lone.journal" "$T/gw-west.journal")
ok "licences were granted ($n times)" [ "$n" -ge 100 ]
ok 'never more were in use than are owned' audit "$T/web-lone.journal" "$T/gw-west.journal"
fails 'though nearly as many' '' leaseload audit --owned $((OWNED * 8 / 10)) "$T/web-lone.journal" "$T/gw-west.journal"
ok 'nor by the server'\''s store' [ "$(occupied)" -le $OWNED ]
is 'which is whole' "$(sql 'PRAGMA integrity_check')" ok
is 'and was never taken for an older copy' "$(sql "SELECT count(*) FROM audit WHERE event = 'licence-recovery'")" 0
ok 'what nobody renews is free again' wait_for 12 occupied_is 0

# -- a broker in front of it
gateway_add gw-east east && gateway_start gw-east && certs web-east 64 3000 || exit 1
load web-east "${PORT[gw-east]}" 64 1 10
kills=0
while running; do
	pause
	proc_stop gw-east KILL
	gateway_start gw-east || exit 1
	kills=$((kills + 1))
	if [ $((kills % 3)) = 2 ]; then
		kill -9 "$(policyd_process store)"
		wait_for 20 policyd_ready
	fi
done
loads_end
is 'every guest had its answers in the end' "$?" 0
ok "the broker was killed meanwhile ($kills times)" [ "$kills" -ge 4 ]
n=$(granted "$T/web-east.journal")
ok "licences were granted ($n times)" [ "$n" -ge 50 ]
ok 'never more were in use than are owned' audit "$T/web-east.journal"
ok 'nor by the server'\''s store' [ "$(occupied)" -le $OWNED ]
is 'nor does it have more guests on record' "$(sql "SELECT count(*) <= $OWNED FROM licensed")" 1
none_left() { [ "$(gateway_metric gw-east vmprov_broker_in_use)" = 0 ]; }
ok 'what nobody renews is free again' wait_for 15 none_left
ok 'at the server as well' wait_for 20 occupied_is 0
t_end
