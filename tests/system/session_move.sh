#!/bin/bash
# A guest that moves between NASes and ports: whatever the order of what they say, it is in one place.  The same MAC in two places is
# a clone alarm, and who is refused then is configured.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
t_begin session_move

one=127.0.0.10 two=127.0.0.20
radius_make "$T/r" || exit 1
sqlite3 -bail "$T/r/policy.db" <<-'SQL'
	INSERT INTO coi (name, vlan) VALUES ('web', 100);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
	INSERT INTO vm_record (mac, cois) SELECT printf('5254000001%02x', i), 'web' FROM n;
SQL
radius_start "$T/r" || exit 1
vm() { printf '525400:0001%02x' "$1" | tr -d :; }
# authorize NAS N PORT: prints its Class as a line for accounting, or the reply
authorize() {
	local reply
	reply=$(radius_mab "$1" "$(vm "$2")" "NAS-Port = $3" "NAS-Port-Id = \"1/0/$3\"")
	grep -s '^Class' <<<"$reply" || head -n 1 <<<"$reply"
}
account() {
	local nas=$1 status=$2 n=$3 id=$4
	shift 4
	radius_acct "$nas" "$status" "$(vm "$n")" "$id" "$@" >/dev/null
}
# Where it lasts; how it left other places, in order; what policyd is told.
where() {
	local of
	of="WHERE mac = mac($(vm "$1"))"
	printf '%s' "SELECT ifnull((SELECT nas || ' ' || nas_port FROM session $of), 'nowhere') || '; ' ||
		ifnull((SELECT group_concat(state || ' ' || nas || ' ' || nas_port || CASE WHEN closed_at IS NULL THEN ' open' ELSE ' closed' END)
			FROM (SELECT * FROM past $of ORDER BY id)), '') || '; ' ||
		ifnull((SELECT group_concat(kind) FROM (SELECT kind FROM notice $of ORDER BY id)), '')"
}
# What happened to guest N happened so many seconds earlier.
age() { sessions "UPDATE past SET ended_at = ended_at - $2, since = since - $2, closed_at = closed_at - $2, alarmed_at = alarmed_at - $2 WHERE mac = mac($(vm "$1"))"; }

# -- both orders
a=$(authorize $one 1 1)
account $one Start 1 a1 "$a"
b=$(authorize $two 1 2)
account $two Start 1 b1 "$b"
session_is 'the new one first: it has moved' "$(where 1)" "$two 2; moved $one 1 open; moved"
account $one Stop 1 a1 "$a"
session_is 'then the old one ends: closed' "$(where 1)" "$two 2; moved $one 1 closed; moved"
a=$(authorize $one 2 1)
account $one Start 2 a2 "$a"
account $one Stop 2 a2 "$a"
b=$(authorize $two 2 2)
account $two Start 2 b2 "$b"
session_is 'the old one ends first: no move, it comes anew' "$(where 2)" "$two 2; stopped $one 1 closed; "
account $one Stop 2 a2 "$a"
account $one Interim-Update 2 a2 "$a" 'Acct-Delay-Time = 30'
account $one Start 2 a2 "$a" 'Acct-Delay-Time = 40'
session_is 'what comes late from there changes nothing' "$(where 2)" "$two 2; stopped $one 1 closed; "
a=$(authorize $one 3 1)
b=$(authorize $two 3 2)
account $two Start 3 b3 "$b"
account $one Start 3 a3 "$a"
account $one Interim-Update 3 a3 "$a"
session_is 'accounting in any order: one place' "$(where 3)" "$two 2; moved $one 1 open; moved"

# -- ports
authorize $one 4 1 >/dev/null
authorize $one 4 2 >/dev/null
session_is 'another port is another place' "$(where 4)" "$one 2; moved $one 1 open; moved"
radius_mab $one "$(vm 4)" 'NAS-Port = 77' 'NAS-Port-Id = "1/0/2"' >/dev/null
session_is 'the same NAS-Port-Id is the same place' "$(where 4)" "$one 77; moved $one 1 open; moved"
for _ in 1 2 3; do authorize $one 5 1 >/dev/null; done
session_is 'where it is, it stays' "$(where 5)" "$one 1; ; "

# -- to and fro: closed each time, it is a migration; else somebody is there twice
for _ in $(seq 5); do
	for place in "$one 1 a" "$two 2 b"; do
		read -r nas port id <<<"$place"
		class=$(authorize "$nas" 6 "$port")
		account "$nas" Start 6 "$id" "$class"
		account "$nas" Stop 6 "$id" "$class"
	done
done
session_is 'logged off each time: ten sessions' "SELECT count(*), sum(state = 'stopped'), (SELECT count(*) FROM notice WHERE mac = mac($(vm 6))) FROM past WHERE mac = mac($(vm 6))" '10|10|0'
for _ in $(seq 10); do
	authorize $one 7 1 >/dev/null
	authorize $two 7 2 >/dev/null
done
session_is 'flapping: one place' "SELECT nas, (SELECT count(*) FROM past WHERE mac = session.mac AND state = 'moved') FROM session WHERE mac = mac($(vm 7))" "$two|19"
n=$(sessions "SELECT count(*) FROM notice WHERE kind = 'clone' AND mac = mac($(vm 7))")
ok "and clone alarms, but not one for each flap ($n)" [ "$n" -ge 1 ] && [ "$n" -le 2 ]

