#!/bin/bash
# vmprov licence, on a store without policyd: pools, leases that sqlite3 has made, usage, refusals.
. "$(dirname "$0")/lib.sh"
t_begin vmprov_licence

store=$T/policy.db
VMPROV_STORE=$store
export VMPROV_STORE
sql() { sqlite3 -bail -cmd '.timeout 10000' "$store" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
# Of the JSON on standard input: get PATH is one value, fields PATH one of each item; null is "-".
query() {
	cat > "$T/json"
	sqlite3 -nullvalue - :memory: "${1//DOC/readfile(\'$T/json\')}"
}
get() { query "SELECT DOC ->> '$1'"; }
fields() { query "SELECT value ->> '$1' FROM json_each(DOC)" | paste -sd ' '; }

gw=11111111-2222-4333-8444-000000000001
w1=11111111-2222-4333-8444-000000000011
w2=11111111-2222-4333-8444-000000000012
boot=$(cat /proc/sys/kernel/random/boot_id)
other=99999999-2222-4333-8444-000000000001
now() { awk '{printf "%d", $1 * 1000}' /proc/uptime; }

fails 'without a store' 'vmprov init' vmprov licence usage
is 'exit code' "$(code vmprov licence usage)" 4
vmprov init >/dev/null
vmprov tenant add acme >/dev/null
vmprov coi add web vlan=100 >/dev/null

# -- the command line
is 'nothing to do' "$(code vmprov licence)" 2
is 'no such verb' "$(code vmprov licence sell)" 2
is 'half a verb' "$(code vmprov licence lease)" 2
is 'no such option' "$(code vmprov licence usage --all)" 2
is 'an option of another verb' "$(code vmprov licence usage --product x)" 2
is 'and another' "$(code vmprov licence denials --holder x)" 2
is 'and another' "$(code vmprov licence lease list --last 3)" 2
is 'an operand too many' "$(code vmprov licence usage all)" 2
is 'end whose?' "$(code vmprov licence lease end)" 2
is 'and of what?' "$(code vmprov licence lease end gw web-std more)" 2
fails 'a number that is none' 'expected a number from 1' vmprov licence denials --last 0
like 'help' "$(vmprov help licence)" '^usage: vmprov licence pool .*lease end.*HOLDER is'
like 'help of the noun' "$(vmprov licence pool --help)" 'vmprov pool add .*owned'

# -- pools are a noun
is 'no pools' "$(vmprov --json licence usage)" '[]'
fails 'a pool of nothing' 'product' vmprov licence pool add p owned=3
fails 'owned less than none' 'owned: expected 0 to' vmprov licence pool add p product=web-std owned=-1
fails 'owned is no number' 'owned: expected' vmprov licence pool add p product=web-std owned=many
fails 'a lease of no time' 'lease_s: expected 1 to' vmprov licence pool add p product=web-std owned=1 lease_s=0
fails 'a date that is none' 'not_after: expected a UTC time' vmprov licence pool add p product=web-std owned=1 not_after=tomorrow
fails 'the end before the beginning' 'not_after: expected a time after' \
	vmprov licence pool add p product=web-std owned=1 not_before=2027-01-01 not_after=2026-01-01
fails 'nobody'\''s' 'tenant' vmprov licence pool add p product=web-std owned=1 tenant=nobody
fails 'a name with a blank' 'name: expected' vmprov licence pool add 'p q' product=web-std owned=1
is 'none of them was made' "$(sql 'SELECT count(*) FROM licence_pool')" 0
ok 'add' vmprov licence pool add west product=web-std owned=5 lease_s=100 grace_s=50
ok 'add, one of a tenant' vmprov pool add acme-web product=web-std tenant=acme owned=2 not_after=2099-01-01
ok 'add, another product' vmprov licence pool add db product=db-std owned=1 overdraft=1 enabled=no
fails 'one of this name is there' 'name: a pool of this name' vmprov licence pool add WEST product=x owned=1
is 'list' "$(vmprov --json licence pool list | fields name)" 'acme-web db west'
is 'list, some' "$(vmprov --json licence pool list tenant=acme | fields owned)" 2
is 'show' "$(vmprov --json licence pool show west | get '$.grace_s')" 50
is 'presets' "$(vmprov --json licence pool show acme-web | query "SELECT DOC ->> '\$.lease_s', DOC ->> '\$.grace_s', DOC ->> '\$.overdraft'")" '3600|900|0'
is 'a date' "$(vmprov --json licence pool show acme-web | get '$.not_after')" 2099-01-01T00:00:00Z
ok 'set' vmprov licence pool set db owned=2
is 'it is' "$(vmprov --json licence pool show db | get '$.owned')" 2
ok 'rm' vmprov licence pool rm db
is 'it is gone' "$(code vmprov licence pool show db)" 3
vmprov licence pool add db product=db-std owned=1 enabled=no >/dev/null
fails 'a tenant that has pools' 'still has licence pools' vmprov tenant rm acme

# -- templates
ok 'a template whose gateways are brokers' vmprov template add gate kind=gateway broker=yes
fails 'VMs are none' 'broker: expected 0 or 1, and 1 for the kind gateway alone' vmprov template add webt broker=yes
ok 'a template that needs a licence' vmprov template add webt cois=web auto_create=yes licence_product=web-std

# -- leases: as policyd writes them
vmprov vm add 52:54:00:00:02:01 name=gw-east >/dev/null
vmprov vm add 52:54:00:00:02:11 name=w1 >/dev/null
vmprov vm add 52:54:00:00:02:12 name=w2 tenant=acme >/dev/null
vmprov template add webacme cois=web tenant=acme licence_product=web-std >/dev/null
vmprov token gw-east --template gate --uuid $gw >/dev/null 2>&1
vmprov token w1 --template webt --uuid $w1 >/dev/null 2>&1
vmprov token w2 --template webacme --uuid $w2 >/dev/null 2>&1
is 'they are guests' "$(sql 'SELECT count(*) FROM guest')" 3
pool() { sql "SELECT id FROM licence_pool WHERE name = '$1'"; }
# lease HOLDER PRODUCT KIND MAC UNTIL_MS POOL:COUNT WANTS IN_USE [BOOT [TENANT [REASON]]]
lease() {
	sql "INSERT INTO lease (holder, product, kind, mac, tenant_id, seq, request_id, wants, has, in_use, granted_at, life_ms, grace_ms,
			until_ms, boot_id, reason, refused, available, parts)
		SELECT '$1', '$2', '$3', $4, ${10:-1}, seq + 1, '$1', $7, $8, $8, unixepoch(), 100000, 50000, $5, '${9:-$boot}', ${11:-0}, 0, 0,
			'[[${6%:*},${6#*:},$(($5 + 50000)),0,0]]'
		FROM licence_state;
		UPDATE licence_state SET seq = seq + 1"
}
west=$(pool west)
acme=$(pool acme-web)
is 'no leases' "$(vmprov --json licence lease list)" '[]'
lease $gw web-std gateway 0x525400000201 $(($(now) + 90000)) "$west:3" 4 2 "$boot" 1 1
lease $w2 web-std vm 0x525400000212 $(($(now) - 10000)) "$acme:1" 1 1 "$boot" "$(sql "SELECT id FROM tenant WHERE name = 'acme'")"
sql "INSERT INTO licensed (mac, uuid, product, holder) VALUES (0x525400000211, '$w1', 'web-std', '$gw'), (0x525400000212, '$w2', 'web-std', '$w2')"
is 'list' "$(vmprov --json licence lease list | fields name)" 'gw-east w2'
is 'who they are' "$(vmprov --json licence lease list | fields kind)" 'gateway vm'
is 'how many' "$(vmprov --json licence lease list | fields count)" '3 1'
is 'of which pools' "$(vmprov --json licence lease list | fields pools)" 'west:3 acme-web:1'
is 'in use' "$(vmprov --json licence lease list | fields in_use)" '2 1'
is 'guests' "$(vmprov --json licence lease list | fields guests)" '1 1'
is 'how it stands' "$(vmprov --json licence lease list | fields state)" 'good grace'
left=$(vmprov --json licence lease list --holder gw-east | get '$[0].left_s')
ok 'what is left, by a clock that nobody sets' test "$left" -gt 60 -a "$left" -le 90
is 'why not all' "$(vmprov --json licence lease list --holder gw-east | get '$[0].reason' | grep -c .)" 1
for holder in gw-east $gw 52:54:00:00:02:01 5254.0000.0201; do
	is "--holder $holder" "$(vmprov --json licence lease list --holder "$holder" | fields holder)" $gw
