#!/bin/bash
# Every command of vmprov, and what each refuses.
. "$(dirname "$0")/lib.sh"
t_begin vmprov_commands

store=$T/dir/policy.db
VMPROV_STORE=$store
export VMPROV_STORE
sql() { sqlite3 -bail "$store" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
# key COLUMN RECORD...: one value out of `show --json`
value() {
	local column=$1
	shift
	vmprov --json "$@" | sed -n "s/^  \"$column\": \\(.*[^,]\\),\\{0,1\\}\$/\\1/p"
}

# -- before there is a store
is 'no command' "$(code vmprov)" 2
is 'no such command' "$(code vmprov frobnicate)" 2
is 'no such option' "$(code vmprov --frobnicate)" 2
is 'an option without its value' "$(code vmprov --store)" 2
is '--help' "$(code vmprov --help)" 0
like 'version' "$(vmprov version)" '^vmprov [0-9].* schema: policy [0-9]+, session [0-9]+$'
is '--version says the same' "$(vmprov --version)" "$(vmprov version)"
like '--help lists exit codes' "$(vmprov --help)" '5 .*refuses the guest'
for command in init migrate import export check token cert audit doctor completion version help hold vm coi tenant enclave host nas template; do
	like "help $command" "$(vmprov help $command)" '^usage:'
	is "$command --help is the same" "$(vmprov $command --help)" "$(vmprov help $command)"
done
fails 'help of nothing' 'no such command' vmprov help frobnicate
fails 'a missing store says what to do' 'vmprov init makes one' vmprov vm list
is 'a missing store' "$(code vmprov migrate)" 4

# -- init, migrate
is 'init for a group that is not there' "$(code vmprov init --group nogroupofthisname)" 3
is 'it made nothing' "$(test -e "$T/dir" && echo made)" ''
is 'init takes no operands' "$(code vmprov init x)" 2
like 'init says what it did' "$(vmprov init --group "$(id -gn)")" 'policy.db: schema version 0 -> [0-9]+.*session.db: schema version 0 -> [0-9]+.*group'
is 'modes' "$(stat -c %a "$store" "$T/dir/session.db" | paste -sd ' ')" '640 660'
is 'journals are there, with the same modes' "$(stat -c %a "$store-wal" "$store-shm" "$T/dir/session.db-wal" | paste -sd ' ')" '640 640 660'
is 'the folder is not for the world' "$(stat -c %a "$T/dir")" 750
fails 'init again' 'exists; vmprov migrate' vmprov init
rm "$T"/dir/session.db*
like 'migrate makes a lost session store again' "$(vmprov migrate)" 'policy.db: schema version [0-9]+ already.*session.db: schema version 0 -> '
is 'with its mode' "$(stat -c %a "$T/dir/session.db")" 660
like 'migrate --json' "$(vmprov --json migrate | tr -d '\n')" '^\[\{"store": "policy", "from": [0-9]+, "to": [0-9]+\},\{"store": "session"'
printf 'not a store, but long enough to be taken for the header of one that is of another program altogether, by far\n' > "$T/letter.db"
is 'a file that is no store' "$(code vmprov --store "$T/letter.db" vm list)" 4
sqlite3 "$T/newer.db" ".backup '$T/copy.db'" && cp "$store" "$T/newer.db" && sqlite3 "$T/newer.db" 'PRAGMA user_version = 999'
fails 'a store of a newer program' 'newer than this program' vmprov --store "$T/newer.db" vm list

# -- every noun: add, list, show, set, rm
goes_round() {
	local noun=$1 name=$2 column=$3 first=$4 then=$5
	ok "$noun add" vmprov "$noun" add "$name" "$column=$first"
	is "$noun add twice" "$(code vmprov "$noun" add "$name" "$column=$first")" 1
	like "$noun list" "$(vmprov "$noun" list)" "$name"
	is "$noun list, filtered" "$(vmprov --json "$noun" list "name=$name" | grep -c "\"$name\"")" 1
	is "$noun list, filtered by another value" "$(vmprov --json "$noun" list "$column=$then")" '[]'
	is "$noun show --json" "$(value name "$noun" show "$name")" "\"$name\""
	ok "$noun set" vmprov "$noun" set "$name" "$column=$then"
	is "$noun has it" "$(vmprov --json "$noun" list "$column=$then" | grep -c "\"$name\"")" 1
	ok "$noun set, another name" vmprov "$noun" set "$name" "name=$name-2"
	is "$noun show, under the old name" "$(code vmprov "$noun" show "$name")" 3
	is "$noun set, of none" "$(code vmprov "$noun" set "$name" "$column=$then")" 3
	fails "$noun set, an unknown column" "colour: $noun has no such column" vmprov "$noun" set "$name-2" colour=red
	fails "$noun list, an unknown column" "colour: $noun has no such column" vmprov "$noun" list colour=red
	is "$noun add without a key" "$(code vmprov "$noun" add)" 2
	is "$noun show of two" "$(code vmprov "$noun" show a b)" 2
	is "$noun without a verb" "$(code vmprov "$noun")" 2
	is "$noun set without columns" "$(code vmprov "$noun" set "$name-2")" 1
	fails "$noun: no = " 'expected column=value' vmprov "$noun" set "$name-2" comment
	fails "$noun: twice" 'given twice' vmprov "$noun" set "$name-2" comment=a comment=b
	is "$noun rm, one of which is not there" "$(code vmprov "$noun" rm "$name-2" nobody)" 3
	is "$noun is still there" "$(code vmprov "$noun" show "$name-2")" 0
	ok "$noun rm" vmprov "$noun" rm "$name-2"
	is "$noun rm again" "$(code vmprov "$noun" rm "$name-2")" 3
}
goes_round tenant acme comment first second
goes_round enclave east vlan 10 20
goes_round coi web vlan 10 20
goes_round host hv1 cert_name a.example b.example
goes_round nas sw1 address 192.0.2.1 2001:db8::1
fails 'the first tenant stays' 'default of every VM' vmprov tenant rm default

