#!/bin/bash
# One edit of a community with 10,000 sessions, and processes killed while their NASes are told: each is told, nothing is lost, and
# what is said twice does no harm.  What is edited while policyd is away is told when it is back.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin coa_crash

network_make || exit 1
N=${VMPROV_SESSIONS:-10000} NASES=10
for i in $(seq $NASES); do
	sql "INSERT INTO nas (name, address) VALUES ('sw$i', '127.0.1.$i')"
	at+=("127.0.1.$i:3799")
done
sql <<-SQL
	INSERT INTO coi (name, vlan) VALUES ('web', 100), ('app', 200);
	INSERT INTO vm_record (mac, cois) VALUES ('$(guest_text 0)', 'app');
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $N)
	INSERT INTO vm_record (mac, cois) SELECT printf('52540002%04x', i), 'web' FROM n;
SQL
echo 'do once' > "$T/das.das"
das_start das "${at[@]}"

# The first came by itself, the others are like it.
guest_up 127.0.1.1 0 >/dev/null
guest_up 127.0.1.2 1 >/dev/null
session_is 'a session' "SELECT state FROM session WHERE mac = $(guest 1)" started
columns=$(sessions "SELECT group_concat(name) FROM pragma_table_info('session') WHERE name NOT IN ('mac', 'nas', 'token', 'calling_station_id', 'acct_session_id')")
sessions "BEGIN;
	WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $N)
	INSERT INTO session (mac, nas, token, calling_station_id, acct_session_id, $columns)
	SELECT $(guest 0) + i, '127.0.1.' || (i % $NASES + 1), token + i, printf('52-54-00-02-%02X-%02X', i / 256, i % 256), 's' || i, $columns
	FROM n, session WHERE mac = $(guest 1);
	COMMIT"
open() { sql 'SELECT count(*) FROM coa_job WHERE finished_at IS NULL'; }
none_open() { [ "$(open)" = 0 ]; }
is 'nothing to do yet' "$(open) $(das_count das Request)" '0 0'

# -- one edit, and kills
started=$(date +%s)
sql "UPDATE coi SET vlan = 101 WHERE name = 'web'"
killed=0
kill_one() {
	local pid
	pid=$(policyd_process "$1")
	[ -n "$pid" ] || return 1
	kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
	wait_for 10 sh -c "! kill -0 $pid 2>/dev/null"
	wait_for 10 policyd_ready
}
told_so_many() { [ "$(sql "SELECT count(*) FROM coa_job WHERE state = 'done'")" -ge "$1" ]; }
part=$((N / 10))
for victim in store coa store coa; do
	wait_for 10 told_so_many $part
	kill_one $victim
	part=$((part + N / 10))
done
wait_for 10 told_so_many $part
pid=$POLICYD_PID
{
	kill -9 "$POLICYD_PID"
	wait "$POLICYD_PID"
} 2>/dev/null
POLICYD_PID=
killed=$((killed + 1))
is 'there was something left to do at each kill' "$killed $(none_open && echo none)" '5 '
policyd_start "$T" || exit 1
ok 'all jobs come to their end' wait_for 30 none_open
took=$(($(date +%s) - started))
is 'each session was told' "$(das_lines das 'Disconnect-Request' | grep -o 'Calling-Station-Id=[^ ]*' | sort -u | wc -l)" "$N"
is 'and its end taken down' "$(sessions "SELECT count(*) FROM past WHERE state = 'stopped' AND cause = 'policy'") $(sessions 'SELECT count(*) FROM session')" "$N 1"
is 'no job failed' "$(sql "SELECT group_concat(DISTINCT state) || ' ' || count(*) FROM coa_job")" "done $N"
is 'each stands in the audit trail, once' "$(sql "SELECT count(*) || ' ' || count(DISTINCT subject) FROM audit WHERE event = 'session-disconnected'")" "$N $N"
again=$(das_count das 'nak 503')
ok "what was said twice ($again of $N, in $took s) is what was under way at a kill" [ "$again" -le $((5 * 64 * NASES)) ]
is 'the guest of another community heard nothing' "$(told 127.0.1.1 0)" ''
is 'both stores are whole' "$(sql 'PRAGMA integrity_check') $(sessions 'PRAGMA integrity_check')" 'ok ok'

# -- edits while policyd is away, or killed at that moment
for i in 1 2 3; do guest_up 127.0.1.3 $i >/dev/null; done
session_is 'three are back' "SELECT count(*) FROM session WHERE nas = '127.0.1.3'" 3
das_stop das
: > "$T/das.log"
echo 'do ack' > "$T/das.das"
das_start das "${at[@]}"
policyd_stop
sql "UPDATE vm SET vlan = 7 WHERE mac = $(guest 1)"
policyd_start "$T" || exit 1
told_is 'edited while it was away: told when it is back' 5 127.0.1.3 1 'Disconnect:ack'
sql "UPDATE vm SET vlan = 7 WHERE mac = $(guest 2)"
kill_one store
ok 'edited as it was killed: told' das_wait 5 das 1 "$(guest_text 2)"
ok 'and done' wait_for 5 none_open
like 'twice at the most' "$(told_words 127.0.1.3 2)" '^Disconnect:ack( Disconnect:ack)?$'
echo 'do silent' | das_rules das
sql "UPDATE vm SET enabled = 0 WHERE mac = $(guest 3)"
ok 'told to a NAS that does not answer' das_wait 3 das 1 "$(guest_text 3).* -> silent"
kill_one coa
echo 'do ack' | das_rules das
job_is 'a job that was under way as the process was killed is done later' 12 3 'done coa policy,done disconnect vm-disabled'

# -- session.db is lost
followed=$(sql 'SELECT session_store FROM coa_follow')
rm -f "$T/r/session.db" "$T/r/session.db-wal" "$T/r/session.db-shm"
made_again() { [ "$(sessions 'SELECT count(*) FROM session' 2>/dev/null)" = 0 ]; }
ok 'session.db is made again' wait_for 5 made_again
radius_acct 127.0.1.1 Interim-Update "$(guest_text 0)" s0 >/dev/null
session_is 'accounting brings the guest back' "SELECT state FROM session WHERE mac = $(guest 0)" interim
follows_it() { [ "$(sql 'SELECT session_store FROM coa_follow')" != "$followed" ]; }
ok 'policyd follows the new one' wait_for 20 follows_it
sql "UPDATE vm SET enabled = 0 WHERE mac = $(guest 0)"
told_is 'disabled: told' 20 127.0.1.1 0 'Disconnect:ack'
t_end