done
is '--product' "$(vmprov --json licence lease list --product db-std)" '[]'
is 'no such holder' "$(code vmprov licence lease list --holder nobody)" 3
like 'for people' "$(vmprov licence lease list --holder gw-east)" \
	'^PRODUCT +HOLDER +KIND +HOLDS +WANTS +IN USE +GUESTS +STATE +LEFT +POOLS +REASON.*web-std +gw-east +gateway +3 +4 +2 +1 +good +[0-9]+ s +west:3 +[a-z]'
lease $gw db-std gateway 0x525400000201 $(($(now) + 90000)) "$(pool db):1" 1 0 $other
is 'of another boot' "$(vmprov --json licence lease list --product db-std | fields state)" waiting
is 'nobody knows what is left' "$(vmprov --json licence lease list --product db-std | fields left_s)" -
fails 'sqlite3 makes no leases' 'policyd grants' sql "UPDATE lease SET wants = 9"

# -- usage
is 'usage, pools' "$(vmprov --json licence usage | fields pool | tr ' ' '\n' | sort | paste -sd ' ')" 'acme-web db west'
usage() { vmprov --json licence usage | query "SELECT value ->> '$2' FROM json_each(DOC) WHERE value ->> 'pool' = '$1'"; }
is 'leased' "$(usage west leased) $(usage acme-web leased) $(usage db leased)" '3 1 1'
is 'owned' "$(usage west owned) $(usage acme-web owned)" '5 2'
is 'in use' "$(usage west in_use) $(usage acme-web in_use)" '2 1'
is 'guests' "$(usage west guests) $(usage acme-web guests)" '1 1'
is 'tenant' "$(usage acme-web tenant) $(usage west tenant)" 'acme -'
is 'state' "$(usage west state) $(usage db state)" 'open disabled'
sql "UPDATE licence_pool SET not_before = unixepoch() + 100 WHERE name = 'acme-web'"
is 'not yet' "$(usage acme-web state)" 'not yet'
sql "UPDATE licence_pool SET not_before = NULL, not_after = unixepoch() - 100 WHERE name = 'acme-web'"
is 'no more' "$(usage acme-web state)" over
vmprov pool set acme-web not_after= >/dev/null
like 'for people' "$(vmprov licence usage)" \
	'^PRODUCT +POOL +TENANT +STATE +OWNED +OVERDRAFT +LEASED +IN USE +GUESTS +DENIED 24 H.*web-std +west +- +open +5 +0 +3 +2 +1 +0'
