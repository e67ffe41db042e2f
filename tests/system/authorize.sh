#!/bin/bash
# Every row of the table of cases, against the real server: who is let in, with what, and what is said to
# those who are not.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
t_begin authorize

radius_make "$T/r" || exit 1
store=$T/r/policy.db
sql() { sqlite3 -bail "$store" "$@"; }
sql ".read $TOP/tests/demo/sample.sql"
sed -i 's|#mab_password = ""|mab_password = "shared"|' "$T/r/raddb/mods-available/vmprov"
radius_start "$T/r" || exit 1

# vlan REPLY: its untagged VLAN
vlan() { printf '%s\n' "$1" | sed -n 's/^Tunnel-Private-Group-Id:0 = "\(.*\)"$/\1/p'; }
# first REPLY: its name, and its message
first() { printf '%s\n' "$1" | sed -n -e '1p' -e 's/^Reply-Message = "\(.*\)"$/\1/p' | paste -sd ' '; }

# -- no MAC: not ours
is 'no MAC in the request: the module says noop and nobody else accepts' \
	"$(first "$(radius_send 127.0.0.1 'User-Name = "bob"' 'User-Password = "secret"')")" 'Access-Reject'
is 'a MAC with something behind it is no MAC' \
	"$(first "$(radius_send 127.0.0.1 'User-Name = "bob"' 'User-Password = "x"' 'Calling-Station-Id = "52-54-00-00-01-01:SSID"')")" \
	'Access-Reject'

# -- MAC forms, as Calling-Station-Id and as User-Name alone
for mac in 52:54:00:00:01:01 52:54:00:00:01:01 52-54-00-00-01-01 5254.0000.0101 5254-0000-0101 525400-000101 525400000101; do
	is "Calling-Station-Id $mac" "$(vlan "$(radius_mab 127.0.0.1 "$mac")")" 100
	is "User-Name alone, $mac" \
		"$(vlan "$(radius_send 127.0.0.1 "User-Name = \"$mac\"" "User-Password = \"$mac\"")")" 100
done
sql "INSERT INTO vm_record (mac, name, cois, tenant) VALUES ('52:54:00:AA:BB:CC', 'upper', 'web', 'acme')"
for mac in 52:54:00:AA:BB:CC 52-54-00-aa-bb-cc 5254.00AA.bbcc 525400AABBCC; do
	is "upper and lower case, $mac" "$(vlan "$(radius_mab 127.0.0.1 "$mac")")" 100
done

# -- what is and is not MAB
me='User-Name = "525400000101"'
from='Calling-Station-Id = "52-54-00-00-01-01"'
is 'CHAP over the user name' \
	"$(vlan "$(radius_send 127.0.0.1 "$me" 'CHAP-Password = "525400000101"' "$from" 'Service-Type = Call-Check')")" 100
is 'CHAP over something else' \
	"$(first "$(radius_send 127.0.0.1 "$me" 'CHAP-Password = "guess"' "$from" 'Service-Type = Call-Check')")" \
	'Access-Reject The password is not that of a MAC authentication'
is 'Call-Check without a password' "$(vlan "$(radius_send 127.0.0.1 "$me" "$from" 'Service-Type = Call-Check')")" 100
is 'neither password nor Call-Check' "$(first "$(radius_send 127.0.0.1 "$me" "$from")")" \
	'Access-Reject The password is not that of a MAC authentication'
is 'a password in another spelling of the MAC' \
	"$(vlan "$(radius_send 127.0.0.1 "$me" 'User-Password = "52-54-00-00-01-01"' "$from")")" 100
is 'the configured common password' "$(vlan "$(radius_send 127.0.0.1 "$me" 'User-Password = "shared"' "$from")")" 100
is 'another password, in spite of Call-Check' \
	"$(first "$(radius_send 127.0.0.1 "$me" 'User-Password = "guess"' "$from" 'Service-Type = Call-Check')")" \
	'Access-Reject The password is not that of a MAC authentication'
