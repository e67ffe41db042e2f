#!/bin/bash
# What a gateway lets pass between the machines of a community and the clear network: rule by rule, as members and rules come and go,
# and what stays when it is told nonsense, killed or stopped.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin gatewayd_filter
if [ "$(id -u)" != 0 ]; then
	echo 'gatewayd_filter: left out: only root may make network namespaces'
	t_end
fi

STATUS=http://127.0.0.1:8484
coi_world || exit 1
gateway_add gw1 'coi.input=icmp tcp/7000' && machine_add web1 web && machine_add db1 db && machine_add far1 client && clear_add out1 && clear_add out2 || exit 1
sql "INSERT INTO gateway_route (mac, prefix) SELECT mac, item.column1 FROM vm, (VALUES ('0.0.0.0/0'), ('::/0')) AS item WHERE name = 'gw1'"
# Somebody else's, which is none of ours.
on_machine gw1 nft -f - <<-'END'
	table inet other {
		counter seen { }
		chain forward { type filter hook forward priority 10; policy accept; counter name seen; }
	}
END

# -- what is asked, and what is said
in4() { inner4 "$1"; }
# asks WHO PROTOCOL ADDRESS [PORT [OWN-PORT]]
asks() {
	local who=$1
	shift
	on_machine "$who" talkback --ask "$@"
}
answered() { [ "$(asks "$@")" = yes ]; }
silent() { ! answered "$@"; }
# A SYN may meet its refusal while the kernel is still busy with it: then the second one, after a second, counts.
refused_at_once() {
	local said
	said=$(asks "$@")
	[[ $said =~ ^(EACCES|EHOSTUNREACH|ECONNREFUSED)$ ]] || {
		echo "$said"
		return 1
	}
}
declare -A SERVED=()
serve() {
	machine_run "$@" >"$T/$1.served"
	SERVED[$1]=$!
	T_CLEANUP+=("process_stop $!")
	wait_for 5 grep -q ready "$T/$1.served"
}
status() { on_machine gw1 curl -sf -m 5 "$STATUS/v1/status"; }
metric() {
	on_machine gw1 curl -sf -m 5 "$STATUS/metrics" | awk -v name="$1" '$1 == name || index($1, name "{") == 1 {sum += $2; n++} END {print n ? sum : "none"}'
}
rule_count() { on_machine gw1 curl -sf -m 5 "$STATUS/metrics" | sed -nE "s/^vmprov_gateway_filter_packets_total\{rule=\"$1\",coi=\"[a-z]*\"\} //p"; }
rules_are() { [ "$(metric vmprov_gateway_filter_rules)" = "$1" ]; }
# rule COI OPTIONS...: prints its id
rule() { vmprov --store "$POLICYD_STORE" filter add "$@" >/dev/null && sql 'SELECT max(id) FROM filter'; }
rule_rm() { vmprov --store "$POLICYD_STORE" filter rm "$1" >/dev/null; }
ours() { on_machine gw1 nft list table inet vmprov_gateway; }
logged() { grep -c "\"event\":\"$1\"" "$T/gw1/gatewayd.log"; }
member_pid() { on_machine gw1 pgrep -x 'gateway: member'; }

gateway_start gw1 || exit 1
coid_start web1 db1 far1 || exit 1
serve out1 talkback --listen 53 80 81 7000
serve out2 talkback --listen 80
serve web1 talkback --listen 443 5000
serve gw1 talkback --listen 7000 7001
WEB4=$(in4 web1)
WEB6=$(inner web1)
like 'machines have both families' "$WEB4 $WEB6" '^10\.64\.[0-9.]+ fd'

# -- no rule
for to in "$(clear out1)" "$(clear6 out1)"; do
	ok "without a rule nothing goes out, and that is said at once: $to" refused_at_once web1 tcp "$to" 80
	ok "nor by UDP: $to" refused_at_once web1 udp "$to" 53
done
ok 'nothing comes in' refused_at_once out1 tcp "$WEB4" 443
ok 'IPv6 neither' refused_at_once out1 tcp "$WEB6" 443
dropped() { [ "$(metric vmprov_gateway_dropped_packets_total)" -ge 6 ]; }
ok 'and all of that is counted' dropped