fails 'a pool in use cannot be removed' 'leases draw on this pool' vmprov licence pool rm west
is 'exit code' "$(code vmprov licence pool rm west)" 1

# -- refusals
is 'none' "$(vmprov --json licence denials)" '[]'
sql "INSERT INTO licence_denial (holder, mac, product, tenant_id, reason, wants, available, first_at, last_at, n) VALUES
	('$gw', 0x525400000201, 'web-std', 1, 'all licences are in use', 9, 2, unixepoch() - 3600, unixepoch() - 60, 7),
	('$w2', 0x525400000212, 'db-std', 1, 'all licences are in use', 1, 0, unixepoch() - 200000, unixepoch() - 200000, 1),
	('$other', 0x5254000002ff, 'web-std', 1, 'x', 1, 0, unixepoch() - 5, unixepoch() - 5, 1)"
is 'all' "$(vmprov --json licence denials | fields product)" 'web-std db-std web-std'
is '--product' "$(vmprov --json licence denials --product db-std | fields name)" w2
is '--last' "$(vmprov --json licence denials --last 1 | fields reason)" x
is 'how often' "$(vmprov --json licence denials | fields times)" '7 1 1'
is 'of whom' "$(vmprov --json licence denials | fields name)" 'gw-east w2 -'
like 'for people' "$(vmprov licence denials)" \
	'^LAST +TIMES +PRODUCT +HOLDER +TENANT +WANTS +AVAILABLE +REASON.*Z +7 +web-std +gw-east +default +9 +2 +all licences are in use.*52:54:00:00:02:ff'