is "one MAC's name with another's Calling-Station-Id" \
	"$(first "$(radius_send 127.0.0.1 "$me" 'User-Password = "525400000101"' 'Calling-Station-Id = "52-54-00-00-03-01"')")" \
	'Access-Reject User-Name and Calling-Station-Id are different MAC addresses'
is 'a request without Message-Authenticator is dropped' \
	"$(printf 'Packet-Src-IP-Address = 127.0.0.1\n%s\nUser-Password = "525400000101"\n' "$me" |
		radclient -r 1 -t 0.5 "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET" 2>&1 | grep -c Received)" 0

# -- unknown
is 'unknown MAC' "$(first "$(radius_mab 127.0.0.1 52:54:00:ff:ff:ff)")" 'Access-Reject No VM is registered with this MAC address.'
got=$(radius_mab 127.0.0.13 52:54:00:ff:ff:ff)
is 'unknown MAC, NAS with a quarantine VLAN' "$(first "$got") $(vlan "$got")" 'Access-Accept 666'
is 'quarantine gives the VLAN and nothing else' "$(printf '%s\n' "$got" | wc -l)" 4
is 'no quarantine for EAP' "$(radius_eap_md5 127.0.0.13 52:54:00:ff:ff:ff password)" Access-Reject

# -- locked, each with its sentence; and back
locked() {
	local what=$1 on=$2 sentence=$3 off=$4
	sql "$on"
	is "$what" "$(first "$(radius_mab 127.0.0.1 52:54:00:00:01:01)")" "Access-Reject $sentence"
	sql "$off"
	is "$what, ended" "$(vlan "$(radius_mab 127.0.0.1 52:54:00:00:01:01)")" 100
}
vm="UPDATE vm_record SET"
w="WHERE name = 'web1'"
locked 'VM disabled' "$vm enabled = 0 $w" 'This VM is disabled.' "$vm enabled = 1 $w"
locked 'VM not valid yet' "$vm not_before = '2099-01-01' $w" 'This VM is not valid yet.' "$vm not_before = NULL $w"
locked 'VM expired' "$vm not_after = '2001-01-01T00:00:00Z' $w" 'This VM has expired.' "$vm not_after = NULL $w"
locked 'COI disabled' "UPDATE coi SET enabled = 0 WHERE name = 'web'" "This VM's primary community is disabled." \
	"UPDATE coi SET enabled = 1 WHERE name = 'web'"
locked 'tenant disabled' "UPDATE tenant SET enabled = 0 WHERE name = 'acme'" "This VM's tenant is disabled." \
	"UPDATE tenant SET enabled = 1 WHERE name = 'acme'"
locked 'enclave disabled' "UPDATE enclave SET enabled = 0 WHERE name = 'east'" "This VM's enclave is disabled." \
	"UPDATE enclave SET enabled = 1 WHERE name = 'east'"
locked 'bound to another NAS' "INSERT INTO vm_nas SELECT mac, nas.id FROM vm, nas WHERE vm.name = 'web1' AND nas.name = 'leaf2'" \
	'This VM may not be on this switch.' 'DELETE FROM vm_nas'
locked 'MAB not allowed' "$vm mab = 0 $w" 'MAC authentication is not allowed for this VM.' "$vm mab = NULL $w"
locked 'bound to a host, asked from no port of it' "$vm hosts = 'hv1' $w" 'This VM may not be on this host.' "$vm hosts = NULL $w"
sql "$vm hosts = 'hv1' $w"
is 'bound to a host, asked from its port' "$(vlan "$(radius_mab 127.0.0.1 52:54:00:00:01:01 'NAS-Port-Id = "p1"')")" 100
is 'the same port name on another NAS' "$(first "$(radius_mab 127.0.0.12 52:54:00:00:01:01 'NAS-Port-Id = "p1"')")" \
	'Access-Reject This VM may not be on this host.'
like 'a wrong host leaves an audit line' "$(grep -h audit "$T/r/log/radius.log")" \
	'audit: wrong-host: mac 52:54:00:00:01:01 vm web1 host - nas 127.0.0.12 port p1'
