#!/bin/bash
# What an administrator changes reaches the guests' NASes: CoA where the NAS can, else Disconnect; nothing where nothing changes.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin coa_policy

rfc=127.0.0.11 cisco=127.0.0.14 hpe=127.0.0.12 none=127.0.0.31 moved_port=127.0.0.32 plain=127.0.0.33 restarts=127.0.0.34
network_make || exit 1
sql <<-SQL
	INSERT INTO nas (name, address, dialect, coa, coa_port) VALUES ('rfc1', '$rfc', 'rfc', NULL, NULL), ('cisco1', '$cisco', 'cisco', NULL, NULL),
		('hpe1', '$hpe', 'hpe', NULL, NULL), ('none1', '$none', 'rfc', 'none', NULL), ('port1', '$moved_port', 'rfc', NULL, 4799),
		('plain1', '$plain', 'cisco', 'disconnect', NULL);
	INSERT INTO tenant (name) VALUES ('acme');
	INSERT INTO coi (name, vlan) VALUES ('web', 100), ('app', 200), ('db', 300);
	INSERT INTO template (name, tenant_id, enclave_id) SELECT 'web', 1, 1;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
	INSERT INTO vm_record (mac, name, cois) SELECT printf('52540002%04x', i), 'vm' || i, CASE WHEN i < 30 THEN 'web' ELSE 'app' END FROM n;
	UPDATE vm SET tenant_id = (SELECT id FROM tenant WHERE name = 'acme') WHERE mac = $(guest 7);
SQL
das_start das $rfc:3799 $cisco:1700 $hpe:3799 $none:3799 $moved_port:4799 $moved_port:3799 $plain:1700 '[::1]:3799'
vm() { sql "UPDATE vm SET $2 WHERE mac = $(guest "$1")"; }
up() { # NAS N...
	local nas=$1 n
	shift
	for n in "$@"; do guest_up "$nas" "$n" "NAS-Port = $n" "NAS-Port-Id = \"1/0/$n\"" >/dev/null || echo "guest $n is refused"; done
	wait_for 3 session_says "SELECT count(*) FROM session WHERE state = 'started' AND mac IN ($(for n in "$@"; do printf '%s, ' "$(guest "$n")"; done) 0)" $#
}
lasts() { printf 'SELECT count(*) FROM session WHERE mac = %s' "$(guest "$1")"; }