ok 'usage counts those of a day' test "$(usage west denied_24h)" -ge 1
is 'and no older ones' "$(usage db denied_24h)" 0

# -- end
is 'no such holder' "$(code vmprov licence lease end nobody)" 3
is 'no such product' "$(code vmprov licence lease end gw-east word-std)" 3
is 'nothing was ended' "$(sql 'SELECT count(*) FROM lease')" 3
generation=$(sql 'SELECT generation FROM licence_state')
like 'end, of one product' "$(vmprov licence lease end gw-east db-std 2>/dev/null)" '^gw-east: 1 ended$'
like 'what it means' "$(vmprov licence lease end w2 2>&1 >/dev/null)" 'if w2 still runs it goes on using what it had'
is 'the others are there' "$(sql 'SELECT holder FROM lease')" $gw
ok 'policyd reads all anew' test "$(sql 'SELECT generation FROM licence_state')" -gt "$generation"
is 'its guest is licensed no more' "$(sql 'SELECT uuid FROM licensed')" $w1
is '--json' "$(vmprov --json licence lease end $gw 2>/dev/null | get '$.ended')" 1
is 'all are over' "$(sql 'SELECT count(*) FROM lease'), $(sql 'SELECT count(*) FROM licensed')" '0, 0'
is 'again' "$(code vmprov licence lease end gw-east)" 3
is 'the audit trail has each' "$(sql "SELECT count(*) FROM audit WHERE event = 'licence-ended'")" 3
like 'and who it was' "$(sql "SELECT actor, subject, detail FROM audit WHERE event = 'licence-ended' LIMIT 1")" '^administrator .*52:54:00:00:02:01.*db-std'
ok 'the pool can go now' vmprov licence pool rm west

# -- doctor
doctor() { vmprov --json doctor | query "SELECT value ->> 'seen' FROM json_each(DOC) WHERE value ->> 'check' = 'licences' AND value ->> 'grade' = '$1'"; }
vmprov pool rm acme-web >/dev/null
like 'a product that no pool has' "$(doctor WARN)" 'web-std'
vmprov pool add west product=web-std owned=2 >/dev/null
vmprov pool rm db >/dev/null
is 'all is well' "$(doctor WARN)" ''
is 'and says so' "$(vmprov doctor | grep -c 'OK    licences')" 1
lease $gw web-std gateway 0x525400000201 $(($(now) + 90000)) "$(pool west):2" 2 2
vmprov pool set west owned=1 >/dev/null
like 'more leased than owned' "$(doctor WARN)" 'west'
vmprov pool set west owned=2 enabled=no >/dev/null
like 'closed' "$(doctor WARN)" 'west'
vmprov pool set west enabled=yes >/dev/null
lease $other web-std vm 0x5254000002ff $(($(now) + 90000)) "$(pool west):0" 1 1
like 'a holder that is gone' "$(doctor WARN)" 'holder|gone|52:54:00:00:02:ff|9999'

# -- completion
complete() { vmprov complete -- "$@" | paste -sd ' '; }
is 'the command' "$(complete lic)" licence
is 'its words' "$(complete licence '' | tr ' ' '\n' | grep -v '^--' | paste -sd ' ')" 'pool usage lease denials'
is 'verbs of lease' "$(complete licence lease '' | tr ' ' '\n' | grep -v '^--' | paste -sd ' ')" 'list end'
is 'verbs of pool' "$(complete licence pool '')" 'add set list show rm'
is 'pools' "$(complete licence pool show w)" west
is 'columns' "$(complete licence pool set west ow)" owned=
is 'tenants' "$(complete licence pool set west tenant=a)" tenant=acme
is 'holders' "$(complete licence lease list --holder gw)" gw-east
is 'whose to end' "$(complete licence lease end w)" 'w1 w2'
is 'options' "$(complete licence lease list --p)" --product
t_end