sql "$vm hosts = NULL $w"
is 'NAS-IP-Address is only a claim' \
	"$(sql "INSERT INTO vm_nas SELECT mac, nas.id FROM vm, nas WHERE vm.name = 'web1' AND nas.name = 'leaf2'"
		first "$(radius_mab 127.0.0.1 52:54:00:00:01:01 'NAS-IP-Address = 127.0.0.12')")" \
	'Access-Reject This VM may not be on this switch.'
sql 'DELETE FROM vm_nas'

# -- 802.1X
is 'EAP-MD5' "$(radius_eap_md5 127.0.0.1 52:54:00:00:02:01 'lamp table river')" 'Access-Accept VLAN 200'
is 'EAP-MD5, wrong password' "$(radius_eap_md5 127.0.0.1 52:54:00:00:02:01 'lamp table lake')" Access-Reject
is 'EAP-MD5 for a VM without a password' "$(radius_eap_md5 127.0.0.1 52:54:00:00:01:01 'lamp table river')" Access-Reject
is 'EAP-TLS, no host bound: any known host speaks for the VM' "$(radius_eap_tls 127.0.0.1 52:54:00:00:03:01 hv1 p1)" 'Access-Accept VLAN 300'
is 'EAP-TLS by a host that is not registered' "$(radius_eap_tls 127.0.0.1 52:54:00:00:03:01 stranger)" Access-Reject
is 'EAP-TLS, bound to this host' "$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv1 p1)" 'Access-Accept VLAN 400'
is 'EAP-TLS, bound to another host' "$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv2)" Access-Reject
is 'EAP-TLS from a port that the host is not cabled to' "$(radius_eap_tls 127.0.0.1 52:54:00:00:04:01 hv1 p9)" Access-Reject
sql "UPDATE host SET tenant_id = 1 WHERE name = 'hv2'"
is 'EAP-TLS, the host serves another tenant' "$(radius_eap_tls 127.0.0.1 52:54:00:00:03:01 hv2)" Access-Reject
sql "UPDATE host SET tenant_id = NULL, enabled = 0 WHERE name = 'hv2'"
is 'EAP-TLS, host disabled' "$(radius_eap_tls 127.0.0.1 52:54:00:00:03:01 hv2)" Access-Reject
sql "UPDATE host SET enabled = 1 WHERE name = 'hv2'"
is 'EAP-TLS, the host back' "$(radius_eap_tls 127.0.0.1 52:54:00:00:03:01 hv2)" 'Access-Accept VLAN 300'
is 'EAP-TLS for a disabled VM' "$(radius_eap_tls 127.0.0.1 52:54:00:00:01:03 hv1 p1)" Access-Reject
is 'EAP-TLS does not need MAB to be allowed' "$(sql "$vm mab = 0 WHERE name = 'db1'"; radius_eap_tls 127.0.0.1 52:54:00:00:03:01 hv1 p1)" \
	'Access-Accept VLAN 300'

# -- a NAS whose dialect nobody configured gets no answer rather than another make's
sql "INSERT INTO nas (name, address, dialect) VALUES ('odd', '127.0.0.14', 'no-such-make')"
is 'unknown dialect: silence' "$(radius_mab 127.0.0.14 52:54:00:00:01:01)" No-Reply
like 'and the log says which' "$(cat "$T/r/log/radius.log")" 'NAS odd: dialect no-such-make is not configured'
is 'a NAS that the store does not have gets the default dialect' "$(vlan "$(radius_mab 127.0.0.99 52:54:00:00:01:01)")" 100

# -- seeing it
stats=$(radmin -f "$T/r/run/vmprov.sock" -e 'show module config vmprov' 2>&1)
like 'radmin shows what is in force' "$stats" "filename = \"$store\""
like 'radmin counts what was allowed' "$stats" 'stat_allow = [1-9][0-9]+'
like 'radmin counts refusals by reason' "$stats" 'stat_vm_disabled = [1-9]'
like 'radmin counts wrong hosts' "$stats" 'stat_wrong_host = [1-9]'
is 'no secret in the log' "$(grep -cE 'lamp table|testing123|"shared"' "$T/r/log/radius.log")" 0
radius_stop
t_end
