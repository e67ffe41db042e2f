#!/bin/bash
# The administrator's two ways into the store: plain sqlite3, and the vmprov command.
. "$(dirname "$0")/lib.sh"
t_begin vmprov_cli

store=$T/policy.db
sql() { sqlite3 -bail -cmd 'PRAGMA foreign_keys = OFF' "$store" "$@"; }
v() { vmprov --store "$store" "$@"; }
code() { "$@" >/dev/null 2>&1; echo $?; }

ok 'init' v init
is 'policy.db is not for the world' "$(stat -c %a "$store")" 640
is 'init leaves an existing store alone' "$(code v init)" 1
ok 'migrate has nothing to do' v migrate

# -- sqlite3, as an administrator types it
ok 'COIs and a host' sql "INSERT INTO coi (name, vlan) VALUES ('web', 100), ('app', 200); INSERT INTO host (name) VALUES ('hv1')"
n=0
for mac in 52:54:00:aa:bb:cc 52-54-00-AA-BB-CD 5254.00aa.bbce 525400aabbcf 5254-00aa-bbd0 525400-AABBD1; do
	n=$((n + 1))
	ok "insert $mac" sql "INSERT INTO vm_record (mac, name, cois) VALUES ('$mac', 'vm$n', 'web')"
done
is 'stored canonically' "$(sql "SELECT group_concat(mac, ' ') FROM (SELECT mac FROM vm_record ORDER BY mac)")" \
	'52:54:00:aa:bb:cc 52:54:00:aa:bb:cd 52:54:00:aa:bb:ce 52:54:00:aa:bb:cf 52:54:00:aa:bb:d0 52:54:00:aa:bb:d1'
ok 'update' sql "UPDATE vm_record SET vlan = 7, cois = 'app, web', hosts = 'hv1', not_after = '2099-01-01' WHERE name = 'vm1'"
is 'as it was written' "$(sql "SELECT vlan, cois, hosts, not_after FROM vm_record WHERE name = 'vm1'")" '7|web,app|hv1|2099-01-01T00:00:00Z'
ok 'inherit again' sql "UPDATE vm_record SET vlan = NULL, cois = 'web', hosts = NULL WHERE name = 'vm1'"
is 'member counts follow' "$(sql "SELECT member_count FROM coi ORDER BY name")" $'0\n6'
ok 'another MAC' sql "UPDATE vm_record SET mac = '52-54-00-AA-BB-FF' WHERE name = 'vm1'"
is 'its links follow' "$(sql "SELECT mac, cois FROM vm_record WHERE name = 'vm1'")" '52:54:00:aa:bb:ff|web'
ok 'delete' sql "DELETE FROM vm_record WHERE name = 'vm2'"
is 'its links go with it' "$(sql "SELECT count(*) FROM member")" 5
fails 'a COI with members stays' 'coi still has members' sql "DELETE FROM coi WHERE name = 'web'"
ok 'a COI without goes' sql "DELETE FROM coi WHERE name = 'app'"
fails 'REPLACE is refused' 'use UPDATE' sql "INSERT OR REPLACE INTO vm_record (mac, name) VALUES ('52:54:00:aa:bb:ff', 'vm1')"
fails 'REPLACE of a COI is refused' 'use UPDATE' sql "INSERT OR REPLACE INTO coi (name) VALUES ('web')"

# refused COLUMN VALUE EXPECTED: the message names the column and what it expects
refused() {
	fails "$1 = $2 is refused" "$1: expected $3" sql "INSERT INTO vm_record (mac, name, $1) VALUES ('525400000099', 'bad', $2)"
	fails "$1 = $2 is refused in an update" "$1: expected $3" sql "UPDATE vm_record SET $1 = $2 WHERE name = 'vm3'"
}
for mac in 525400aabbc 525400aabbccd 52:54:00:aa:bb-cc 52:54:00:aa:bb:cc:ssid 52:54:00:aa:bb:gg ''; do
	fails "mac = '$mac' is refused" 'mac: expected' sql "INSERT INTO vm_record (mac) VALUES ('$mac')"