# -- one VM
# shellcheck disable=SC2046 # words
up $rfc $(seq 1 14) 18 19 20
ms() { date +%s%3N; }
vm 1 'vlan = 150'
edited=$(ms)
told_is 'another VLAN: a Disconnect' 3 $rfc 1 'Disconnect:ack'
delay=$(($(told_at=$(grep -F "$(guest_text 1)" "$T/das.log" | head -n 1); echo "${told_at%% *}") - edited))
ok "within a second of the edit ($delay ms)" [ "$delay" -lt 1000 ]
job_is 'the job is done' 3 1 'done coa policy'
session_is 'the session is over' "$(lasts 1)" 0
is 'because of the policy' "$(sessions "SELECT state, cause FROM past WHERE mac = $(guest 1)")" 'stopped|policy'
is 'it is in the audit trail' "$(audited session-disconnected 1)" 1
guest_up $rfc 1 | grep -q Class
session_is 'the guest comes back with it' "SELECT vlan FROM session WHERE mac = $(guest 1)" 150
vm 2 'name = "other", comment = "and more"'
vm 3 'vlan = 100'
sql "UPDATE coi SET comment = 'x' WHERE name = 'web'; INSERT INTO coi (name, vlan) VALUES ('idle', 900)"
vm 4 'enabled = 0'
told_is 'disabled: a Disconnect' 3 $rfc 4 'Disconnect:ack'
job_is 'which says why' 3 4 'done disconnect vm-disabled'
is 'what changes nothing is not told to anybody' "$(told_words $rfc 2)$(told_words $rfc 3)$(job 2)$(job 3)" ''
sql "DELETE FROM vm WHERE mac = $(guest 5)"
told_is 'deleted: a Disconnect' 3 $rfc 5 'Disconnect:ack'
vm 6 "not_after = $(date +%s) + 2"
vm 8 "not_after = $(date +%s) - 60"
told_is 'expired: a Disconnect' 3 $rfc 8 'Disconnect:ack'
job_is 'which says so' 3 8 'done disconnect expired'
sql "UPDATE tenant SET enabled = 0 WHERE name = 'acme'"
told_is 'its tenant is disabled: a Disconnect' 3 $rfc 7 'Disconnect:ack'
job_is 'which says so too' 3 7 'done disconnect tenant-disabled'
vm 9 'enabled = 0'
vm 9 'enabled = 1'
vm 9 'enabled = 0'
told_is 'many edits, one Disconnect' 3 $rfc 9 'Disconnect:ack'
told_is 'its time is over: a Disconnect' 5 $rfc 6 'Disconnect:ack'
sql "INSERT INTO member (mac, coi_id) SELECT $(guest 10), id FROM coi WHERE name = 'db'; DELETE FROM member WHERE mac = $(guest 10) AND coi_id = (SELECT id FROM coi WHERE name = 'web')"
told_is 'moved to another community: a Disconnect' 3 $rfc 10 'Disconnect:ack'
sql "INSERT INTO vm_nas (mac, nas_id) SELECT $(guest 11), id FROM nas WHERE name = 'hpe1'"
told_is 'bound to another NAS: a Disconnect' 3 $rfc 11 'Disconnect:ack'
vm 12 'mab = 0'
told_is 'no MAC authentication any more: a Disconnect' 3 $rfc 12 'Disconnect:ack'

# -- a community
up $rfc 30 31
up $hpe 32 33
up $cisco 34
sql "UPDATE coi SET vlan = 222 WHERE name = 'app'"
for n in 30 31; do told_is "its member $n: a Disconnect" 3 $rfc $n 'Disconnect:ack'; done
for n in 32 33; do told_is "on another NAS, $n: a Disconnect" 3 $hpe $n 'Disconnect:ack'; done
told_is 'and a CoA, where the NAS has it' 3 $cisco 34 'CoA:ack'
is 'others hear nothing' "$(told_words $rfc 13)$(told_words $rfc 14)" ''

# -- CoA: it has an effect, or a Disconnect follows
guest_up $cisco 34 >/dev/null
job_is 'authorized again: done' 4 34 'done coa policy'
is 'with its event' "$(audited session-reauthenticated 34) $(audited session-disconnected 34)" '1 0'
session_is 'and the new VLAN' "SELECT vlan FROM session WHERE mac = $(guest 34)" 222
up $cisco 35 36
vm 35 'vlan = 7'
vm 36 'enabled = 0'
told_is 'a VM that is disabled is disconnected at once' 3 $cisco 36 'Disconnect:ack'
told_is 'a CoA without effect: a Disconnect follows' 5 $cisco 35 'CoA:ack Disconnect:ack'
job_is 'in the same job' 3 35 'done disconnect policy'

# -- what a NAS's row says
up $none 15
up $moved_port 16
up $plain 17
for n in 15 16 17; do vm $n 'vlan = 8'; done
told_is 'the port of coa_port' 3 $moved_port 16 'Disconnect:ack'
ok 'and no other' das_has das 1 " $moved_port:4799 Disconnect-Request .*$(guest_text 16)"
told_is 'no CoA where the row says so' 3 $plain 17 'Disconnect:ack'
is 'nothing at all where it says so' "$(told_words $none 15)$(sql "SELECT count(*) FROM coa_job WHERE mac = $(guest 15)")" 0
fails 'unless an administrator asks, who is told that' 'NAS takes no CoA or Disconnect' \
	vmprov --store "$POLICYD_STORE" session disconnect "$(guest_text 15)" --wait=10
