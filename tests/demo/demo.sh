#!/bin/bash
# make demo: the main job on real input, from a store to switches' replies, and then stops.
# Exits 1 if any reply differs from what it should be.
. "$(dirname "$0")/common.sh"
t_begin demo
PORT=${VMPROV_PORT:-18120}
store=$T/policy.db

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' good=$'\e[32m' bad=$'\e[31m' off=$'\e[0m'; else bold='' dim='' good='' bad='' off=''; fi

head_line() { printf '\n%s%s%s\n' "$bold" "$1" "$off"; }
note() { printf '%s   %s%s\n' "$dim" "$1" "$off"; }

# expect DESCRIPTION REPLY REGEX: show a reply as a person reads it, and whether it is the right one.
expect() {
	local what=$1 reply=$2 regex=$3
	head_line "$what"
	printf '%s\n' "$reply" | sed -e 's/:0 = / = /' -e '1!s/^/   /' -e '1s/^/   /'
	if [[ ${reply//$'\n'/ } =~ $regex ]]; then
		passed=$((passed + 1))
		printf '   %sas it should be%s\n' "$good" "$off"
	else
		failed=$((failed + 1))
		printf '   %sWRONG: expected %s%s\n' "$bad" "$regex" "$off"
	fi
}

sample_make "$T" "$PORT" || exit 1
head_line 'The store: communities and VMs (tests/demo/sample.sql, typed with sqlite3)'
vmprov --store "$store" coi list
vmprov --store "$store" vm list

head_line "FreeRADIUS $(freeradius -v | sed -n 's/.*FreeRADIUS Version \([0-9.]*\),.*/\1/p') with rlm_vmprov on 127.0.0.1:$PORT"
radius_start "$T" || exit 1
note "as user $(ps -o user= -p "$RADIUS_PID"), store $(stat -c '%U:%G %a' "$store")"

expect 'web1 starts behind leaf1; MAC authentication by the stock radtest' \
	"$(radtest 525400000101 525400000101 "127.0.0.1:$PORT" 0 "$RADIUS_SECRET" 2>&1 |
		awk '/^Received/ {on = 1; print $2; next} on {sub(/^[ \t]+/, ""); print}')" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "100" .*User-Priority-Table = 0x3333333333333333 .*Filter-Id = "web-in"'

expect 'the same VM behind leaf2, whose dialect is hpe: rates in kbit/s, by number 46 and 48' \
	"$(radius_mab 127.0.0.12 52-54-00-00-01-01)" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "100" .*HP.*100000.*HP.*200000'

expect 'db1 is in db and admin: db is primary, admin adds tagged VLAN 40; its ACL is rules' \
	"$(radius_mab 127.0.0.1 5254.0000.0301)" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "300" .*Egress-VLANID = (0x31000028|822083624) '

expect 'app1 by 802.1X with EAP-MD5 (eapol_test)' \
	"$(radius_eap_md5 127.0.0.1 52:54:00:00:02:01 'lamp table river')" '^Access-Accept VLAN 200'
expect 'app1 with a wrong password' \
	"$(radius_eap_md5 127.0.0.1 52:54:00:00:02:01 'lamp table pond')" '^Access-Reject'

expect 'bastion by 802.1X with EAP-TLS: host hv1 speaks for it, on the port it is cabled to' \
	"$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv1 p1)" '^Access-Accept VLAN 400'
expect 'bastion from host hv2, which may not: a certificate of the right CA is not enough' \
	"$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv2 p1)" '^Access-Reject'
note "$(grep -h 'audit' "$T/log/radius.log" | tail -n 1 | sed 's/^.*: audit/audit/')"
expect 'bastion by its MAC alone' \
	"$(radius_mab 127.0.0.1 52:54:00:00:04:01 'NAS-Port-Id = "p1"')" '^Access-Reject .*MAC authentication is not allowed'

expect 'web3 is disabled' "$(radius_mab 127.0.0.1 52:54:00:00:01:03)" '^Access-Reject .*This VM is disabled'
expect 'a MAC that nobody registered' "$(radius_mab 127.0.0.1 52:54:00:ff:ff:ff)" '^Access-Reject .*No VM is registered'
expect 'the same behind the switch lab, which has a quarantine VLAN' \
	"$(radius_mab 127.0.0.13 52:54:00:ff:ff:ff)" '^Access-Accept .*Tunnel-Private-Group-Id:0 = "666"'

head_line 'An administrator changes the store while the server runs'
note "sqlite3 policy.db \"UPDATE vm_record SET cois = 'admin' WHERE mac = '52:54:00:00:01:01'\""
sqlite3 "$store" "UPDATE vm_record SET cois = 'admin' WHERE mac = '52:54:00:00:01:01'"
expect 'the very next request sees it' "$(radius_mab 127.0.0.1 52:54:00:00:01:01)" \
	'^Access-Accept .*Tunnel-Private-Group-Id:0 = "400"'

head_line 'Why? (vmprov check)'
vmprov --store "$store" check 52:54:00:00:01:02 --nas leaf1

radius_stop
head_line "$passed replies as they should be, $failed not"
[ "$failed" = 0 ]
