#!/bin/bash
# What gateways are told: their filters, at once when they change; and what machines are told of gateways and of
# themselves: routes, IPv4 inside, machines outside of the enclave.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_filters
policyd_make "$T"
policyd_start "$T" || exit 1
policyd_sample
host_enrol hv1 || exit 1
VMPROV_STORE=$POLICYD_STORE
export VMPROV_STORE

uuid_of() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
mac_of() { printf '52:54:00:00:09:%02d' "$1"; }
wg() { printf '%032d' "$1" | base64; }
self() { as "$1" PUT /v1/self -d "{\"wireguard_key\": \"$(wg "$2")\", \"endpoint\": \"${3-192.0.2.$2:51820}\"}"; }
filters() { as "$1" GET "/v1/filters?${2:-wait=0}"; }
look() { as "$1" GET "/v1/directory?${2:-wait=0}"; }
version() { sed 's/.*"version":\([0-9]*\).*/\1/'; }
metric() { curl -sf "$POLICYD_STATUS/metrics" | awk -v name="$1" '$1 == name {print $2}'; }
filters_wait() { [ "$(metric vmprov_filter_waiters)" = 1 ]; }
directory_waits() { [ "$(metric vmprov_directory_waiters)" = 1 ]; }
# since WHAT NAME VERSION COMMAND...: what a waiting client is told, in $T/told, after the command, and [ms] in $took
since() {
	local what=$1 name=$2 version=$3 waiter
	shift 3
	"$what" "$name" "since=$version&wait=20" > "$T/told" &
	waiter=$!
	wait_for 5 "$([ "$what" = filters ] && echo filters_wait || echo directory_waits)"
	"$@" >/dev/null
	took=$(date +%s%N)
	wait "$waiter"
	took=$((($(date +%s%N) - took) / 1000000))
}

sql "INSERT INTO template (name, kind, tenant_id, enclave_id, auto_create) SELECT 'gw', 'gateway', tenant.id, enclave.id, 1
	FROM tenant, enclave WHERE tenant.name = 'acme' AND enclave.name = 'east';
	INSERT INTO template_coi SELECT template.id, coi.id FROM template, coi WHERE template.name = 'gw' AND coi.name = 'web'"
join hv1 "$(uuid_of 1)" "$(mac_of 1)" web vm1 || exit 1
join hv1 "$(uuid_of 2)" "$(mac_of 2)" web vm2 || exit 1
join hv1 "$(uuid_of 9)" "$(mac_of 9)" gw gw9 || exit 1

# -- filters: who may ask
fails 'a VM is no gateway' 'status 403' filters vm1
fails 'nor is a host' 'status 403' filters hv1
fails 'nor nobody' '(status 40[13]|status 000)' http "$POLICYD_URL/v1/filters?wait=0"
fails 'since what' 'status 400' filters gw9 since=x
like 'none at first' "$(filters gw9)" '^\{"version":[0-9]+,"full":true,"rules":\[\]\}$'

# -- what is told
vmprov filter add web --direction in --protocol tcp --source 0.0.0.0/0,::/0 --ports 80,8000-8100 >/dev/null
vmprov filter add web --direction out --position 5 --action drop --log >/dev/null
vmprov filter add app --direction out >/dev/null
like 'rules by position, and none of other COIs' "$(filters gw9)" \
	'"rules":\[\{"id":2,"coi":"web","position":5,"direction":"out","source":\[\],"destination":\[\],"protocol":"any","source_ports":\[\],"ports":\[\],"action":"drop","log":true\},\{"id":1,"coi":"web","position":10,"direction":"in","source":\["0.0.0.0/0","::/0"\],"destination":\[\],"protocol":"tcp","source_ports":\[\],"ports":\["80","8000-8100"\],"action":"accept","log":false\}\]\}$'

# -- waiting
v=$(filters gw9 | version)
like 'nothing has changed: the wait ends, and all is told again' "$(filters gw9 "since=$v&wait=1")" '"full":true,"rules":\[\{"id":2,'
since filters gw9 "$v" vmprov filter set 1 enabled=no
like 'a rule is disabled' "$(cat "$T/told")" '"rules":\[\{"id":2,[^{]*\}\]'
v=$(version < "$T/told")
since filters gw9 "$v" sql "UPDATE filter SET enabled = 1, action = 'reject' WHERE id = 1"
like 'sqlite3 enables it' "$(cat "$T/told")" '"id":1,.*"action":"reject"'
v=$(version < "$T/told")
since filters gw9 "$v" sql "INSERT INTO member SELECT mac, coi.id FROM guest, coi WHERE uuid = '$(uuid_of 9)' AND name = 'app'"
like 'the gateway joins a COI' "$(cat "$T/told")" '"rules":\[\{"id":3,"coi":"app"'
v=$(version < "$T/told")
since filters gw9 "$v" vmprov coi set web enabled=no
like 'a COI is disabled' "$(cat "$T/told")" '"rules":\[\{"id":3,[^{]*\}\]'
v=$(version < "$T/told")
since filters gw9 "$v" vmprov coi set web enabled=yes
like 'and enabled' "$(cat "$T/told")" '"id":3.*"id":2.*"id":1'
v=$(version < "$T/told")
since filters gw9 "$v" vmprov vm set "$(mac_of 9)" cois=web
like 'the gateway leaves one' "$(cat "$T/told")" '"rules":\[\{"id":2,[^{]*\},\{"id":1,[^{]*\}\]'
# What does not concern it wakes nobody; then the rule that does is told.
v=$(version < "$T/told")
answers=$(metric vmprov_filter_answers_total)
quietly() {
	vmprov filter add db --direction in
	vmprov vm set "$(mac_of 1)" comment=x
	vmprov filter set 1 comment=why
	sleep 0.3 # three looks at the store
	quiet=$(metric vmprov_filter_answers_total)
	vmprov filter rm 2
}
since filters gw9 "$v" quietly
is 'what does not concern it' "$quiet" "$answers"
like 'a rule is removed' "$(cat "$T/told")" '"rules":\[\{"id":1,[^{]*\}\]'
v=$(version < "$T/told")
since filters gw9 "$v" vmprov filter rm 1
ok "it is told within a second: $took ms" test "$took" -lt 1000
# A row that the schema cannot judge stays as it is: the gateway refuses the set.
sql "INSERT INTO filter (coi_id, direction, source) SELECT id, 'in', '2001:db8::1/32' FROM coi WHERE name = 'web'"
like 'a bad rule is told as it stands' "$(filters gw9)" '"source":\["2001:db8::1/32"\]'
sql "DELETE FROM filter WHERE source <> ''"