vmprov tenant add acme >/dev/null
vmprov enclave add east vlan=30 acct_interim_s=300 >/dev/null
vmprov nas add sw1 address=192.0.2.1 >/dev/null
vmprov nas add sw2 address=2001:db8::2 dialect=hpe >/dev/null
vmprov host add hv1 uplinks=sw1:1/1,sw2 tenant=acme enclave=east >/dev/null
vmprov coi add web vlan=10 tenant=acme priority=5 acl=web-in cos=3 >/dev/null
vmprov coi add log tagged_vlans=500,501 >/dev/null
vmprov coi add off tagged_vlans=600 enabled=no >/dev/null

# -- names of other records
fails 'a tenant that is not there' 'coi x: tenant: expected a tenant that exists' vmprov coi add x tenant=nobody
fails 'an enclave that is not there' 'host x: enclave: expected an enclave that exists' vmprov host add x enclave=nowhere
fails 'an uplink to nowhere' 'host hv1: uplinks: expected a NAS that exists' vmprov host set hv1 uplinks=sw9:1
fails 'an uplink without a name' 'uplinks: expected' vmprov host set hv1 uplinks=sw1,,sw2
is 'uplinks' "$(value uplinks host show hv1)" '"sw1:1/1,sw2"'
at=$(sql 'SELECT max(id) FROM change')
ok 'one uplink more, one less' vmprov host set hv1 'uplinks=sw1:1/1, sw1:1/2'
is 'what stays is no change' "$(sql "SELECT action, name FROM change WHERE id > $at AND kind = 'host_uplink' ORDER BY id")" $'delete|sw2:\ninsert|sw1:1/2'
ok 'no uplinks' vmprov host set hv1 uplinks=
is 'none are left' "$(value uplinks host show hv1)" null
vmprov host set hv1 uplinks=sw1:1/1 >/dev/null
is 'hosts by their NAS' "$(vmprov --json host list uplinks=sw1 | grep -c hv1)" 1
ok 'everyone may join again' vmprov coi set log tenant=
is 'a tenant taken away' "$(value tenant coi show log)" null
fails 'a count cannot be set' 'member_count: cannot be set' vmprov coi set log member_count=7
fails 'an address that is none' 'nas sw1: address: expected an IPv4 or IPv6' vmprov nas set sw1 address=192.0.2.300
fails 'an address that another has' 'nas sw2: address: expected one that no other nas has' vmprov nas set sw2 address=192.0.2.1
fails 'a name that another has' 'name: expected one that no other' vmprov nas set sw2 name=SW1
fails 'no address' 'nas x: address: expected an IPv4 or IPv6' vmprov nas add x
fails 'a NAS in use' 'still has' vmprov nas rm sw1

