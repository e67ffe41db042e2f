#!/bin/bash
# gatewayd as a licence broker and a member at once: who its processes are, what they may do, and what is left of them when one is
# killed, the parent is, or all are stopped.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin gatewayd_processes
if [ "$(id -u)" != 0 ]; then
	echo 'gatewayd_processes: left out: only root may make network namespaces'
	t_end
fi

coi_world || exit 1
sql "UPDATE template SET broker = 1 WHERE name = 'gateway'"
gateway_add gw1 identity.url= "server home.url=$POLICYD_URL" listen.address=0.0.0.0:8444 store.path=/var/lib/vmprov/gateway/gateway.db \
	coi.masquerade=yes coi.forwarding=yes identity.label=gateway && machine_add web1 web && clear_add out1 || exit 1
sql "INSERT INTO gateway_route (mac, prefix) SELECT mac, item.column1 FROM vm, (VALUES ('0.0.0.0/0'), ('::/0')) AS item WHERE name = 'gw1';
	INSERT INTO filter (coi_id, direction, protocol, action) SELECT id, 'out', 'any', 'accept' FROM coi WHERE name = 'web'"
# The clear network knows nothing of inner addresses: it answers the gateway.
on_machine out1 ip route del default
on_machine out1 ip -6 route del default

proc() { on_machine gw1 pgrep -x "gateway: $1"; }
parent() { on_machine gw1 pgrep -x gatewayd; }
ready() { on_machine gw1 curl -sf -m 5 "http://127.0.0.1:$1/readyz" >/dev/null; }
field() { awk -v name="$2:" '$1 == name {print $2}' "/proc/$1/status"; }
tables() { on_machine gw1 nft list tables | grep -c vmprov_gateway; }
nobody() { ! proc broker && ! proc member; }
answered() { [ "$(on_machine web1 talkback --ask "$@")" = yes ]; }
# another PROCESS PID: it is another one now
another() { [ -n "$(proc "$1")" ] && [ "$(proc "$1")" != "$2" ]; }
both_ready() { ready 8482 && ready 8484; }

on_machine gw1 sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding'
gateway_start gw1 || exit 1
ok 'both get ready, with the certificate that the broker has enrolled for' wait_for 20 both_ready
is 'which it did once' "$(grep -c '"event":"identity-enrolled"' "$T/gw1/gatewayd.log")" 1
coid_start web1 || exit 1
machine_run out1 talkback --listen 80 >"$T/out1.served"
T_CLEANUP+=("process_stop $!")
wait_for 5 grep -q ready "$T/out1.served"
ok 'a machine gets through, with the gateway'\''s address' answered tcp "$(clear out1)" 80
ok 'by IPv6 as well' answered tcp "$(clear6 out1)" 80
is 'forwarding is on' "$(on_machine gw1 cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | paste -sd ' ')" '1 1'

# -- who they are
for process in broker member; do
	is "$process is the user" "$(field "$(proc $process)" Uid)" "$(id -u news)"
	is "$process is behind a filter" "$(field "$(proc $process)" Seccomp)" 2
	is "$process gains nothing" "$(field "$(proc $process)" NoNewPrivs)" 1
done
is 'the broker has no capability' "$(field "$(proc broker)" CapEff) $(field "$(proc broker)" CapPrm)" '0000000000000000 0000000000000000'
is 'the member has those of the network, and no other' "$(field "$(proc member)" CapEff) $(field "$(proc member)" CapPrm)" '0000000000003000 0000000000003000'
is 'the parent has no more than its processes need' "$(field "$(parent)" CapEff)" 00000000000030e6
status=$(stat -c '%a %U' "$T/gw1/lib/vmprov/gateway/wireguard.key")
like 'the WireGuard key is nobody else'\''s' "$status" '^600 '

# -- one is killed
was=$(proc member)
broker=$(proc broker)
kill -KILL "$broker"
ok 'the broker comes back' wait_for 5 another broker "$broker"
ok 'and serves' wait_for 10 ready 8482
is 'the member has not noticed' "$(proc member)" "$was"
broker=$(proc broker)
kill -KILL "$was"
ok 'machines get through while there is no member' answered tcp "$(clear out1)" 80
ok 'it comes back' wait_for 5 another member "$was"
is 'the broker has not noticed' "$(proc broker)" "$broker"
ok 'and is ready' wait_for 10 ready 8484
ok 'machines get through' answered tcp "$(clear out1)" 80

# -- the parent is killed
kill -KILL "$(parent)"
wait "${GATEWAYD_PID[gw1]}" 2>/dev/null
ok 'its processes end with it' wait_for 5 nobody
ok 'what it allowed goes on' answered tcp "$(clear out1)" 80
gateway_start gw1 || exit 1
ok 'the next one begins where it stopped' wait_for 20 both_ready
ok 'with machines' answered tcp "$(clear out1)" 80
is 'and one table' "$(tables)" 1

# -- the table is taken away by somebody else
on_machine gw1 nft delete table inet vmprov_gateway
back() { on_machine gw1 nft list map inet vmprov_gateway to4 | grep -q "$(inner4 web1)"; }
ok 'it is there again without anything that changes' wait_for 3 back
is 'and that is said' "$(grep -c '"event":"filter-gone"' "$T/gw1/gatewayd.log")" 1
ok 'and lets pass what it did' answered tcp "$(clear out1)" 80

# -- stopped
gateway_stop gw1
ok 'stopped, nobody is left' nobody
is 'nor wireguard-go' "$(pgrep --ns "${MACHINE_PID[gw1]}" --nslist net -x wireguard-go)" ''
is 'nor an interface' "$(on_machine gw1 ip -o link show | grep -c vmprov0)" 0
is 'the kernel forwards still' "$(on_machine gw1 cat /proc/sys/net/ipv4/ip_forward)" 1
is 'but nothing gets through: the table is there for that' "$(on_machine gw1 nft list table inet vmprov_gateway | grep -c 'policy drop')" 1

# -- what cannot be
fails 'a token alone is no reason to start without rights' 'CAP_NET_ADMIN|net_admin' \
	on_machine gw1 setpriv --bounding-set -net_admin --inh-caps -all gatewayd -c "$T/gw1/gatewayd.conf"
fails 'a clear side that is no interface' '\[coi\] clear' sh -c "sed 's/^clear = .*/clear = a\"b/' '$T/gw1/gatewayd.conf' > '$T/bad.conf'; gatewayd -t -c '$T/bad.conf'"
t_end