# -- two NASes at the same instant
for nas in $one $two; do
	for n in $(seq 100 199); do
		printf 'Packet-Src-IP-Address = %s\nUser-Name = "%s"\nUser-Password = "%s"\nService-Type = Call-Check\nCalling-Station-Id = "%s"\nNAS-Port = 9\nMessage-Authenticator = 0x00\n\n' \
			$nas "$(vm "$n")" "$(vm "$n")" "$(vm "$n")"
	done > "$T/$nas"
	radclient -q -p 50 -r 1 -t 3 -f "$T/$nas" "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET" > "$T/$nas.out" 2>&1 &
	pids="${pids:-} $!"
done
# shellcheck disable=SC2086 # words
wait $pids
hundred="BETWEEN mac($(vm 100)) AND mac($(vm 199))"
session_is 'two NASes at once: each guest in one place' "SELECT count(*), count(DISTINCT mac) FROM session WHERE mac $hundred" '100|100'
session_is 'and left the other' "SELECT count(*), count(DISTINCT past.mac) FROM past JOIN session USING (mac) WHERE past.mac $hundred AND past.state = 'moved' AND past.nas <> session.nas" '100|100'
is 'policyd is told of each' "$(sessions "SELECT count(*) FROM notice WHERE kind = 'moved' AND mac $hundred")" 100

# -- clones
clone() { # N: moved from A to B ten seconds ago, and now A says that it is still there
	local class
	class=$(authorize $one "$1" 1)
	account $one Start "$1" "a$1" "$class"
	authorize $two "$1" 2 >/dev/null
	wait_for 3 session_says "SELECT nas FROM session WHERE mac = mac($(vm "$1"))" $two
	age "$1" 10
	account $one Interim-Update "$1" "a$1" "$class"
}
evicted() { printf "SELECT nas FROM notice WHERE kind = 'evict' AND mac = mac(%s)" "$(vm "$1")"; }
alarms() { printf "SELECT count(*) FROM notice WHERE kind = 'clone' AND mac = mac(%s)" "$(vm "$1")"; }
clone 8
session_is 'activity on the old place is an alarm' "$(alarms 8)" 1
session_is 'the guest stays where it was authorized last' "$(where 8)" "$two 2; moved $one 1 open; moved,clone"
like 'which names both' "$(sessions "SELECT detail FROM notice WHERE kind = 'clone' AND mac = mac($(vm 8))")" "$two.*$one|$one.*$two"
ok 'the log has it' grep -q 'audit: clone-alarm: mac 52:54:00:00:01:08' "$T/r/log/radius.log"
account $one Interim-Update 8 a8
session_is 'once in a while' "$(alarms 8)" 1
class=$(authorize $one 9 1)
authorize $two 9 2 >/dev/null
account $one Interim-Update 9 a9 "$class"
session_is 'clocks may differ a little' "$(alarms 9)" 0
is 'nobody is refused unless configured' "$(authorize $one 8 1 | cut -c 1-5) $(authorize $two 8 2 | cut -c 1-5)" 'Class Class'

# refused ACTION N: what A and B then say to the clone
configure() {
	radius_stop
	sed -i -e "s/clone_action = .*/clone_action = $1/" -e "s/clone_hold = .*/clone_hold = $2/" -e "s/clone_window = .*/clone_window = $3/" "$T/r/raddb/mods-available/vmprov"
	radius_start "$T/r" || exit 1
}
refused() { printf '%s %s' "$(authorize $one "$1" 1 | cut -c 1-13)" "$(authorize $two "$1" 2 | cut -c 1-13)" | sed 's/Class = 0x[0-9a-f]*/Accept/g'; }
configure newer 300 60
clone 21
session_is 'newer: an alarm' "$(alarms 21)" 1
session_is 'policyd is to end it where it is' "$(evicted 21)" "$two"
is 'the newer one is refused' "$(refused 21)" 'Accept Access-Reject'
like 'with a reason' "$(radius_mab $two "$(vm 21)" 'NAS-Port = 2' 'NAS-Port-Id = "1/0/2"')" 'in use in two places'
is 'others are not' "$(refused 22)" 'Accept Accept'
configure older 2 60
clone 23
session_is 'older: an alarm' "$(alarms 23)" 1
is 'the session that lasts is left alone' "$(sessions "$(evicted 23)")" ''
is 'the older one is refused' "$(refused 23)" 'Access-Reject Accept'
free() { [[ $(authorize $one 23 1) == Class* ]]; }
ok 'until clone_hold is over' wait_for 5 free
configure both 300 60
clone 24
session_is 'both: an alarm' "$(alarms 24)" 1
is 'both are refused' "$(refused 24)" 'Access-Reject Access-Reject'
session_is 'and policyd is to end it' "$(evicted 24)" "$two"
configure both 300 0
clone 25
session_is 'clone_window 0: moved' "SELECT nas FROM session WHERE mac = mac($(vm 25))" $two
is 'without alarms' "$(sessions "$(alarms 25)")" 0
is 'nor refusals' "$(refused 25)" 'Accept Accept'
t_end
