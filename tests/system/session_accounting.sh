#!/bin/bash
# Authorizations and accounting in session.db: each as often and in whatever order RADIUS brings it; a NAS that restarts; a
# store that is full, or not to be written.  What was answered is there, also after a kill.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
t_begin session_accounting

radius_make "$T/r" || exit 1
sqlite3 -bail "$T/r/policy.db" <<-'SQL'
	INSERT INTO enclave (name, session_timeout_s) VALUES ('east', 600);
	INSERT INTO coi (name, vlan) VALUES ('web', 100);
	INSERT INTO nas (name, address, quarantine_vlan) VALUES ('lab', '127.0.0.66', 666);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 32)
	INSERT INTO vm_record (mac, cois) SELECT printf('5254000001%02x', i), 'web' FROM n;
	UPDATE vm_record SET enclave = 'east' WHERE mac = '52:54:00:00:01:02';
SQL
radius_start "$T/r" || exit 1
# What gets no response is not waited for long.
silence() { RADIUS_WAIT=0.7 "$@"; }
logged() { grep -q "$1" "$T/r/log/radius.log"; }
vm() { printf '52-54-00-00-01-%02X' "$1"; }
hex() { printf '0x'; printf '%s' "$1" | od -An -tx1 | tr -d ' \n'; }
# authorize NAS N [LINES...]: and its Class as a line for accounting
authorize() {
	local src=$1 n=$2
	shift 2
	radius_mab "$src" "$(vm "$n")" "$@" | sed -n 's/^Class = /Class = /p'
}
# account NAS STATUS N SESSION-ID [LINES...]
account() {
	local src=$1 status=$2 n=$3 id=$4
	shift 4
	radius_acct "$src" "$status" "$(vm "$n")" "$id" "$@"
}
# The state and accounting of what lasts, and how many are past.
now() {
	local of
	of="WHERE mac = mac($(vm "$1"))"
	printf '%s' "SELECT ifnull((SELECT state || ' ' || acct_session_id || ' ' || input_octets FROM session $of), 'none') ||
		', past ' || count(*) FROM past $of"
}

# -- an Accept
reply=$(radius_send 127.0.0.1 'User-Name = "5254.0000.0101"' 'User-Password = "5254.0000.0101"' 'Service-Type = Call-Check' \
	'Calling-Station-Id = "52-54-00-00-01-01:lab"' 'NAS-Port = 7' 'NAS-Port-Id = "1/0/7"' 'NAS-IP-Address = 192.0.2.9' \
	'NAS-Identifier = "leaf 1"' 'Acct-Session-Id = "pre-1"' 'Framed-IP-Address = 198.51.100.7')
like 'accepted' "$reply" '^Access-Accept'
session_is 'an Accept is an authorization, at its place and in the words of the NAS' \
	"SELECT state, nas, nas_port, nas_port_id, nas_ip, nas_identifier, user_name, calling_station_id, acct_session_id, framed_ip,
		method, vlan, quarantined, policy <> 0, since = authorized_at, expires_at FROM session WHERE mac = mac($(vm 1))" \
	'authorized|127.0.0.1|7|1/0/7|192.0.2.9|leaf 1|5254.0000.0101|52-54-00-00-01-01:lab|pre-1|198.51.100.7|0|100|0|1|1|0'
is 'its token is what Class ends with' "$(sessions "SELECT printf('%016x', token) FROM session WHERE mac = mac($(vm 1))")" "$(token_of <<<"$reply")"
authorize 127.0.0.1 2 >/dev/null
session_is 'with a Session-Timeout it ends some time after that' \
	"SELECT expires_at - authorized_at FROM session WHERE mac = mac($(vm 2))" 660
like 'the same MAC again, another token' "$(authorize 127.0.0.1 2)" '^Class'
is 'a Reject is none' "$(radius_mab 127.0.0.1 52-54-00-00-09-09 | head -n 1)" Access-Reject
like 'quarantine' "$(radius_mab 127.0.0.66 52-54-00-00-09-0A)" '"666"'
session_is 'is a session too' 'SELECT vlan, quarantined, policy FROM session WHERE mac = mac(52540000090a)' '666|1|0'
is 'a Reject left nothing' "$(sessions 'SELECT count(*) FROM session WHERE mac = mac(525400000909)')" 0

