#!/bin/bash
# make demo's last part: machines of three tiers with coid, in namespaces of their own; who shares a community talks, others cannot; a
# gateway lets the clear network reach the web tier alone.  Writes "right wrong" to DEMO_SUM.
. "$(dirname "$0")/common.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
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