# -- VMs
vm=52:54:00:00:00:01
ok 'vm add' vmprov vm add 5254.0000.0001 name=w1 tenant=acme enclave=east cois=web,log,off nas=sw1,sw2 hosts=hv1 comment='a "quoted", one'
for key in 52:54:00:00:00:01 52-54-00-00-00-01 5254.0000.0001 525400000001 5254-0000-0001 525400-000001 w1; do
	is "vm show $key" "$(value mac vm show "$key")" "\"$vm\""
done
for filter in mac=5254.0000.0001 name=w1 tenant=acme enclave=east cois=web nas=sw2 hosts=hv1 vlan= eap_md5=no enabled=yes; do
	is "vm list $filter" "$(vmprov --json vm list "$filter" | grep -c w1)" 1
done
is 'vm list of all that does not fit' "$(vmprov --json vm list tenant=acme cois=nobody)" '[]'
fails 'vm: a NAS that is not there' 'vm w1: nas: expected a NAS that exists' vmprov vm set w1 nas=sw1,sw9
fails 'vm: a COI that is not there' 'vm w1: cois: expected names of COIs' vmprov vm set w1 cois=web,nobody
fails 'vm: another tenant while in its COI' 'vm w1: tenant: ' vmprov vm set w1 tenant=default
fails 'vm: whether enabled must be said' 'vm w1: enabled: expected' vmprov vm set w1 enabled=
fails 'vm add without a MAC' 'vm w9: mac: expected a MAC address' vmprov vm add w9 name=w9
fails 'vm add of a group address' 'mac: expected a unicast' vmprov vm add 01:00:5e:00:00:01
fails 'vm add with a MAC that is there' 'exists$' vmprov vm add 52-54-00-00-00-01
fails 'vm: a yes that is none' 'mab: expected 0 or 1' vmprov vm set w1 mab=perhaps
ok 'vm set mab=yes' vmprov vm set w1 mab=yes
is 'a boolean' "$(value mab vm show w1)" true
ok 'vm set, explicitly none' vmprov vm set w1 ingress_kbps=none session_timeout_s=0 tagged_vlans=none
is 'numbers and texts' "$(sql "SELECT ingress_kbps, session_timeout_s, tagged_vlans IS '' FROM vm_record WHERE name = 'w1'")" '0|0|1'
like 'shown as it is typed' "$(vmprov vm show w1)" 'tagged_vlans +none'
ok 'vm set, a text that looks like a word' vmprov vm set w1 'acl=\none'
is 'is that text' "$(sql "SELECT acl FROM vm_record WHERE name = 'w1'")" none
like 'and shown so' "$(vmprov vm show w1)" 'acl +\\none'
ok 'vm set, inherit' vmprov vm set w1 acl=inherit tagged_vlans= ingress_kbps=inherit session_timeout_s= mab=
is 'all of it' "$(sql "SELECT count(*) FROM vm_record WHERE name = 'w1' AND coalesce(acl, tagged_vlans, ingress_kbps, session_timeout_s, mab) IS NULL")" 1
ok 'vm set, another MAC' vmprov vm set w1 mac=52-54-00-00-00-02
is 'its NASes follow' "$(value nas vm show 525400000002)" '"sw1,sw2"'
is 'the old MAC is gone' "$(code vmprov vm show 525400000001)" 3
ok 'vm set, and back' vmprov vm set w1 mac=$vm nas=sw1
is 'vm set --json' "$(vmprov --json vm set w1 comment=)" '{"changed": 1}'
ok 'vm add, named by its MAC' vmprov vm add 525400000003
is 'the name' "$(value name vm show 52-54-00-00-00-03)" '"52:54:00:00:00:03"'
ok 'vm rm of two' vmprov vm rm 525400000003
like 'control characters do not reach the terminal' "$(vmprov vm add 525400000004 comment="$(printf 'a\033[2Jb')" && vmprov vm show 525400000004)" 'comment +a.x1b\[2Jb'
vmprov vm rm 525400000004 >/dev/null