# -- rules
OUT_TCP=$(rule web --direction out --protocol tcp --ports 80 --action accept)
OUT_UDP=$(rule web --direction out --protocol udp --ports 50-60 --action accept)
IN_TCP=$(rule web --direction in --protocol tcp --ports 443,444 --source "$(clear out1),$(clear6 out1)" --action accept)
IN_ICMP=$(rule web --direction in --protocol icmp --action accept)
ok 'rules are there within a second' wait_for 1 rules_are 4
for n in 4 6; do
	if [ $n = 4 ]; then
		web=$WEB4 one=$(clear out1) two=$(clear out2)
	else
		web=$WEB6 one=$(clear6 out1) two=$(clear6 out2)
	fi
	ok "IPv$n: out by TCP to port 80" answered web1 tcp "$one" 80
	ok "IPv$n: everywhere" answered web1 tcp "$two" 80
	ok "IPv$n: to no other port" refused_at_once web1 tcp "$one" 81
	ok "IPv$n: not by UDP to that port" refused_at_once web1 udp "$one" 80
	ok "IPv$n: out by UDP, within a range" answered web1 udp "$one" 53
	ok "IPv$n: in by TCP from one" answered out1 tcp "$web" 443
	ok "IPv$n: and not from another" refused_at_once out2 tcp "$web" 443
	ok "IPv$n: to no other port" refused_at_once out1 tcp "$web" 5000
	ok "IPv$n: in by ICMP" answered out2 icmp "$web"
	ok "IPv$n: and not out" refused_at_once web1 icmp "$one"
done
ok 'what has port 80 at its own end comes in no better' refused_at_once out1 udp "$WEB4" 5000 53
for id in "$OUT_TCP" "$OUT_UDP" "$IN_TCP" "$IN_ICMP"; do like "rule $id has counted" "$(rule_count "$id")" '^[1-9][0-9]*$'; done
like 'people see it as well' "$(status)" "\"id\":$OUT_TCP,\"coi\":\"web\",\"direction\":\"out\",\"action\":\"accept\",\"packets\":[1-9]"

# -- who does not belong there
ok 'a machine that shares no community has no way out' silent db1 tcp "$(clear out1)" 80
ok 'nor is it a peer' has_no_peer gw1 db1
on_machine out2 ip address add "$WEB4/32" dev lo
on_machine out2 ip route add 10.64.0.0/10 via 198.51.100.1 src "$WEB4"
ok 'nobody outside is taken for a machine' silent out2 icmp "$(in4 gw1)"
on_machine out2 ip route del 10.64.0.0/10
on_machine out2 ip address del "$WEB4/32" dev lo

# -- past the tunnel
# db1 is on the machines' network, and sends to the gateway's address there what is for the clear network.
on_machine db1 ip route add "$(clear out1)/32" via "$(under gw1)"
on_machine out1 ip route add 10.9.0.0/16 via 198.51.100.1
ok 'nobody goes through the gateway in the clear' silent db1 tcp "$(clear out1)" 80
ok 'nor the other way' silent out1 icmp "$(under db1)"
on_machine out1 ip route del 10.9.0.0/16
on_machine db1 ip route del "$(clear out1)/32"

# -- the gateway itself
ok 'a machine reaches what it is to reach of the gateway' answered web1 tcp "$(in4 gw1)" 7000
ok 'by ICMP' answered web1 icmp "$(inner gw1)"
ok 'and nothing else' silent web1 tcp "$(in4 gw1)" 7001
ok 'its inner address is not for the clear side' silent out1 tcp "$(in4 gw1)" 7000
ok 'its other one is none of ours' answered out1 tcp 198.51.100.1 7001

# -- a rule is taken away while a connection lasts
# lines FILE: of answers; still_comes FILE: another one within a second
lines() { grep -c '^[0-9]*$' "$1"; }
comes_since() { [ "$(lines "$1")" -gt "$2" ]; }
comes() { wait_for 2 comes_since "$1" "$(lines "$1")"; }
stopped_before() { [ "$(tail -n 1 "$1" | cut -d ' ' -f 1)" -lt "$2" ]; }
quiet_for() { [ $((${EPOCHREALTIME/./} - $(grep '^[0-9]*$' "$1" | tail -n 1))) -gt "$2" ]; }
machine_run web1 talkback --hold tcp "$(clear out1)" 80 >"$T/out.held"
T_CLEANUP+=("process_stop $!")
machine_run out1 talkback --hold tcp "$WEB6" 443 >"$T/in.held"
T_CLEANUP+=("process_stop $!")
machine_run web1 talkback --push "$(clear out1)" 53 >"$T/push.held"
T_CLEANUP+=("process_stop $!")
for held in out in push; do ok "it goes on: $held" wait_for 3 comes_since "$T/$held.held" 3; done
MORE=$(rule web --direction out --protocol tcp --ports 99 --action accept)
wait_for 2 rules_are 5
for held in out in push; do ok "another rule is nothing to it: $held" comes "$T/$held.held"; done
NOW=${EPOCHREALTIME/./}
rule_rm "$OUT_UDP"
ok 'without its rule no answer comes any more' wait_for 3 quiet_for "$T/push.held" 500000
ok 'and none did a second after' stopped_before "$T/push.held" $((NOW + 1000000))
ok 'others go on' comes "$T/out.held"
NOW=${EPOCHREALTIME/./}
rule_rm "$OUT_TCP"
ok 'nor by TCP' wait_for 3 quiet_for "$T/out.held" 500000
ok 'others still go on' comes "$T/in.held"
DENY=$(rule web --direction in --position 1 --protocol any --source "$(clear6 out1)" --action drop)
ok 'a rule before it ends it as well' wait_for 3 quiet_for "$T/in.held" 500000
rule_rm "$DENY"
rule_rm "$MORE"
# What is still pushed would take up all refusals.
process_stop "${SERVED[out1]}"
serve out1 talkback --listen 53 80 81 7000
OUT_TCP=$(rule web --direction out --protocol tcp --ports 80 --action accept)
wait_for 2 rules_are 3
ok 'a rule that is back lets new ones in' answered web1 tcp "$(clear out1)" 80

