#!/bin/bash
# vmprov filter, route and site, and what doctor, import and export make of them; on a store without policyd.
. "$(dirname "$0")/lib.sh"
t_begin vmprov_filter

store=$T/policy.db
VMPROV_STORE=$store
export VMPROV_STORE
sql() { sqlite3 -bail -cmd '.timeout 10000' "$store" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
get() {
	cat > "$T/json"
	sqlite3 -nullvalue - :memory: "SELECT readfile('$T/json') ->> '$1'"
}
complete_words() { vmprov complete -- "$@" | paste -sd ' '; }

fails 'without a store' 'vmprov init' vmprov route list
is 'exit code' "$(code vmprov site)" 4
vmprov init >/dev/null
vmprov coi add web >/dev/null
vmprov coi add app >/dev/null
vmprov vm add 52:54:00:00:00:01 name=gw1 >/dev/null
vmprov vm add 52:54:00:00:00:02 name=gw2 cois=web >/dev/null

# -- the command line
is 'no verb' "$(code vmprov filter)" 2
is 'add to what?' "$(code vmprov filter add)" 2
is 'show one' "$(code vmprov filter show)" 2
is 'an option without a value' "$(code vmprov filter add web --direction)" 2
is 'no such option' "$(code vmprov filter add web --colour blue)" 2
is 'a column where there is none to set' "$(code vmprov filter show 1 --log)" 2
is 'nor there' "$(code vmprov filter rm 1 --action drop)" 2
like 'help' "$(vmprov filter --help)" 'filter add +COI .*KEY is the number.*direction .*--COLUMN VALUE'

# -- what is refused
fails 'no such COI' 'filter nobody: coi: expected a COI that exists' vmprov filter add nobody --direction in
fails 'two COIs' 'coi: given twice' vmprov filter add web coi=app --direction in
fails 'no direction' 'filter web: direction: expected a value' vmprov filter add web
fails 'both' 'direction: expected in or out' vmprov filter add web --direction both
fails 'given twice' 'direction: given twice' vmprov filter add web --direction in direction=out
fails 'ports of nothing' 'expected the protocol tcp or udp' vmprov filter add web --direction in --ports 80
fails 'a port that is none' 'ports: expected a port 1 to 65535.*found 0' vmprov filter add web --direction in --protocol tcp --ports 80,0
fails 'a range backwards' 'found 81-80' vmprov filter add web --direction in --protocol udp --source-ports 81-80
fails 'no address' 'source: expected an address.*found host' vmprov filter add web --direction in --source host
fails 'bits beyond the prefix' 'destination: expected 2001:db8::/32 for 2001:db8::1/32' \
	vmprov filter add web --direction out --destination 2001:db8::1/32
fails 'an action that is none' 'action: expected accept, drop or reject' vmprov filter add web --direction in --action allow
is 'nothing was added' "$(vmprov --json filter list)" '[]'

# -- add, list, show, set, rm
is 'add, with options' "$(vmprov filter add web --direction in --protocol tcp --ports '443, 80' --source 0.0.0.0/0 --action accept)" 'filter 1 added'
is 'add, with columns' "$(vmprov filter add web direction=out destination=2001:DB8::1 position=5 log=yes)" 'filter 2 added'
is 'as JSON' "$(vmprov --json filter add app --direction out --log --comment 'all of it')" '{"added": 1, "id": 3}'
like 'listed by COI and position' "$(vmprov filter list | paste -sd '|')" '^ID .*\| 3 app +10 out .*\| 2 web +5 out +- +2001:db8::1 .*\| 1 web +10 in +0.0.0.0/0 +- +tcp +443,80 +accept yes$'
is 'of one COI' "$(vmprov --json filter list coi=web --direction in | get '$[0].id')" 1
is 'by an address' "$(vmprov --json filter list destination=2001:db8::1 | get '$[0].id')" 2
is 'its own form' "$(vmprov --json filter show 1 | get '$.ports')" '443,80'
is 'any is none' "$(vmprov --json filter show 1 | get '$.destination')" -
is 'it is logged' "$(vmprov --json filter show 3 | get '$.log')" 1
ok 'set' vmprov filter set 1 source= --ports 8000-8100 action=drop
is 'source' "$(vmprov --json filter show 1 | get '$.source')" -
is 'ports' "$(vmprov --json filter show 1 | get '$.ports')" 8000-8100
ok 'behind the last' vmprov filter set 2 --position 0
is 'position' "$(vmprov --json filter show 2 | get '$.position')" 20
is 'no such filter' "$(code vmprov filter set 9 action=drop)" 3
is 'no number' "$(code vmprov filter show web)" 3
fails 'another number' 'id: expected the one that it has' vmprov filter set 1 id=4
is 'all or none' "$(code vmprov filter rm 3 9)" 3
is 'it stays' "$(code vmprov filter show 3)" 0

# -- files
vmprov export --noun filter "$T/f.csv"
like 'a header' "$(head -n 1 "$T/f.csv")" '^id,coi,position,direction,source,destination,protocol,source_ports,ports,action,log,enabled,comment$'
for format in csv json; do
	vmprov export --noun filter --format $format "$T/f1.$format"
	fails "$format: they are there" 'id: a filter of this id exists' vmprov import --noun filter "$T/f1.$format"
	ok "$format: unless they are changed" vmprov import --noun filter --update "$T/f1.$format"
	ok 'rm' vmprov filter rm 1 2 3
	like "import $format" "$(vmprov import --noun filter "$T/f1.$format")" '^3 records added, 0 changed'
	vmprov export --noun filter "$T/f2.$format"
	ok "$format goes round" cmp "$T/f1.$format" "$T/f2.$format"
done
printf 'coi,direction,source\nweb,in,192.0.2.1\nweb,in,192.0.2.300\n' > "$T/bad.csv"
fails 'a bad line' ':3: filter web: source: expected an address' vmprov import --noun filter "$T/bad.csv"
is 'nothing was imported' "$(vmprov --json filter list | get '$[3]')" -
printf 'coi,direction,source\nweb,in,192.0.2.1\n' > "$T/new.csv"
ok 'without numbers' vmprov import --noun filter "$T/new.csv"
is 'they are given' "$(vmprov --json filter list source=192.0.2.1 | get '$[0].id')" 4
is 'no such noun' "$(code vmprov import --noun filters "$T/new.csv")" 2
is 'nor to export' "$(code vmprov export --noun filters)" 2
is 'NASes go the same way' "$(vmprov export --noun nas | cut -d , -f 1,2)" name,address

# -- routes
is 'no verb' "$(code vmprov route)" 2
is 'no prefix' "$(code vmprov route add gw1)" 2
is 'no such gateway' "$(code vmprov route add gw9 ::/0)" 3
fails 'no prefix' 'expected a prefix such as.*found 192.0.2.1' vmprov route add gw1 192.0.2.1
fails 'bits beyond it' 'expected 192.0.2.0/24 for 192.0.2.1/24' vmprov route add gw1 ::/0 192.0.2.1/24
is 'all or none' "$(vmprov --json route list)" '[]'
ok 'add' vmprov route add gw1 2001:DB8::/32 0.0.0.0/0
ok 'by its MAC' vmprov route add 52-54-00-00-00-02 ::/0
fails 'twice' 'has this route already' vmprov route add gw1 2001:db8::/32
like 'list' "$(vmprov route list | paste -sd '|')" '^GATEWAY .*\|gw1 +52:54:00:00:00:01 0.0.0.0/0\|gw1 +[0-9:]* 2001:db8::/32\|gw2 +[0-9:]* ::/0$'
is 'of one' "$(vmprov --json route list gw2 | get '$[0].prefix')" ::/0
is 'a column of the VM' "$(vmprov --json vm show gw1 | get '$.routes')" 0.0.0.0/0,2001:db8::/32
ok 'which can be set' vmprov vm set gw1 routes='10.0.0.0/8, 0.0.0.0/0' nas=
is 'so' "$(vmprov --json route list gw1 | get '$[1].prefix')" 10.0.0.0/8
is 'who leads there' "$(vmprov --json vm list routes=10.0.0.0/8 | get '$[0].name')" gw1
ok 'rm' vmprov route rm gw1 10.0.0.0/8
is 'not twice' "$(code vmprov route rm gw1 10.0.0.0/8)" 3

# -- the site
like 'its prefixes' "$(vmprov site)" 'inner_prefix +fd[0-9a-f:]*::/64'
is 'no IPv4' "$(vmprov --json site | get '$.inner_prefix4')" -
is 'set what?' "$(code vmprov site set)" 2
is 'no such column' "$(code vmprov site set crl_number=1)" 2
is 'no such verb' "$(code vmprov site change)" 2
fails 'too small' 'inner_prefix4: expected an IPv4 prefix of /8 to /30' vmprov site set inner_prefix4=10.0.0.0/31
fails 'IPv6' 'inner_prefix4: expected' vmprov site set inner_prefix4=fd00::/64
fails 'bits beyond it' 'expected 10.64.0.0/10 for 10.64.0.1/10' vmprov site set inner_prefix4=10.64.0.1/10
fails 'no /64' 'inner_prefix: expected an IPv6 /64' vmprov site set inner_prefix=fd00::/48
ok 'set both' vmprov site set inner_prefix4=10.64.0.0/10 inner_prefix=fd12:3456:789a:1::/64
is 'IPv4' "$(vmprov --json site show | get '$.inner_prefix4')" 10.64.0.0/10
is 'IPv6' "$(sql 'SELECT inner_prefix FROM site')" fd12:3456:789a:1::
is 'the trail has it' "$(vmprov --json audit --event site-changed | wc -l)" 2
sql "INSERT INTO inner4 VALUES (0x525400000002, 258)"
is 'a VM shows its address' "$(vmprov --json vm show gw2 | get '$.inner_ipv4')" 10.64.1.2
ok 'none again' vmprov site set inner_prefix4=
is 'gone' "$(vmprov --json vm show gw2 | get '$.inner_ipv4')" -

# -- doctor
like 'rules where no gateway is' "$(vmprov doctor)" 'WARN +filters without a gateway: 2: app, web; make a gateway'
sql "UPDATE filter SET source = '2001:db8::1/32' WHERE id = 1"
like 'a rule that no gateway takes' "$(vmprov doctor)" 'FAIL +filters: 1: filter 1; gateways refuse'
sql "INSERT INTO gateway_route VALUES (0x525400000001, '2001:db8::1/32')"
like 'a route that nobody is told of' "$(vmprov doctor)" 'FAIL +routes: 1: gw1 2001:db8::1/32;'

# -- completion
is 'verbs' "$(complete_words filter '')" 'add set list show rm'
is 'for which COI' "$(complete_words filter add '')" 'app web'
is 'columns' "$(complete_words filter add web dest)" 'destination='
is 'words' "$(complete_words filter add web action=)" 'action=accept action=drop action=reject'
is 'numbers' "$(complete_words filter set '')" '1 2 3 4'
is 'of a COI' "$(complete_words filter list coi=)" 'coi=app coi=web'
is 'routes' "$(complete_words route '')" 'add rm list'
is 'of which gateway' "$(complete_words route add gw)" 'gw1 gw2'
is 'prefixes of the site' "$(complete_words site set inner)" 'inner_prefix= inner_prefix4='
is 'nouns to import' "$(complete_words import --noun "fi")" filter
t_end