# -- passwords
fails 'a password on the command line' 'cannot be set' vmprov vm set w1 eap_md5=yes
printf 'short\n' > "$T/short"
fails 'a short password' 'vm w1: password: expected 8 to 128' vmprov vm set w1 --eap-md5-file "$T/short"
head -c 129 /dev/zero | tr '\0' x > "$T/long"
fails 'a long password' 'password' vmprov vm set w1 --eap-md5-file "$T/long"
: > "$T/empty"
fails 'no password' 'expected a password' vmprov vm set w1 --eap-md5-file "$T/empty"
fails 'no file' 'No such file' vmprov vm set w1 --eap-md5-file "$T/none"
head -c 128 /dev/zero | tr '\0' y > "$T/longest"
ok 'the longest password' vmprov vm set w1 --eap-md5-file "$T/longest"
is 'from standard input' "$(printf 'river stone lamp\nmore\n' | vmprov vm set w1 --eap-md5-file - comment=both)" 'vm w1 changed'
is 'one line of it' "$(sql 'SELECT password FROM eap_md5')" 'river stone lamp'
is 'with the columns' "$(value comment vm show w1)" '"both"'
is 'shown as yes' "$(value eap_md5 vm show w1)" true
is 'vm list eap_md5=yes' "$(vmprov --json vm list eap_md5=yes | grep -c w1)" 1
ok 'vm add with a password' vmprov vm add 525400000005 --eap-md5-file "$T/longest"
is 'an add that fails adds nothing' "$(code vmprov vm add 525400000006 --eap-md5-file "$T/short") $(code vmprov vm show 525400000006)" '1 3'
is 'both password options' "$(code vmprov vm set w1 --eap-md5-file "$T/longest" --no-eap-md5)" 2
is 'a password to list' "$(code vmprov vm list --no-eap-md5)" 2
is 'passwords are for VMs' "$(code vmprov coi set web --no-eap-md5)" 2
vmprov vm rm 525400000005 >/dev/null

# -- check
here=(--nas sw1 --port 1/1)
is 'check' "$(code vmprov check $vm "${here[@]}")" 0
out=$(vmprov check $vm "${here[@]}")
like 'the VLAN is its primary COI'"'"'s' "$out" 'vlan +10 +COI web'
like 'interim accounting is its enclave'"'"'s' "$out" 'acct_interim_s +300 +enclave east'
like 'nobody says a rate' "$out" 'ingress_kbps +- +nobody says'
like 'tagged by another COI' "$out" 'tagged vlan +500 +COI log'
is 'a disabled COI tags nothing' "$(grep -c 600 <<< "$out")" 0
vmprov vm set w1 vlan=77 tagged_vlans=700 >/dev/null
out=$(vmprov check $vm "${here[@]}")
like 'its own VLAN' "$out" 'vlan +77 +the VM itself'
like 'its own tagged VLAN' "$out" 'tagged vlan +700 +the VM itself'
is 'and no others' "$(grep -c 'tagged vlan' <<< "$out")" 1
is 'check --json, a number' "$(vmprov --json check $vm "${here[@]}" | tr -d ' \n' | grep -o '{"name":"vlan","value":77,"from":"vm","from_name":"w1"}')" \
	'{"name":"vlan","value":77,"from":"vm","from_name":"w1"}'