# -- Start, Interim, Stop, and each of them again
class=$(authorize 127.0.0.1 3)
for _ in 1 2 3; do account 127.0.0.1 Start 3 s3 "$class"; done | sort | uniq -c | is 'Start, three times: three responses' "$(sed 's/^ *//')" '3 Accounting-Response'
session_is 'started' "$(now 3)" 'started s3 0, past 0'
for n in 1000 2000 2000; do account 127.0.0.1 Interim-Update 3 s3 "$class" "Acct-Input-Octets = $n" 'Acct-Output-Octets = 7' 'Acct-Output-Gigawords = 2' >/dev/null; done
session_is 'interim' "$(now 3)" 'interim s3 2000, past 0'
is 'Gigawords count' "$(sessions "SELECT output_octets FROM session WHERE mac = mac($(vm 3))")" $(((2 << 32) + 7))
account 127.0.0.1 Interim-Update 3 s3 "$class" 'Acct-Input-Octets = 1500' >/dev/null
account 127.0.0.1 Start 3 s3 "$class" >/dev/null
is 'late ones put nothing back' "$(sessions "$(now 3)")" 'interim s3 2000, past 0'
for _ in 1 2 3; do account 127.0.0.1 Stop 3 s3 "$class" 'Acct-Input-Octets = 3000' 'Acct-Terminate-Cause = Port-Error'; done >/dev/null
is 'stopped once' "$(sessions "$(now 3)")" 'none, past 1'
is 'how and why' "$(sessions "SELECT state, cause, input_octets, closed_at IS NOT NULL FROM past WHERE mac = mac($(vm 3))")" 'stopped|Port-Error|3000|1'
before=$(($(date +%s) - 30))
account 127.0.0.1 Interim-Update 3 s3 "$class" "Event-Timestamp = \"$before\"" 'Acct-Input-Octets = 2500' >/dev/null
account 127.0.0.1 Start 3 s3 "$class" 'Acct-Delay-Time = 60' >/dev/null
is 'what is late wakes nobody up' "$(sessions "$(now 3)")" 'none, past 1'

# -- the Stop of an authorization before
old=$(authorize 127.0.0.1 4)
account 127.0.0.1 Start 4 s4a "$old" >/dev/null
new=$(authorize 127.0.0.1 4)
account 127.0.0.1 Start 4 s4b "$new" >/dev/null
account 127.0.0.1 Stop 4 s4a "$old" >/dev/null
like 'an old Stop does not end what came after it' "$(sessions "$(now 4)")" '^started s4b'
account 127.0.0.1 Stop 4 s4b "$new" >/dev/null
like 'its own does' "$(sessions "$(now 4)")" '^none'

# -- a NAS that keeps no Class
authorize 127.0.0.1 5 'NAS-Port = 5' >/dev/null
account 127.0.0.1 Start 5 s5 'NAS-Port = 5' >/dev/null
session_is 'without Class: by its port' "$(now 5)" 'started s5 0, past 0'
account 127.0.0.1 Stop 5 other 'NAS-Port = 6' >/dev/null
like 'not by another' "$(sessions "$(now 5)")" '^started s5'
account 127.0.0.1 Stop 5 s5 'NAS-Port = 5' >/dev/null
is 'stopped by Acct-Session-Id' "$(sessions "$(now 5)")" 'none, past 1'
account 127.0.0.1 Start 6 s6 'Class = 0x736f6d65626f647920656c7365' >/dev/null
session_is 'another one'"'"'s Class, and no authorization that we know of' "$(now 6)" 'started s6 0, past 0'
other=$(authorize 127.0.0.1 7)
account 127.0.0.1 Start 8 s8 "$other" >/dev/null
is 'a Class that is another guest'"'"'s does not count' "$(sessions "$(now 8)"); $(sessions "$(now 7)")" 'started s8 0, past 0; authorized  0, past 0'
account 127.0.0.1 Start 8 s8b 'Class = 0x766d70726f763a' "Class = $(hex 'vmprov:525400000108:web:zzz')" >/dev/null
session_is 'broken ones of ours neither' "$(now 8)" 'started s8b 0, past 0'

