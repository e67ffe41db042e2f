#!/bin/bash
# What passes on the network between machines: WireGuard, and the messages by which they agree on keys; nothing that anybody could read,
# whatever stops or dies, and nothing that comes otherwise is taken.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coi_wire
if [ "$(id -u)" != 0 ]; then
	echo 'coi_wire: left out: only root may make network namespaces'
	t_end
fi

# Nothing that is random has these.
CLEAR='the lamp stands upon the river table'
sees() { [ "$(grep -caF -- "$2" "$T/$1.pcap")" -gt 0 ]; }
ours="udp and (port $COI_PORT or port $((COI_PORT + 1)))"
between='not (arp or icmp or icmp6) and not host 10.9.0.1 and not host fd09::1 and not net 224.0.0.0/4 and not net ff00::/8'

coi_world || exit 1
sql "UPDATE coi SET name = 'community-of-lamps' WHERE name = 'app'"
capture_start wire
machine_add web1 web && machine_add app1 app && machine_add app-river-two app wireguard.endpoint='[fd09::1:3]' && machine_add db-river-one db || exit 1
coid_start web1 app1 app-river-two db-river-one || exit 1

flow_start four web1 app1 200 --text "$CLEAR"
flow_start back app1 web1 200 --text "$CLEAR"
flow_start six web1 app-river-two 200 --text "$CLEAR" --size 4000
flow_start shut web1 db-river-one 200 --text "$CLEAR"
for flow in four back six; do ok "flow $flow" flow_up $flow; done
# A neighbour announces the inner prefix, and a route of the underlay has all inner addresses in it.
on_machine web1 ip -6 route add "$(on_machine web1 ip -o -6 route show table 30317 type unreachable | cut -d ' ' -f 2)" dev eth0 metric 1
on_machine web1 ip route add 10.0.0.0/8 dev eth0
ok 'whatever routes the underlay has, packets stay inside' pings4 web1 app1
ok 'of both families' pings web1 app1
on_machine app1 tcpdump -i vmprov0 --immediate-mode -U -Z root -s 0 -c 20 -w "$T/inside.pcap" 2>/dev/null
vmprov --store "$POLICYD_STORE" coi rotate community-of-lamps >/dev/null
ok 'while the keys change' wait_for 10 coid_peer_is web1 app1 epoch 2
cois web1 web
ok 'and a member goes' wait_for 5 flow_silent four 300
cois web1 web community-of-lamps
ok 'and comes again' flow_on four 10
coid_stop app1 KILL
coid_start app1
coid_stop app1

# Its programs go on sending, to addresses that nobody has any more.
on_machine web1 pkill -KILL -x wireguard-go --ns "${MACHINE_PID[web1]}" --nslist net
ok 'WireGuard dies at the one end' wait_for 5 flow_silent six 500
coid_stop web1
coid_start web1
ok 'and starts anew with coid' flow_on six 10
for flow in four back six shut; do flow_stop $flow; done
capture_stop wire

# -- somebody on the network, in no community, says it was a member
speak_as() { # FROM TO AS: a clear packet straight to the other's door
	on_machine "$1" ip -batch - <<-EOF
		address add $(inner "$3")/128 dev lo nodad
		address add $(inner4 "$3")/32 dev lo
		route add $(inner "$2") via $(under6 "$2") dev eth0 src $(inner "$3")
		route add $(inner4 "$2") via $(under "$2") dev eth0 src $(inner4 "$3")
	EOF
	flow_start spoofed6 "$1" "$2" 200
	FLOW_TO=$(inner4 "$2") flow_start spoofed4 "$1" "$2" 200
}
machine_add stranger lone || exit 1
speak_as stranger web1 app-river-two
capture_start stranger 'src net fd00::/8 and not src net fd09::/64'
comes() { [ "$(capture_count stranger)" -gt 100 ]; }
ok 'clear packets with the address of a member come to web1' wait_for 5 comes
is 'and are not taken' "$(flow_count spoofed6) $(flow_count spoofed4)" '0 0'
for flow in spoofed6 spoofed4; do flow_stop $flow; done
capture_stop stranger

ok 'the text is readable inside a machine' sees inside "$CLEAR"
fails 'and nowhere on the network' '' sees wire "$CLEAR"
fails 'not even a part of it' '' sees wire 'upon the river'
is 'nothing came to whom nothing is shared with' "$(flow_count shut)" 0
like 'WireGuard over IPv4 was there' "$(capture_count wire "udp port $COI_PORT and ip")" '^[0-9]{3,}$'
like 'and over IPv6' "$(capture_count wire "udp port $COI_PORT and ip6")" '^[0-9]{3,}$'
like 'and messages' "$(capture_count wire "udp port $((COI_PORT + 1))")" '^[1-9]'
is 'nothing else passed between machines' "$(capture_count wire "$between and not ($ours)")" 0
fails "no community's name" '' sees wire community-of-lamps
fails "nor a machine's" '' sees wire app-river-two
fails 'nor where it does not matter' '' sees wire db-river-one
keys_of web1 > "$T/keys"
like 'keys were there' "$(cat "$T/keys")" '^[a-z-]+ [0-9]+ [0-9a-f]{64} '
while read -r _ _ key _; do
	fails 'no COI key passed in the clear' '' grep -qcaP "$(sed 's/../\\x&/g' <<<"$key")" "$T/wire.pcap"
done < "$T/keys"
is 'messages are as short as they must be' "$(tcpdump -r "$T/wire.pcap" -n "udp port $((COI_PORT + 1)) and greater 300" 2>/dev/null | wc -l)" 0
for name in web1 app-river-two db-river-one; do coid_stop $name; done
t_end