# -- IPv4 inside
like 'none without a prefix' "$(self vm1 1)" '"inner_ipv4":"","inner_prefix":"fd[0-9a-f:]*::/64","inner_ipv4_prefix":"","gateway":false,"remote":false'
self vm2 2 >/dev/null
self gw9 9 >/dev/null
v=$(look vm1 | version)
since look vm1 "$v" vmprov site set inner_prefix4=192.0.2.4/30
like 'the site has one: everything anew' "$(cat "$T/told")" '"full":true,"peers":\[\{.*"inner_ipv4":""'
v=$(version < "$T/told")
since look vm1 "$v" self vm2 2
like 'a peer gets an address when it registers' "$(cat "$T/told")" "\"full\":false,\"peers\":\[\{\"id\":\"$(uuid_of 2)\",.*\"inner_ipv4\":\"192.0.2.5\""
like 'so do I' "$(self vm1 1)" '"inner_ipv4":"192.0.2.6".*"inner_ipv4_prefix":"192.0.2.4/30"'
like 'and keep it' "$(self vm1 1)" '"inner_ipv4":"192.0.2.6"'
like 'none is left' "$(self gw9 9)" '"inner_ipv4":"",.*"inner_ipv4_prefix":"192.0.2.4/30","gateway":true'
self gw9 9 >/dev/null
is 'which is said once' "$(vmprov --json audit --event inner-exhausted | wc -l)" 1
is 'and logged' "$(grep -c inner-exhausted "$POLICYD_LOG")" 1
v=$(look vm1 | version)
since look vm1 "$v" vmprov site set inner_prefix4=10.64.0.0/10
like 'another prefix: the number stays' "$(cat "$T/told")" '"full":true,.*"inner_ipv4":"10.64.0.1"'
like 'and there is room' "$(self gw9 9)" '"inner_ipv4":"10.64.0.3"'

# -- gateways' routes
v=$(look vm1 | version)
since look vm1 "$v" vmprov route add "$(mac_of 9)" 0.0.0.0/0 2001:db8::/32
like 'peers are told' "$(cat "$T/told")" "\"peers\":\[\{\"id\":\"$(uuid_of 9)\",.*\"gateway\":true,\"remote\":false,\"routes\":\[\"0.0.0.0/0\",\"2001:db8::/32\"\]"
like 'others have none' "$(look gw9)" '"gateway":false,"remote":false,"routes":\[\]'
fails 'nor may they' 'expected a gateway' vmprov route add "$(mac_of 1)" 0.0.0.0/0
v=$(look vm1 | version)
since look vm1 "$v" vmprov route rm "$(mac_of 9)" 0.0.0.0/0
like 'one is removed' "$(cat "$T/told")" '"routes":\["2001:db8::/32"\]'

# -- machines outside of the enclave
v=$(look vm1 | version)
since look vm1 "$v" self vm2 2 ''
like 'one that others cannot reach' "$(cat "$T/told")" "\"id\":\"$(uuid_of 2)\",.*\"endpoint\":\"\""
like 'hears the same of itself' "$(self vm2 2 '')" '"endpoint":""'
v=$(look gw9 | version)
since look gw9 "$v" vmprov template set web remote=yes
like 'a template of machines outside' "$(cat "$T/told")" '"full":true,.*"remote":true'
like 'they are told so' "$(self vm2 2 '')" '"gateway":false,"remote":true'
fails 'a gateway is none' 'remote: expected' vmprov template set gw remote=yes

# -- one who waits and is a gateway no more
v=$(filters gw9 | version)
since filters gw9 "$v" sql "UPDATE certificate SET revoked_at = strftime('%s', 'now') + 0, reason = 1 WHERE mac = (SELECT mac FROM guest WHERE uuid = '$(uuid_of 9)')"
like 'is told so' "$(cat "$T/told")" 'status 403'
t_end
