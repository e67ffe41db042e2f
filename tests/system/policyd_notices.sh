#!/bin/bash
# A host is told whose session the network has taken down, and nobody else's.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin policyd_notices

rfc=127.0.0.11
network_make || exit 1
sql <<-SQL
	INSERT INTO nas (name, address, dialect) VALUES ('rfc1', '$rfc', 'rfc');
	INSERT INTO host (name) VALUES ('hv1'), ('hv2');
	INSERT INTO coi (name, vlan) VALUES ('web', 100);
	INSERT INTO template (name, tenant_id, enclave_id, auto_create) VALUES ('web', 1, 1, 1);
	INSERT INTO template_coi (template_id, coi_id) SELECT template.id, coi.id FROM template, coi;
SQL
das_start das $rfc:3799
uuid_of() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
for h in hv1 hv2; do host_enrol $h || exit 1; done
for n in 1 2; do starting hv$n "$(uuid_of $n)" "$(guest_text $n)" web >/dev/null; done
notices() { as "$1" GET "/v1/host/notices?since=$2&wait=$3"; } # HOST SINCE WAIT
version() { sed -n 's/.*"version":\([0-9]*\).*/\1/p'; }
text() { guest_text "$1" | tr 'A-F-' 'a-f:'; }

now=$(notices hv1 0 5)
like 'the first question is answered at once' "$now" '^\{"version":[0-9]+,"disconnected":\[\]\}$'
since=$(version <<<"$now")
like 'without a wait the next as well' "$(notices hv1 "$since" 0)" "\"version\":$since,\"disconnected\":\[\]"
like 'a wait ends with nothing to tell' "$(notices hv1 "$since" 1)" '"disconnected":\[\]'

for n in 1 2; do guest_up $rfc $n "NAS-Port = $n" >/dev/null; done
notices hv1 "$since" 20 > "$T/told" &
waits=$!
T_CLEANUP+=("process_stop $waits")
sql "UPDATE vm SET vlan = 150 WHERE mac = $(guest 1)"
told_is 'another VLAN: a Disconnect' 5 $rfc 1 'Disconnect:ack'
ok 'the answer comes then' wait_for 5 test -s "$T/told"
is 'and is of that guest' "$(sed 's/.*"disconnected"://' "$T/told")" "[\"$(text 1)\"]}"
like 'the other host is told nothing' "$(notices hv2 "$since" 1)" '"disconnected":\[\]'
is 'whoever asks from before is told again' "$(notices hv1 "$since" 5 | sed 's/.*"disconnected"://')" "[\"$(text 1)\"]}"
next=$(version < "$T/told")
like 'whoever goes on is not' "$(notices hv1 "$next" 1)" '"disconnected":\[\]'
policyd_stop
policyd_start "$T" || exit 1
is 'also by a policyd that was started anew' "$(notices hv1 "$since" 5 | sed 's/.*"disconnected"://')" "[\"$(text 1)\"]}"
like 'a number from the future is of another store' "$(notices hv1 999999999 1)" "\"version\":[0-9]{1,6},\"disconnected\":\[\]"

fails 'nobody without a certificate' 'status 401' api GET '/v1/host/notices?since=0&wait=0'
key_new "$T/vm.key"
token=$(starting hv1 "$(uuid_of 1)" "$(guest_text 1)" web | field token)
enrol web "$token" "$T/vm.key" >/dev/null
fails 'and no VM' 'status 403' as vm GET '/v1/host/notices?since=0&wait=0'
fails 'a number that is none' 'status 400' as hv1 GET '/v1/host/notices?since=x'
sql "UPDATE host SET enabled = 0 WHERE name = 'hv1'"
fails 'nor a host that is disabled' 'status 403' as hv1 GET '/v1/host/notices?since=0&wait=0'
t_end