# verdict WANTED CODE OPTION...
verdict() {
	local wanted=$1 want_code=$2
	shift 2
	like "check: $wanted ($*)" "$(vmprov check $vm "$@")" "\\($wanted\\)"
	is "check: $wanted, exit code" "$(code vmprov check $vm "$@")" "$want_code"
}
verdict allow 0 --nas 192.0.2.1 --port 1/1
verdict wrong-nas 5 --nas sw2
verdict wrong-nas 5
verdict wrong-host 5 --nas sw1 --port 9/9
verdict allow 0 "${here[@]}" --method eap-md5
verdict allow 0 "${here[@]}" --cert hv1
verdict host-unknown 5 "${here[@]}" --cert hv9
vmprov host set hv1 enabled=no >/dev/null
verdict host-disabled 5 "${here[@]}" --method eap-tls --cert hv1
vmprov host set hv1 enabled=yes >/dev/null
vmprov vm set w1 --no-eap-md5 mab=no not_before=2030-01-01 not_after=2031-01-01T00:00:00Z >/dev/null
verdict not-yet-valid 5 "${here[@]}"
verdict not-yet-valid 5 "${here[@]}" --at 2029-12-31T23:59:59Z
verdict expired 5 "${here[@]}" --at 2031-01-01
verdict mab-not-allowed 5 "${here[@]}" --at 2030-06-01
verdict eap-md5-not-allowed 5 "${here[@]}" --at "$(date -ud 2030-06-01 +%s)" --method eap-md5
vmprov coi set web enabled=no >/dev/null
verdict coi-disabled 5 "${here[@]}" --at 2030-06-01
vmprov coi set web enabled=yes >/dev/null
vmprov vm set w1 enabled=no mab= not_before= not_after= >/dev/null
verdict vm-disabled 5 "${here[@]}"
vmprov vm set w1 enabled=yes >/dev/null
is 'check: no such NAS' "$(code vmprov check $vm --nas sw9)" 3
is 'check: no MAC' "$(code vmprov check nonsense)" 2
is 'check: no such method' "$(code vmprov check $vm --method pap)" 2
is 'check: no time' "$(code vmprov check $vm --at tomorrow)" 2
is 'check: nothing' "$(code vmprov check)" 2
like 'check of an unknown MAC --json' "$(vmprov --json check 5254ffffffff | tr -d ' \n')" '"allowed":false,"verdict":"unknown"'