# -- what is no guest's, and what is not whole
like 'accounting without a MAC is answered, and kept in files' "$(radius_acct 127.0.0.1 Start '' x 'User-Name = "bob"')" Accounting-Response
kept() { grep -rqsw 'bob' "$T/r/log/radacct"; }
ok 'there' wait_for 3 kept
is 'none without Acct-Session-Id' "$(silence radius_acct 127.0.0.1 Start "$(vm 9)" '')" No-Reply
is 'nor with a false secret' "$(RADIUS_SECRET=wrong silence radius_acct 127.0.0.1 Start "$(vm 9)" s9)" No-Reply
is 'they left nothing' "$(sessions "$(now 9)")" 'none, past 0'

# -- a NAS restarts
for n in 10 11; do authorize 127.0.0.10 $n "NAS-Port = $n" >/dev/null; done
authorize 127.0.0.20 12 >/dev/null
on_nas() { sessions "SELECT count(*) FROM session WHERE nas = '$1'"; }
session_is 'two here, one there' "SELECT group_concat(nas) FROM (SELECT nas FROM session WHERE nas > '127.0.0.1' AND mac < mac(525400000900) ORDER BY mac)" \
	'127.0.0.10,127.0.0.10,127.0.0.20'
wait_for 3 session_says "SELECT max(authorized_at) < unixepoch() FROM session WHERE nas = '127.0.0.10'" 1
is 'Accounting-On' "$(radius_acct 127.0.0.10 Accounting-On '' boot1)" Accounting-Response
is 'ends its sessions, and no others' "$(on_nas 127.0.0.10) $(on_nas 127.0.0.20)" '0 1'
is 'because it has restarted' "$(sessions "SELECT DISTINCT state, cause FROM past WHERE nas = '127.0.0.10'")" 'stopped|nas-restart'
is 'policyd is told' "$(sessions "SELECT kind, nas FROM notice WHERE kind = 'nas-restart'")" 'nas-restart|127.0.0.10'
authorize 127.0.0.10 10 'NAS-Port = 10' >/dev/null
session_is 'authorized again' "SELECT count(*) FROM session WHERE nas = '127.0.0.10'" 1
is 'the same Accounting-On, late' "$(radius_acct 127.0.0.10 Accounting-On '' boot1 'Acct-Delay-Time = 20')" Accounting-Response
is 'ends nothing' "$(on_nas 127.0.0.10)" 1
wait_for 3 session_says "SELECT max(authorized_at) < unixepoch() FROM session WHERE nas = '127.0.0.10'" 1
is 'Accounting-Off' "$(radius_acct 127.0.0.10 Accounting-Off '' boot1)" Accounting-Response
is 'does' "$(on_nas 127.0.0.10)" 0

# -- session.db is not to be written: authorization goes on, accounting is not answered
radius_stop
chmod 440 "$T/r/session.db"
radius_start "$T/r" || exit 1
like 'session.db is not to be written: accepted' "$(authorize 127.0.0.1 13)" '^Class'
is 'accounting is not answered' "$(silence account 127.0.0.1 Start 13 s13)" No-Reply
ok 'and the log says why' wait_for 3 logged 'sessions are not written, accounting is not answered: .*session.db'
mv "$T/r/session.db" "$T/away"
[ "$(id -u)" = 0 ] || chmod 500 "$T/r"
is 'nor when it is gone, and none can be made' "$(silence account 127.0.0.1 Start 13 s13)" No-Reply
is 'which the log says once' "$(grep -c 'sessions are not written' "$T/r/log/radius.log")" 1
[ "$(id -u)" = 0 ] || chmod 755 "$T/r"
chmod 660 "$T/away"
mv "$T/away" "$T/r/session.db"
answered() { [ "$(silence account 127.0.0.1 Start 13 s13)" = Accounting-Response ]; }
ok 'back: it is answered again, without a restart' wait_for 5 answered
ok 'which the log says' logged 'sessions are written again'
session_is 'the authorization of meanwhile was kept' "SELECT state, authorized_at > 0 FROM session WHERE mac = mac($(vm 13))" 'started|1'
radius_stop