done
fails 'a group address is refused' 'mac: expected a unicast' sql "INSERT INTO vm_record (mac) VALUES ('01:00:5e:00:00:01')"
fails 'no mac is refused' 'mac: expected' sql "INSERT INTO vm_record (name) VALUES ('x')"
refused tenant "'nobody'" 'the name of a tenant'
refused enclave "'nowhere'" 'the name of an enclave'
refused cois "'web,nobody'" 'names of COIs'
refused cois "'web,web'" 'names of COIs'
refused cois "'we\"b'" 'COI names'
refused hosts "'hv9'" 'names of hosts'
for value in 0 4095 -1 "'ten'" 1.5; do refused vlan "$value" 'a VLAN id 1 to 4094'; done
for value in "'0'" "'1,1'" "'1,x'" "'1,,2'" "'4095'"; do refused tagged_vlans "$value" 'at most 64 different VLAN ids'; done
for value in 8 -1 "'high'"; do refused cos "$value" 'a priority 0 to 7'; done
for value in -1 "'fast'" 400000001; do
	refused ingress_kbps "$value" '0 .no limit. to'
	refused egress_kbps "$value" '0 .no limit. to'
done
refused acl "'a' || char(9) || 'b'" 'an ACL name'
refused session_timeout_s 29 '0 .none. or 30'
refused mab 2 '0 or 1'
refused enabled 2 '0 or 1'
refused not_before "'tomorrow morning'" 'a UTC time'
refused not_after "'2026-13-01'" 'a UTC time'
for value in 2027 12:00 now 2459580.5; do refused not_after "'$value'" 'a UTC time'; done
refused tagged_vlans "'1 2'" 'at most 64 different VLAN ids'
fails 'enabled = NULL in an update is refused' 'enabled: expected 0 or 1' sql "UPDATE vm_record SET enabled = NULL WHERE name = 'vm3'"
sql "$(for i in $(seq 1 65); do echo "INSERT INTO coi (name) VALUES ('many$i');"; done)"
fails 'more COIs than a look-up reads are refused' 'cois: expected at most 64 COIs' \
	sql "UPDATE vm_record SET cois = '$(seq -s, -f 'many%g' 1 65)' WHERE name = 'vm3'"
fails 'not_after before not_before is refused' 'not_after: expected a time after' \
	sql "UPDATE vm_record SET not_before = '2030-01-01', not_after = '2029-01-01' WHERE name = 'vm3'"
fails 'a name with a control character is refused' 'name: expected' sql "UPDATE vm_record SET name = 'a' || char(10) WHERE name = 'vm3'"
is 'nothing of all that is left' "$(sql "SELECT count(*) FROM vm_record WHERE name = 'bad'")" 0

# -- changes: one row for each effective one
last() { sql "SELECT kind, action, name FROM change WHERE id > $1 ORDER BY id"; }
at=$(sql 'SELECT max(id) FROM change')
sql "UPDATE vm_record SET vlan = 9 WHERE name = 'vm3'"
is 'an effective change' "$(last "$at")" 'vm|update|vm3'
at=$(sql 'SELECT max(id) FROM change')
sql "UPDATE vm_record SET vlan = 9, comment = 'again' WHERE name = 'vm3'; UPDATE coi SET comment = 'x'"
is 'nothing effective' "$(last "$at")" ''
sql "UPDATE coi SET vlan = 101 WHERE name = 'web'"
is 'a change of a COI' "$(last "$at")" 'coi|update|web'