# -- import
# import_says REGEX FILE [OPTION...]
import_says() {
	local regex=$1
	shift
	fails "import: $regex" "$regex" vmprov import "$@"
}
printf 'name,vlan\nx,5\n' > "$T/i.csv"
import_says 'i.csv:1: mac: expected this column' "$T/i.csv"
printf 'mac,vlan,mac\n' > "$T/i.csv"
import_says 'i.csv:1: mac: stands twice' "$T/i.csv"
printf 'mac,eap_md5\n' > "$T/i.csv"
import_says 'i.csv:1: eap_md5: cannot be imported' "$T/i.csv"
: > "$T/i.csv"
import_says 'i.csv:1: expected a header' "$T/i.csv"
printf 'mac,name\n525400000101,a,b\n525400000102\n' > "$T/i.csv"
import_says 'i.csv:2: expected 2 fields.*found 3' "$T/i.csv"
import_says 'i.csv:3: expected 2 fields.*found 1' "$T/i.csv"
printf 'mac,name\n525400000101,"a"b\n525400000102,\xff\n525400000103,c\x00d\n' > "$T/i.csv"
import_says 'i.csv:2: expected quotes' "$T/i.csv"
import_says 'i.csv:3: name: expected UTF-8' "$T/i.csv"
import_says 'i.csv:4: expected text without NUL' "$T/i.csv"
import_says '3 bad lines; nothing was imported' "$T/i.csv"
{ echo 'mac,name' && echo '525400000101,"never closed' && yes line | head -c 200000; } > "$T/i.csv"
import_says 'i.csv:2: expected a record of at most 65536 octets' "$T/i.csv"
{ echo 'mac,vlan' && seq -f '525400%06.0f,9999' 1 150; } > "$T/i.csv"
import_says 'i.csv:101: ' "$T/i.csv"
import_says 'and 50 more bad lines' "$T/i.csv"
is 'no more than a hundred are shown' "$(vmprov import "$T/i.csv" 2>&1 | grep -c 'i.csv:[0-9]*:')" 100
is 'as JSON' "$(vmprov --json import "$T/i.csv" | grep -c '"line"')" 100
printf 'mac,name\n525400000101,a\n52-54-00-00-01-01,b\n' > "$T/i.csv"
import_says 'i.csv:3: .*a VM with this MAC or name exists' "$T/i.csv"
import_says 'No such file' "$T/none.csv"
is 'import: no such file' "$(code vmprov import "$T/none.csv")" 3
is 'import: nothing' "$(code vmprov import)" 2
is 'import: no such format' "$(code vmprov import --format xml "$T/i.csv")" 2
is 'a folder' "$(code vmprov import "$T")" 4
is 'nothing of all that' "$(sql "SELECT count(*) FROM vm")" 1
printf '[{"mac": "525400000101",\n "vlan": 9999},\n {"mac": 7}, {"name": "x"},\n {"mac": "525400000102", "vlan": 1.5}, {"mac": "525400000103", "colour": 1}, 5]' > "$T/i.json"
import_says 'i.json:1: .*vlan: expected' "$T/i.json"
import_says 'i.json:3: .*mac: expected' "$T/i.json"
import_says 'i.json:3: mac: expected a value' "$T/i.json"
import_says 'i.json:4: vlan: expected text, a whole number' "$T/i.json"
import_says 'i.json:4: colour: vm has no such column' "$T/i.json"
import_says 'i.json:4: expected an object' "$T/i.json"
for text in '' '{}' '[' '[{]' '[{}' '[{},]' '[]x' '[{"mac":"525400000101"},' '[{"mac":"525400000101"}]]' '[{"mac":"525400000101","mac":"525400000102"}]'; do
	printf '%s' "$text" > "$T/i.json"
	is "JSON that is none: $text" "$(code vmprov import "$T/i.json")" 1
done
is 'nothing of that either' "$(sql "SELECT count(*) FROM vm")" 1
printf '\xef\xbb\xbfname,mac,acl,tagged_vlans,comment,nas,hosts,cois,not_after\r\nv1,525400000101,none,,"two\r\nlines",sw1,hv1,"web, log",2099-01-01\r\n\r\nv2,525400000102,"permit a\npermit b",none,,,,,\r\nv3,525400000103,\\none,"7,8",x,,,,' > "$T/i.csv"
sql "UPDATE coi SET tenant_id = NULL"
is 'import of all that is allowed' "$(vmprov import - < "$T/i.csv" 2>&1)" '3 VMs added, 0 changed'
is 'texts and none' "$(sql "SELECT name, acl, tagged_vlans, length(comment), cois, hosts FROM vm_record WHERE name LIKE 'v_' ORDER BY name")" \
	$'v1|||10|web,log|hv1\nv2|permit a\npermit b||0||\nv3|none|7,8|1||'