session_is 'and the session goes on' "$(lasts 15)" 1

columns=$(sessions "SELECT group_concat(name) FROM pragma_table_info('session') WHERE name NOT IN ('mac', 'nas', 'calling_station_id')")
sessions "INSERT INTO session (mac, nas, calling_station_id, $columns) SELECT $(guest 28), '::1', '$(guest_text 28)', $columns FROM session WHERE mac = $(guest 13)"
vm 28 'enabled = 0'
told_is 'a NAS with an IPv6 address' 3 '\[::1\]' 28 'Disconnect:ack'

# -- a NAS that restarts has none of its sessions
up $restarts 29
vm 29 'enabled = 0'
job_is 'no answer yet' 3 29 'pending disconnect vm-disabled'
# Of the same second, nobody knows which came first.
wait_for 3 session_says "SELECT authorized_at < unixepoch() - 1 FROM session WHERE mac = $(guest 29)" 1
radius_acct $restarts Accounting-On '' boot >/dev/null
job_is 'after its restart there is nothing left to do' 8 29 'done disconnect vm-disabled'

# -- moves
up $hpe 18
job_is 'a guest that has moved is disconnected where it was' 4 18 'done disconnect moved'
told_is 'there' 3 $rfc 18 'Disconnect:ack'
is 'not here' "$(told_words $hpe 18)" ''
is 'it is told' "$(audited guest-moved 18)" 1
session_is 'the place it left is closed' "SELECT state, closed_at IS NOT NULL FROM past WHERE mac = $(guest 18)" 'moved|1'
guest_up $rfc 20 'NAS-Port = 99' 'NAS-Port-Id = "1/0/99"' 'Acct-Session-Id = "second"' >/dev/null
# The same NAS: the old session must be told from the new.
job_is 'another port of the same NAS' 4 20 'done disconnect moved'
session_is 'the session at the new port goes on' "SELECT nas_port FROM session WHERE mac = $(guest 20)" 99

# Two NASes at the same instant: one keeps each guest, the other is told to let go of it.
for nas in $rfc $hpe; do
	for n in $(seq 41 50); do
		printf 'Packet-Src-IP-Address = %s\nUser-Name = "%s"\nUser-Password = "%s"\nService-Type = Call-Check\nCalling-Station-Id = "%s"\nAcct-Session-Id = "t%d"\nMessage-Authenticator = 0x00\n\n' \
			$nas "$(guest_text "$n")" "$(guest_text "$n")" "$(guest_text "$n")" "$n"
	done > "$T/at-$nas"
	radclient -q -p 10 -r 1 -t 3 -f "$T/at-$nas" "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET" &
	pids="${pids:-} $!"
done
# shellcheck disable=SC2086 # words
wait $pids
session_is 'two NASes at once: one place' "SELECT count(*) FROM session WHERE mac BETWEEN $(guest 41) AND $(guest 50)" 10
apart=0
for n in $(seq 41 50); do
	here=$(sessions "SELECT nas FROM session WHERE mac = $(guest "$n")")
	[ "$here" = $rfc ] && there=$hpe || there=$rfc
	wait_for 3 told_says $there "$n" 'Disconnect:ack'
	[ "$(told_words "$there" "$n") $(told_words "$here" "$n")" = 'Disconnect:ack ' ] && apart=$((apart + 1))
done
is 'and the other NAS is told' "$apart" 10

# -- certificates
for h in hv1 hv2; do
	sql "INSERT INTO host (name) VALUES ('$h')"
	host_enrol $h >/dev/null || echo "$h is not enrolled"