# -- vmprov
ok 'tenant add' v tenant add acme
ok 'coi add' v coi add db tenant=acme vlan=300 priority=5
ok 'nas add' v nas add sw1 address=192.0.2.1 dialect=hpe quarantine_vlan=666
ok 'host add with uplinks' v host add hv2 uplinks=sw1:p1
ok 'vm add' v vm add 5254.0000.0001 name=db1 tenant=acme cois=db hosts=hv2 nas=sw1
like 'vm show' "$(v vm show db1)" 'hv2'
is 'vm show --json has types' "$(v --json vm show db1 | tr -d ' \n' | grep -o '"vlan":null\|"enabled":true' | sort | paste -sd ' ')" '"enabled":true "vlan":null'
ok 'vm set by MAC' v vm set 52-54-00-00-00-01 vlan=301 acl=none
is 'as sqlite3 sees it' "$(sql "SELECT vlan, acl IS '' FROM vm_record WHERE name = 'db1'")" '301|1'
ok 'vm set, inherit' v vm set db1 vlan=inherit acl=
is 'inherited' "$(sql "SELECT vlan IS NULL, acl IS NULL FROM vm_record WHERE name = 'db1'")" '1|1'
like 'list with a filter' "$(v vm list tenant=acme)" 'db1'
is 'list without a match' "$(v --json vm list tenant=acme enabled=no | tr -d ' \n')" '[]'
is 'a refused value' "$(code v vm set db1 vlan=5000)" 1
fails 'a refused value says why' 'vlan: expected a VLAN id' v vm set db1 vlan=5000
is 'a missing record' "$(code v vm show nobody)" 3
is 'a wrong command line' "$(code v vm frobnicate)" 2
is 'an unknown column' "$(code v vm set db1 colour=blue)" 1
is 'a missing store' "$(code vmprov --store "$T/none.db" vm list)" 4
printf 'lamp table river\n' > "$T/password"
ok 'an EAP-MD5 password from a file' v vm set db1 --eap-md5-file "$T/password"
is 'is recorded' "$(sql 'SELECT password FROM eap_md5')" 'lamp table river'
is 'and never shown' "$(v vm show db1 | grep -c 'lamp')" 0
ok 'and removed' v vm set db1 --no-eap-md5
is 'it is gone' "$(sql 'SELECT count(*) FROM eap_md5')" 0

is 'check: from its host and switch' "$(code v check 525400000001 --nas sw1 --port p1)" 0
like 'check says which rule' "$(v check 525400000001 --nas sw1 --port p1)" 'vlan +300 +COI db'
is 'check: from another port' "$(code v check 525400000001 --nas sw1 --port p2)" 5
is 'check: an unknown MAC' "$(code v check 525400ffffff)" 5
like 'check --json' "$(v --json check 525400000001 --nas sw1 --port p1)" '"verdict": ?"allow"'

# -- import and export
printf 'mac,name,cois,vlan\n525400001001,i1,web,\n52-54-00-00-10-02,i2,"web",7\n' > "$T/good.csv"
ok 'import' v import "$T/good.csv"
is 'empty inherits' "$(sql "SELECT name, vlan FROM vm_record WHERE name IN ('i1', 'i2') ORDER BY name")" $'i1|\ni2|7'
printf 'mac,name,vlan\n525400002001,j1,5\n525400002002,j2,5000\nnonsense,j3,5\n' > "$T/bad.csv"
out=$(v import "$T/bad.csv" 2>&1)
is 'a bad file is refused' "$(code v import "$T/bad.csv")" 1
like 'each bad line by number' "$out" '3.*vlan: expected'
like 'all of them' "$out" '4.*mac: expected'
is 'nothing half done' "$(sql "SELECT count(*) FROM vm_record WHERE name LIKE 'j%'")" 0
printf 'mac,colour\n525400003001,blue\n' > "$T/colour.csv"
fails 'an unknown column' 'colour' v import "$T/colour.csv"
printf 'mac,vlan\n525400001001,8\n' > "$T/update.csv"
is 'an existing VM without --update' "$(code v import "$T/update.csv")" 1
ok 'with --update' v import --update "$T/update.csv"
is 'only its columns change' "$(sql "SELECT vlan, cois FROM vm_record WHERE name = 'i1'")" '8|web'
for format in csv json; do
	ok "export $format" v export --format "$format" "$T/all.$format"
	sql "SELECT * FROM vm_record ORDER BY mac" > "$T/before"
	sql "DELETE FROM vm_record"
	ok "import $format again" v import "$T/all.$format"
	is "$format goes round" "$(sql "SELECT * FROM vm_record ORDER BY mac")" "$(cat "$T/before")"
done

like 'doctor finds the store sound' "$(v doctor --raddb "$T" --moddir "$T")" 'OK .*schema'
like 'completion' "$(v completion bash)" 'complete'
like 'help' "$(v --help)" 'usage: vmprov'
t_end