is 'import --json' "$(printf '[]' | vmprov --json import --format json - | tr -d ' \n')" '{"inserted":0,"updated":0,"bad":0,"errors":[]}'
printf '[{"mac": "525400000101", "vlan": 8}, {"mac": "525400000104"}]' > "$T/i.json"
is 'import --update of JSON' "$(vmprov import --update "$T/i.json")" '1 VMs added, 1 changed'
is 'only what it says' "$(sql "SELECT vlan, cois FROM vm_record WHERE name = 'v1'")" '8|web,log'
at=$(sql 'SELECT max(id) FROM change')
ok 'the same again' vmprov import --update "$T/i.json"
is 'is no change' "$(sql "SELECT count(*) FROM change WHERE id > $at")" 0

# -- export
for format in csv json; do
	ok "export $format" vmprov export --format $format "$T/e1.$format"
	is "$format is not for the world" "$(stat -c %a "$T/e1.$format")" 640
	is "export $format to standard output is the same" "$(vmprov export --format $format | cksum)" "$(cksum < "$T/e1.$format")"
	is "$format says no password" "$(grep -c 'river\|eap_md5' "$T/e1.$format")" 0
	sql 'DELETE FROM vm'
	ok "import $format again" vmprov import "$T/e1.$format"
	vmprov export "$T/e2.$format"
	ok "$format goes round" cmp "$T/e1.$format" "$T/e2.$format"
done
is 'NASes go round' "$(value nas vm show w1)" '"sw1"'
is 'export of nowhere' "$(code vmprov export "$T/none/x.csv")" 1
is 'no half file is left' "$(find "$T" -name 'e[12].*.*' | wc -l)" 0
is 'export to a full disk' "$(vmprov export > /dev/full 2>/dev/null; echo $?)" 1
is 'list to a full disk' "$(vmprov vm list > /dev/full 2>/dev/null; echo $?)" 1

# -- a store that somebody else writes to
sqlite3 "$store" "BEGIN IMMEDIATE; SELECT 'locked'; " ".shell touch '$T/locked'; sleep 1" "ROLLBACK" >/dev/null &
locker=$!
wait_for 5 test -e "$T/locked"
ok 'a short lock is waited for' vmprov vm set w1 comment=waited
wait $locker

# -- doctor
doctor() { vmprov doctor --raddb "$T/raddb" --moddir "$T/mod" --group "$(id -gn)"; }
mkdir -p "$T/raddb" "$T/mod"
(cd "$T/raddb" && mkdir -p {mods,sites}-{available,enabled} policy.d mods-config/vmprov/dialects &&
	touch {mods,sites}-{available,enabled}/vmprov policy.d/vmprov dictionary.vmprov mods-config/vmprov/dialects/{rfc,hpe})