done
for n in 1 2; do radius_eap_tls $hpe "$(guest_text 2$n | tr - :)" hv$n >/dev/null; done
session_is 'sessions by certificates of hosts' "SELECT group_concat(cert_name) FROM (SELECT cert_name FROM session WHERE mac IN ($(guest 21), $(guest 22)) ORDER BY mac)" 'hv1,hv2'
ok 'the certificate of a host is revoked' vmprov --store "$POLICYD_STORE" cert revoke host:hv1
told_is 'its guests are disconnected' 3 $hpe 21 'Disconnect:ack'
job_is 'which says why' 3 21 'done disconnect certificate-revoked'
is 'those of others not' "$(told_words $hpe 22)" ''

join hv2 11111111-2222-4333-8444-555555555524 "$(guest_text 24 | tr - :)" web vm24 || echo 'guest 24 has no certificate'
up $rfc 24 25
ok 'the certificate of a VM is revoked' vmprov --store "$POLICYD_STORE" cert revoke "$(guest_text 24)"
told_is 'it is disconnected' 3 $rfc 24 'Disconnect:ack'
job_is 'which says why' 3 24 'done disconnect certificate-revoked'

# -- by hand
up $rfc 23
up $cisco 37 38
ok 'vmprov session disconnect' vmprov --store "$POLICYD_STORE" session disconnect "$(guest_text 23)" --wait 10
told_is 'disconnects' 1 $rfc 23 'Disconnect:ack'
vmprov --store "$POLICYD_STORE" session reauth "$(guest_text 37)" --wait 10 > "$T/reauth" 2>&1 &
reauth=$!
told_is 'vmprov session reauth' 3 $cisco 37 'CoA:ack'
guest_up $cisco 37 >/dev/null
wait "$reauth"
is 'is content when the guest has authenticated' "$?" 0
ok 'vmprov nas test' vmprov --store "$POLICYD_STORE" nas test rfc1 --wait 10
like 'asks for a session that is not there' "$(das_lines das 'Calling-Station-Id=02-00-00-00-00-00')" 'Disconnect-Request'

# -- one MAC address in two places
clone() { # N: moved from one NAS to another, and still there
	local class
	class=$(guest_up $rfc "$1")
	guest_up $hpe "$1" >/dev/null
	wait_for 3 session_says "SELECT nas FROM session WHERE mac = $(guest "$1")" $hpe
	sessions "UPDATE past SET ended_at = ended_at - 10, closed_at = NULL WHERE mac = $(guest "$1")"
	radius_acct $rfc Interim-Update "$(guest_text "$1")" "s$1" "$class" >/dev/null
}
clone 26
alarmed() { [ "$(audited clone-alarm "$1")" = 1 ]; }
ok 'a clone is an alarm' wait_for 3 alarmed 26
session_is 'the guest stays where it is' "SELECT nas FROM session WHERE mac = $(guest 26)" $hpe
sed -i 's/clone_action = .*/clone_action = both/' "$T/r/raddb/mods-available/vmprov"
radius_stop
radius_start "$T/r" || exit 1
clone 27
ok 'with clone_action = both it is an alarm' wait_for 3 alarmed 27
told_is 'and taken out where it was authorized last' 3 $hpe 27 'Disconnect:ack'
ok 'and where it was before' das_wait 3 das 1 " $rfc:3799 Disconnect-Request .*$(guest_text 27)"
session_is 'it has no session' "$(lasts 27)" 0
fails 'and gets none' 'in use in two places' guest_up $rfc 27
is 'who asks from where it must not' "$(radius_mab $rfc "$(guest_text 11)" | head -n 1)" Access-Reject
refused() { [ "$(sql "SELECT count(*) FROM audit WHERE event = 'authorization-refused'")" = 1 ]; }
ok 'stands in the audit trail' wait_for 3 refused

metric() { curl -s "$POLICYD_STATUS/metrics" | sed -n "s/^$1 //p"; }
is 'clones are counted' "$(metric vmprov_clone_alarms_total)" 2
ok 'moves too' [ "$(metric vmprov_guest_moves_total)" -ge 3 ]
is 'nothing was sent that does not verify' "$(das_count das 'invalid:')" 0
t_end
