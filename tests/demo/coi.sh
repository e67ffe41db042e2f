#!/bin/bash
# make demo's last part: machines of three tiers with coid, in namespaces of their own; who shares a community talks, others cannot; a
# gateway lets the clear network reach the web tier alone.  Writes "right wrong" to DEMO_SUM.
. "$(dirname "$0")/common.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
# shellcheck source=/dev/null # with all the others together it would think for hours
. "$HERE/coi.sh"
own_machine "$@"
t_begin demo_coi
CLEAR='the lamp stands upon the river table'

scene_make() {
	coi_world || return 1
	vmprov --store "$POLICYD_STORE" filter add web direction=in protocol=tcp ports=80 >/dev/null || return 1
	gateway_add gw1 && vmprov --store "$POLICYD_STORE" route add gw1 198.51.100.0/24 2001:db8::/32 >/dev/null && machine_add web1 web && machine_add app1 app && machine_add db1 db && clear_add client &&
		coid_start web1 app1 db1 && gateway_start gw1
}
ping_line() { on_machine "$1" busybox ping -c 1 -W 2 "$2" 2>&1 | sed -n '/packets\|bad address\|unreachable/p'; }
# fetch FROM ADDRESS PORT: what a web server there says, or why it cannot be reached
fetch() { on_machine "$1" curl -sS -m 3 "http://[$2]:$3/" 2>&1 | sed -E 's/ after [0-9]+ ms//'; }
serve() {
	mkdir -p "$T/$1/www$2"
	echo "$3" > "$T/$1/www$2/index.html"
	on_machine "$1" busybox httpd -p "[::]:$2" -h "$T/$1/www$2"
}

head_line 'Communities: web (web1, gw1), app (web1, app1), db (app1, db1); each machine with coid, the gateway with gatewayd'
began=$(now_us)
scene_make || exit 1
serve web1 80 'web1 says hello'
serve web1 81 'web1 has this for web servers alone'
serve app1 80 'app1 says hello'
note "five machines, from their join bundles to their first keys: $((($(now_us) - began) / 1000)) ms; WireGuard is $(on_machine web1 sh -c 'command -v wireguard-go >/dev/null && echo wireguard-go || echo the kernel')"
capture_start wire udp
expect 'web1 reaches app1, by its name: they share app' "$(ping_line web1 app1)" ' 0% packet loss'
expect 'app1 reaches db1: they share db' "$(ping_line app1 db1)" ' 0% packet loss'
flow_start text web1 app1 50 --text "$CLEAR"
flow_up text
expect 'web1 wants db1, whose address it was told by somebody: refused at once, by its own kernel' "$(fetch web1 "$(inner db1)" 22)" 'Permission denied|No route to host|Failed to connect'
expect 'the database is not even among the names that web1 knows' "$(ping_line web1 db1)" 'bad address'
expect 'coid status on web1' "$(coid_ask web1 2>&1)" 'app1.* app .*agreed'
capture_stop wire
expect 'between the machines, tcpdump finds the text of a datagram nowhere, but packets of WireGuard' \
	"$(printf '%s packets of WireGuard, %s messages about keys, the text %s times' "$(capture_count wire "port $COI_PORT")" "$(capture_count wire "port $((COI_PORT + 1))")" "$(grep -caF "$CLEAR" "$T/wire.pcap")")" \
	'^[1-9][0-9]* packets .*, [1-9][0-9]* messages .*, the text 0 times'

head_line 'The gateway: "vmprov route add gw1 2001:db8::/32", "vmprov filter add web direction=in protocol=tcp ports=80"'
vmprov --store "$POLICYD_STORE" filter list
expect 'the clear network reaches the web server' "$(fetch client "$(inner web1)" 80)" 'web1 says hello'
expect 'and no other port of it' "$(fetch client "$(inner web1)" 81)" 'Permission denied|No route to host|Failed to connect|timed out'
expect 'nor app1, which shares nothing with the gateway' "$(fetch client "$(inner app1)" 80)" 'Permission denied|No route to host|Failed to connect|timed out'
expect 'the gateway counts' "$(on_machine gw1 curl -sf -m 5 http://127.0.0.1:8484/metrics | grep -E '^vmprov_gateway_(filter_packets|dropped_packets)_total')" \
	'filter_packets_total\{rule="1",coi="web"\} [1-9].*'

head_line 'An administrator takes web1 out of app, while the two talk'
flow_on text
at=$(now_us)
note "sqlite3 policy.db \"UPDATE vm_record SET cois = 'web' WHERE name = 'web1'\""
cois web1 web
wait_for 5 flow_silent text 500
expect 'the last packet came within a second' "$((($(flow_last text) - at) / 1000)) ms" '^-?[0-9]{1,3} ms$'
expect 'app1 talks with db1, and web1 is no peer of it any more' "$(peers_of app1)" '^db1$'
flow_stop text
for name in web1 app1 db1; do coid_stop $name; done
gateway_stop gw1
echo "$passed $failed" > "${DEMO_SUM:-/dev/null}"
[ "$failed" = 0 ]