touch "$T/mod/rlm_vmprov.so"
vmprov vm rm v2 v3 525400000104 >/dev/null
vmprov vm set w1 cois=web,log >/dev/null
vmprov coi rm off >/dev/null
is 'doctor: all is well' "$(doctor | grep -v '^OK')" '0 failed, 0 warnings'
is 'doctor, exit code' "$(code doctor)" 0
# ails GRADE WHAT REGEX: sql to break it on standard input
ails() {
	local grade=$1 regex=$2 before
	before=$(mktemp -d "$T/before.XXXXXX")
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	cp "$store" "$before/policy.db"
	sqlite3 "$store" "$3" >/dev/null
	like "doctor: $regex" "$(doctor)" "$grade  *$regex"
	is "doctor: $regex, exit code" "$(code doctor)" "$([ "$grade" = FAIL ] && echo 1 || echo 0)"
	cp "$before/policy.db" "$store"
	rm -f "$store-wal" "$store-shm"
	vmprov migrate >/dev/null
}
ails FAIL 'COI member counts: 1: web' "UPDATE coi SET member_count = 9 WHERE name = 'web'"
ails FAIL "COIs in the VMs' rows: 1: v1" "UPDATE vm SET coi_ids = '99' WHERE name = 'v1'"
ails FAIL "links in the VMs' rows: 1: v1" "UPDATE vm SET links = 0 WHERE name = 'v1'"
ails FAIL 'references: 1: member' "DROP TRIGGER member_insert_coi_id; DROP TRIGGER member_insert_change; INSERT INTO member VALUES ((SELECT mac FROM vm WHERE name = 'v1'), 999)"
ails WARN 'disabled COIs: 1: web' "UPDATE coi SET enabled = 0 WHERE name = 'web'"
ails WARN 'VLANs: 1: x' "INSERT INTO vm_record (mac, name) VALUES ('525400000201', 'x')"
ails WARN 'expired VMs: 1: v1' "UPDATE vm_record SET not_after = '2001-01-01' WHERE name = 'v1'"
ails WARN 'uplinks of hosts: 1: hv1' "DELETE FROM host_uplink"
ails FAIL 'NAS addresses: sw2 has 1:2:3' "UPDATE nas SET address = '1:2:3' WHERE name = 'sw2'"
ails WARN 'NAS dialects: sw2 has nonesuch' "UPDATE nas SET dialect = 'nonesuch' WHERE name = 'sw2'"
ails FAIL 'open: .*newer' "PRAGMA user_version = 999"
chmod o+r "$store"
like 'doctor: readable for the world' "$(doctor)" 'FAIL  mode: .*policy.db has mode 0644; .*chmod'
chmod o-r "$store"
rm -f "$T/mod/rlm_vmprov.so" "$T/raddb/policy.d/vmprov" "$T/raddb/sites-enabled/vmprov"
if command -v freeradius >/dev/null; then
	like 'doctor: no module' "$(doctor)" 'FAIL  module: '
	like 'doctor: no policy' "$(doctor)" 'FAIL  FreeRADIUS configuration: .*policy.d/vmprov is missing'
	like 'doctor: not enabled' "$(doctor)" 'WARN  FreeRADIUS configuration: .*sites-enabled/vmprov is missing; link'
fi
vmprov --json doctor --raddb "$T/raddb" --moddir "$T/mod" > "$T/doctor.json"
is 'doctor --json' "$(sqlite3 :memory: "SELECT json_valid(readfile('$T/doctor.json'))")" 1
like 'doctor without a store' "$(vmprov --store "$T/none.db" doctor)" 'FAIL  file: .*none.db: No such file'

# -- completion
complete_words() { vmprov complete -- "$@" | paste -sd ' '; }
like 'commands' "$(complete_words '')" 'tenant enclave coi vm host nas template pool filter init'
is 'a command' "$(complete_words imp)" import
is 'verbs' "$(complete_words vm '')" 'add set list show rm'
is 'columns' "$(complete_words vm set w1 tag)" 'tagged_vlans='
is 'names' "$(complete_words vm show w)" w1
is 'names of other records' "$(complete_words vm set w1 cois=web,l)" 'cois=web,log'
is 'yes or no' "$(complete_words coi set web enabled=)" 'enabled=yes enabled=no'
is 'options' "$(complete_words check --n)" --nas
is 'behind global options' "$(complete_words --json --store "$store" vm show w)" w1
is 'of a store that is not there' "$(complete_words --store "$T/none.db" vm show w)" ''
fails 'completion for another shell' 'expected bash' vmprov completion fish
if [ -r /usr/share/bash-completion/bash_completion ]; then
	# shellcheck disable=SC2016 # for the other shell
	is 'in a shell' "$(bash --norc -c '. /usr/share/bash-completion/bash_completion
		eval "$(vmprov completion bash)"
		COMP_LINE="vmprov vm set w1 cois=web,l" COMP_POINT=${#COMP_LINE} COMP_WORDS=(vmprov vm set w1 cois = web,l) COMP_CWORD=6
		compopt() { :; }
		_vmprov && echo "${COMPREPLY[*]}"' 2>&1)" 'web,log'
fi
t_end