# -- killed in a stream of accounting
radius_start "$T/r" || exit 1
for i in $(seq 0 3999); do
	printf 'Acct-Status-Type = Start\nUser-Name = "5254000a%04x"\nCalling-Station-Id = "5254000a%04x"\nAcct-Session-Id = "k%d"\n\n' "$i" "$i" "$i"
done > "$T/stream"
radclient -x -p 32 -r 1 -t 1 -f "$T/stream" "127.0.0.1:$((RADIUS_PORT + 1))" acct "$RADIUS_SECRET" > "$T/answers" 2>/dev/null &
stream=$!
some_answers() { [ "$(grep -c '^Received' "$T/answers")" -ge 500 ]; }
ok 'accounting streams' wait_for 10 some_answers
process_stop "$RADIUS_PID" KILL
RADIUS_PID=
# What it had sent is read, and nothing follows.
seen=-1
quiet() {
	local n
	n=$(grep -c '^Received' "$T/answers")
	[ "$n" = "$seen" ] || { seen=$n; return 1; }
}
wait_for 5 quiet
process_stop "$stream"
# Who was answered: identifiers are told apart by who had them last.
awk '/^Sent/ {id = $4} /Calling-Station-Id/ {gsub(/"/, "", $3); who[id] = $3} /^Received/ {print who[$4]}' "$T/answers" | sort > "$T/answered"
sessions "SELECT printf('%012x', mac) FROM session" | sort > "$T/there"
ok "some were answered ($(wc -l < "$T/answered")), not all" [ "$(wc -l < "$T/answered")" -lt 4000 ]
is 'each that was answered is in session.db' "$(comm -23 "$T/answered" "$T/there" | wc -l)" 0
is 'which is whole' "$(sessions 'PRAGMA integrity_check')" ok

# -- a full disk
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=1m,mode=770 tmpfs "$T/small" 2>/dev/null; then
	unmount() { radius_stop; umount "$T/small" 2>/dev/null; }
	T_CLEANUP+=(unmount)
	chgrp freerad "$T/small"
	sed -i "s|filename = .*session.db|filename = $T/small/session.db|" "$T/r/raddb/mods-available/vmprov"
	SESSION_DB=$T/small/session.db
	: > "$T/r/log/radius.log"
	radius_start "$T/r" || exit 1
	authorize 127.0.0.1 14 >/dev/null
	session_is 'session.db is made' "$(now 14)" 'authorized  0, past 0'
	dd if=/dev/zero of="$T/small/fill" bs=4k 2>/dev/null
	responses() { silence account 127.0.0.1 Interim-Update 14 s14 "Acct-Input-Octets = $1"; }
	full() { [ "$(responses 1)" = No-Reply ]; }
	# What the write-ahead log has room for is written yet.
	for n in $(seq 100); do [ "$(silence radius_acct 127.0.0.1 Start "$(vm $((n % 16 + 16)))" "f$n")" = Accounting-Response ] || break; done
	ok 'a full disk: accounting is not answered' full
	for n in 15 16 17; do like "guest $n is authorized" "$(authorize 127.0.0.77 $n)" '^Class'; done
	ok 'the log says why' wait_for 3 logged 'sessions are not written, accounting is not answered: .*full'
	rm "$T/small/fill"
	well() { [ "$(responses 5)" = Accounting-Response ]; }
	ok 'room again: it is answered' wait_for 5 well
	session_is 'and who was authorized meanwhile is there' "SELECT count(*) FROM session WHERE nas = '127.0.0.77'" 3
	is 'session.db is whole' "$(sessions 'PRAGMA integrity_check')" ok
	unmount
fi
t_end