# -- nonsense
was=$(ours | grep -v packets)
# The schema would not let this in.
trigger=$(sql "SELECT sql FROM sqlite_master WHERE name = 'filter_insert_source'")
sql "BEGIN; DROP TRIGGER filter_insert_source; INSERT INTO filter (coi_id, position, direction, protocol, source, action)
	SELECT id, 90, 'in', 'tcp', '0.0.0.0/0 } accept; flush ruleset; #', 'accept' FROM coi WHERE name = 'web'; $trigger; COMMIT" || exit 1
BAD=$(sql 'SELECT max(id) FROM filter')
refused() { [ "$(metric vmprov_gateway_filter_refused_total)" -ge 1 ]; }
ok 'rules with nonsense in them are refused' wait_for 3 refused
like 'with a word about which' "$(status)" "\"refused\":\"rule $BAD: source"
is 'the table is as it was' "$(ours | grep -v packets)" "$was"
ok 'and does what it did' answered web1 tcp "$(clear out1)" 80
is 'the log has it once' "$(logged filter-refused)" 1
sql "DELETE FROM filter WHERE id = $BAD"
better() { [[ $(status) =~ \"refused\":\"\" ]]; }
ok 'once it is gone all is well' wait_for 3 better

# -- a remote machine
ok 'a remote machine reaches one inside, through the gateway' wait_for 5 pings far1 web1
ok 'and is reached' pings web1 far1 3
ok 'by IPv4' pings4 far1 web1
ok 'it goes out by the same rules' answered far1 tcp "$(clear out1)" 80
ok 'and no further' refused_at_once far1 tcp "$(clear out1)" 81
ok 'not to a machine of another community' silent far1 icmp "$(inner db1)"

# -- killed
OTHER=$(on_machine gw1 nft list table inet other | grep -v packets)
before=$(rule_count "$OUT_TCP")
PID_BEFORE=$(member_pid)
on_machine gw1 kill -KILL "$PID_BEFORE"
another() { [ -n "$(member_pid)" ] && [ "$(member_pid)" != "$PID_BEFORE" ]; }
ok 'killed, it is started anew' wait_for 5 another
ok 'and gets ready' wait_for 20 gateway_ready gw1
ok 'the same passes' wait_for 5 answered web1 tcp "$(clear out1)" 80
ok 'and nothing else' refused_at_once web1 tcp "$(clear out1)" 81
[ "$(rule_count "$OUT_TCP")" -ge "$before" ] && t_pass 'counters go on' || t_fail 'counters go on' "$before, then $(rule_count "$OUT_TCP")"

# -- a member leaves
machine_run web1 talkback --hold udp "$(clear out1)" 80 >"$T/left.held"
T_CLEANUP+=("process_stop $!")
rule web --direction out --protocol udp --ports 80 --action accept >/dev/null
ok 'a flow' wait_for 5 comes_since "$T/left.held" 3
NOW=${EPOCHREALTIME/./}
cois web1 app
ok 'of a machine that leaves the community ends' wait_for 5 quiet_for "$T/left.held" 700000
last=$(grep '^[0-9]*$' "$T/left.held" | tail -n 1)
[ $((last - NOW)) -lt 1000000 ] && t_pass 'within a second' || t_fail 'within a second' "$(((last - NOW) / 1000)) ms"
no_element() { ! ours | grep -q "$WEB6"; }
ok 'its addresses are in no set' wait_for 3 no_element

# -- the end
is 'the others'\'' table is as it was' "$(on_machine gw1 nft list table inet other | grep -v packets)" "$OTHER"
gateway_stop gw1
is 'stopped, the table says that nothing is forwarded, and no more' "$(ours | tr -s '\n\t ' ' ')" 'table inet vmprov_gateway { chain forward { type filter hook forward priority filter; policy drop; } } '
is 'that of the others is there' "$(on_machine gw1 nft list tables | grep -c 'table inet other')" 1
is 'nor an interface' "$(on_machine gw1 sh -c 'ls /sys/class/net 2>/dev/null || ip -o link' | grep -c vmprov0)" 0
t_end
